/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of an origin: each message reads as if it had been redacted whole, and shows no value. */
#include "websocket_rewrite.h"

static struct websocket_rewriter *make(struct inject_values *values)
{
    struct websocket_rewriter *rewriter = NULL;

    fixture_must(websocket_rewriter_new_hiding(values, &rewriter));
    return rewriter;
}

static void model(struct inject_values *values, enum websocket_opcode opcode, struct slice payload,
                  struct buffer *out)
{
    bool keeps_length = opcode != WEBSOCKET_TEXT;
    OWNED_STRUCT(redactor) *redactor = NULL;

    fixture_must(redactor_new(values, keeps_length, &redactor));
    fixture_must(redactor_feed(redactor, payload, out));
    fixture_must(redactor_finish(redactor, out));
    websocket_must(!keeps_length || buffer_len(out) == payload.len);
    size_t found = slice_find_slice(buffer_view(out), SLICE(WEBSOCKET_VALUE));
    websocket_must(found == buffer_len(out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    websocket_fuzz(WEBSOCKET_FROM_SERVER, slice_of(data, size), make, model);
    return 0;
}
