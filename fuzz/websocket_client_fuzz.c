/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of a client: whole tokens of text messages become values, and nothing else changes. */
#include "inject/token_scan.h"
#include "websocket_rewrite.h"

static struct websocket_rewriter *make(struct inject_values *values)
{
    static struct inject_finding finding;
    const struct decision_settings settings = {false};
    struct websocket_rewriter *rewriter = NULL;

    fixture_must(websocket_rewriter_new_injecting(values, settings, &finding, &rewriter));
    return rewriter;
}

/* Token by token over the whole text. */
static void model(UNUSED struct inject_values *values, enum websocket_opcode opcode,
                  struct slice payload, struct buffer *out)
{
    struct token_scan scan = token_scan_of(opcode == WEBSOCKET_TEXT ? payload : SLICE_NONE);
    struct token_sighting sighting;
    struct token token;
    size_t done = 0;

    fixture_must(token_parse(SLICE(WEBSOCKET_TOKEN), &token));
    while (token_scan_next(&scan, &sighting)) {
        if (!sighting.is_whole || memcmp(token.bytes, sighting.token.bytes, TOKEN_SIZE) != 0)
            continue;
        fixture_must(buffer_append(out, slice_take(slice_skip(payload, done), sighting.at - done)));
        fixture_must(buffer_append(out, SLICE(WEBSOCKET_VALUE)));
        done = sighting.at + sighting.len;
    }
    fixture_must(buffer_append(out, slice_skip(payload, done)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    websocket_fuzz(WEBSOCKET_FROM_CLIENT, slice_of(data, size), make, model);
    return 0;
}
