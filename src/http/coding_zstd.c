/* SPDX-License-Identifier: Apache-2.0 */
/* zstd. Never takes a frame with a window over 8 MiB. */

/* For ZSTD_createDStream_advanced(), the only way to have its memory wiped: its window holds what
 * an origin echoed. Shared libraries export it as well, unchanged since version 0.8. */
#define ZSTD_STATIC_LINKING_ONLY
#include "http/coding_engine.h"

#include <stdlib.h>
#include <zstd.h>

enum { WINDOW_LOG_MAX = 23 };

struct zstd_engine {
    struct coding_engine engine; /* first */
    ZSTD_DStream *stream;
};

static void zstd_free(struct coding_engine *engine)
{
    struct zstd_engine *zstd = CONTAINER_OF(engine, struct zstd_engine, engine);

    ZSTD_freeDStream(zstd->stream);
    free(zstd);
}

static enum coding_result zstd_step(struct coding_engine *engine, struct coding_step *step)
{
    struct zstd_engine *zstd = CONTAINER_OF(engine, struct zstd_engine, engine);
    ZSTD_inBuffer in = {step->input.data, step->input.len, 0};
    ZSTD_outBuffer out = {step->out, step->room, 0};

    size_t status = ZSTD_decompressStream(zstd->stream, &out, &in);
    step->input = slice_skip(step->input, in.pos);
    step->out += out.pos;
    step->room -= out.pos;
    if (ZSTD_isError(status))
        return CODING_CORRUPT;
    return status == 0 ? CODING_END : CODING_MORE;
}

struct coding_engine *coding_zstd_new(void)
{
    static const ZSTD_customMem memory = {coding_memory_alloc, coding_memory_free, NULL};
    struct zstd_engine *zstd = calloc(1, sizeof(*zstd));

    if (zstd == NULL)
        return NULL;
    zstd->engine = (struct coding_engine){zstd_step, zstd_free, .takes_members = true};
    zstd->stream = ZSTD_createDStream_advanced(memory);
    if (zstd->stream == NULL ||
        ZSTD_isError(ZSTD_DCtx_setParameter(zstd->stream, ZSTD_d_windowLogMax, WINDOW_LOG_MAX))) {
        zstd_free(&zstd->engine);
        return NULL;
    }
    return &zstd->engine;
}
