/* SPDX-License-Identifier: Apache-2.0 */
/* br. Never lets a stream have the 16 MiB window of the format: coding_memory_alloc() refuses it.
 */
#include "http/coding_engine.h"

#include <brotli/decode.h>
#include <stdlib.h>

struct brotli_engine {
    struct coding_engine engine; /* first */
    BrotliDecoderState *state;
};

static void brotli_free(struct coding_engine *engine)
{
    struct brotli_engine *brotli = CONTAINER_OF(engine, struct brotli_engine, engine);

    BrotliDecoderDestroyInstance(brotli->state);
    free(brotli);
}

static enum coding_result brotli_step(struct coding_engine *engine, struct coding_step *step)
{
    struct brotli_engine *brotli = CONTAINER_OF(engine, struct brotli_engine, engine);
    const uint8_t *in = (const uint8_t *)step->input.data;
    uint8_t *out = (uint8_t *)step->out;
    size_t in_len = step->input.len;

    BrotliDecoderResult result =
        BrotliDecoderDecompressStream(brotli->state, &in_len, &in, &step->room, &out, NULL);
    step->input = slice_skip(step->input, step->input.len - in_len);
    step->out = (char *)out;
    if (result == BROTLI_DECODER_RESULT_ERROR)
        return CODING_CORRUPT;
    return result == BROTLI_DECODER_RESULT_SUCCESS ? CODING_END : CODING_MORE;
}

struct coding_engine *coding_brotli_new(void)
{
    struct brotli_engine *brotli = calloc(1, sizeof(*brotli));

    if (brotli == NULL)
        return NULL;
    brotli->engine = (struct coding_engine){brotli_step, brotli_free, .takes_members = false};
    brotli->state = BrotliDecoderCreateInstance(coding_memory_alloc, coding_memory_free, NULL);
    if (brotli->state == NULL)
        free(TAKE(brotli));
    return brotli != NULL ? &brotli->engine : NULL;
}
