/* SPDX-License-Identifier: Apache-2.0 */
/* Content codings by name, and decoded piece by piece. Never more output at once than there is
 * room for, whatever the input would expand to. */
#include "http/coding.h"

#include "http/coding_engine.h"

#include <stdlib.h>

enum { STEP_MAX = 16 * 1024 };

/* What was decoded last. */
enum progress { NOTHING_YET, INSIDE, AT_END };

struct coding_decoder {
    struct coding_engine *engine;
    enum progress progress;
};

enum coding_kind coding_parse(struct slice name)
{
    static const struct {
        struct slice name;
        enum coding_kind kind;
    } codings[] = {
        {SLICE_INIT("identity"), CODING_IDENTITY}, {SLICE_INIT("gzip"), CODING_GZIP},
        {SLICE_INIT("x-gzip"), CODING_GZIP},       {SLICE_INIT("deflate"), CODING_DEFLATE},
        {SLICE_INIT("br"), CODING_BROTLI},         {SLICE_INIT("zstd"), CODING_ZSTD},
    };

    for (size_t i = 0; i < ARRAY_LEN(codings); i++)
        if (slice_equals_nocase(name, codings[i].name))
            return codings[i].kind;
    return CODING_UNKNOWN;
}

static bool is_decoded(struct slice element)
{
    return coding_parse(slice_trim(slice_split(&element, ';'))) != CODING_UNKNOWN;
}

static enum error append_element(struct slice element, bool first, struct buffer *out)
{
    if (!first)
        TRY(buffer_append(out, SLICE(", ")));
    return buffer_append(out, element);
}

enum error coding_reduce_accept(struct slice accept_encoding, struct buffer *out)
{
    bool none = true;

    while (accept_encoding.len > 0) {
        struct slice element = slice_trim(slice_split(&accept_encoding, ','));
        if (!is_decoded(element))
            continue;
        TRY(append_element(element, none, out));
        none = false;
    }
    return none ? buffer_append(out, SLICE("identity")) : OK;
}

static struct coding_engine *engine_new(enum coding_kind kind)
{
    if (kind == CODING_BROTLI)
        return coding_brotli_new();
    return kind == CODING_ZSTD ? coding_zstd_new() : coding_zlib_new(kind);
}

enum error coding_decoder_new(enum coding_kind kind, struct coding_decoder **out)
{
    if (kind == CODING_IDENTITY || kind == CODING_UNKNOWN)
        return ERR_UNSUPPORTED;

    OWNED_STRUCT(coding_decoder) *decoder = calloc(1, sizeof(*decoder));
    if (decoder == NULL)
        return ERR_NO_MEMORY;
    decoder->engine = engine_new(kind);
    if (decoder->engine == NULL)
        return ERR_NO_MEMORY;
    *out = TAKE(decoder);
    return OK;
}

void coding_decoder_free(struct coding_decoder *decoder)
{
    if (decoder == NULL)
        return;
    if (decoder->engine != NULL)
        decoder->engine->free(decoder->engine);
    free(decoder);
}

/* ERR_AGAIN: all of `room` was used, there may be more output waiting. */
static enum error decode_step(struct coding_decoder *decoder, struct slice *input, size_t room,
                              struct buffer *out)
{
    struct coding_step step = {.input = *input, .room = room};

    TRY(buffer_reserve(out, room, &step.out));
    enum coding_result result = decoder->engine->step(decoder->engine, &step);
    bool moved = step.input.len < input->len || step.room < room;
    buffer_commit(out, room - step.room);
    *input = step.input;

    if (result == CODING_CORRUPT || (!moved && input->len > 0))
        return ERR_SYNTAX;
    if (result == CODING_END)
        decoder->progress = AT_END;
    else if (moved)
        decoder->progress = INSIDE;
    return step.room == 0 ? ERR_AGAIN : OK;
}

static size_t room_for_step(const struct buffer *out)
{
    size_t room = out->limit - buffer_len(out);

    return room < STEP_MAX ? room : STEP_MAX;
}

enum error coding_decode(struct coding_decoder *decoder, struct slice *input, struct buffer *out)
{
    enum error error = OK;

    while (input->len > 0 || error == ERR_AGAIN || decoder->progress == INSIDE) {
        size_t room = room_for_step(out);
        if (room == 0)
            return ERR_AGAIN;
        if (decoder->progress == AT_END && !decoder->engine->takes_members && input->len > 0)
            return ERR_SYNTAX;
        error = decode_step(decoder, input, room, out);
        if (error != OK && error != ERR_AGAIN)
            return error;
        if (error == OK && input->len == 0)
            break;
    }
    return OK;
}

enum error coding_decoder_finish(const struct coding_decoder *decoder)
{
    return decoder->progress == INSIDE ? ERR_SYNTAX : OK;
}
