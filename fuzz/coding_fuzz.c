/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes through any decoder: where two ways of splitting the input and the room both succeed,
 * the output is the same. The first byte chooses the coding. */
#include "http/coding.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUTPUT_MAX = 1 << 18 };

static enum error decode_piece(struct coding_decoder *decoder, struct slice piece,
                               struct buffer *window, struct buffer *out)
{
    enum error error;

    do {
        error = coding_decode(decoder, &piece, window);
        enum error full = buffer_append(out, buffer_view(window));
        buffer_reset(window);
        if (full != OK)
            return full;
    } while (error == ERR_AGAIN);
    return error;
}

static enum error decode(enum coding_kind kind, struct slice input, size_t step, struct buffer *out)
{
    OWNED_STRUCT(coding_decoder) *decoder = NULL;
    struct buffer window;
    enum error error = coding_decoder_new(kind, &decoder);

    buffer_init(&window, step < 100 ? 100 : step);
    while (input.len > 0 && error == OK) {
        error = decode_piece(decoder, slice_take(input, step), &window, out);
        input = slice_skip(input, step);
    }
    buffer_clear(&window);
    return error != OK ? error : coding_decoder_finish(decoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;

    enum coding_kind kind = (enum coding_kind)(CODING_GZIP + data[0] % 4);
    struct slice input = slice_of(data + 1, size - 1);
    struct buffer whole, split;

    buffer_init(&whole, OUTPUT_MAX);
    buffer_init(&split, OUTPUT_MAX);
    enum error error = decode(kind, input, 1 << 16, &whole);
    if (decode(kind, input, 3, &split) == OK && error == OK &&
        !slice_equals(buffer_view(&whole), buffer_view(&split))) {
        fprintf(stderr, "the output depends on how the input is split\n");
        abort();
    }
    buffer_clear(&whole);
    buffer_clear(&split);
    return 0;
}
