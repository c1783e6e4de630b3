/* SPDX-License-Identifier: Apache-2.0 */
/* gzip and deflate. Never takes raw deflate where gzip was announced. */
#define ZLIB_CONST
#include "http/coding_engine.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

enum { GZIP_ONLY = 16 + MAX_WBITS, ZLIB_ONLY = MAX_WBITS, RAW = -MAX_WBITS };

struct zlib_engine {
    struct coding_engine engine; /* first */
    enum coding_kind kind;
    bool started, between_members;
    z_stream stream;
};

static void *zlib_alloc(void *opaque, unsigned items, unsigned size)
{
    size_t total;

    if (__builtin_mul_overflow((size_t)items, (size_t)size, &total))
        return NULL;
    return coding_memory_alloc(opaque, total);
}

static void zlib_free(struct coding_engine *engine)
{
    struct zlib_engine *zlib = CONTAINER_OF(engine, struct zlib_engine, engine);

    if (zlib->started)
        inflateEnd(&zlib->stream);
    free(zlib);
}

/* "deflate" comes with and without the zlib wrapper. One byte tells: read as raw deflate, that of a
 * wrapper would be a stored block with padding bits set, which no encoder writes. */
static int window_bits(const struct zlib_engine *zlib, unsigned char first)
{
    if (zlib->kind == CODING_GZIP)
        return GZIP_ONLY;
    return (first & 0x0f) == Z_DEFLATED && first >> 4 <= MAX_WBITS - 8 ? ZLIB_ONLY : RAW;
}

/* At the first byte, and at the first of each further member. */
static bool start(struct zlib_engine *zlib, struct slice input)
{
    if (zlib->started && !zlib->between_members)
        return true;
    if (zlib->between_members) {
        zlib->between_members = false;
        return inflateReset(&zlib->stream) == Z_OK;
    }
    zlib->started =
        inflateInit2(&zlib->stream, window_bits(zlib, (unsigned char)input.data[0])) == Z_OK;
    return zlib->started;
}

static unsigned as_unsigned(size_t n)
{
    return n < UINT_MAX ? (unsigned)n : UINT_MAX;
}

static int inflate_step(z_stream *stream, struct coding_step *step)
{
    stream->next_in = (const Bytef *)step->input.data;
    stream->avail_in = as_unsigned(step->input.len);
    stream->next_out = (Bytef *)step->out;
    stream->avail_out = as_unsigned(step->room);

    int status = inflate(stream, Z_NO_FLUSH);
    size_t written = (size_t)((char *)stream->next_out - step->out);
    step->input =
        slice_skip(step->input, (size_t)((const char *)stream->next_in - step->input.data));
    step->out += written;
    step->room -= written;
    return status;
}

static enum coding_result zlib_step(struct coding_engine *engine, struct coding_step *step)
{
    struct zlib_engine *zlib = CONTAINER_OF(engine, struct zlib_engine, engine);

    if (step->input.len == 0 && (!zlib->started || zlib->between_members))
        return CODING_MORE;
    if (!start(zlib, step->input))
        return CODING_CORRUPT;

    switch (inflate_step(&zlib->stream, step)) {
    case Z_STREAM_END:
        zlib->between_members = true;
        return CODING_END;
    case Z_OK:
    case Z_BUF_ERROR:
        return CODING_MORE;
    default:
        return CODING_CORRUPT;
    }
}

struct coding_engine *coding_zlib_new(enum coding_kind kind)
{
    struct zlib_engine *zlib = calloc(1, sizeof(*zlib));

    if (zlib == NULL)
        return NULL;
    zlib->engine =
        (struct coding_engine){zlib_step, zlib_free, .takes_members = kind == CODING_GZIP};
    zlib->kind = kind;
    zlib->stream.zalloc = zlib_alloc;
    zlib->stream.zfree = coding_memory_free;
    return &zlib->engine;
}
