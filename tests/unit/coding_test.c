/* SPDX-License-Identifier: Apache-2.0 */
/* Content codings: names, and streams whole, split, truncated, corrupt, and larger than their room.
 */
#include "http/coding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

enum { TEXT_LEN = 100000, CODED_MAX = 200000, RAW = -MAX_WBITS, GZIP = MAX_WBITS + 16 };

static char text[TEXT_LEN];
static char twice[2 * TEXT_LEN];

static int fill_text(void **state)
{
    unsigned random = 1;

    (void)state;
    for (size_t i = 0; i < TEXT_LEN; i++) {
        random = random * 1103515245u + 12345u;
        text[i] = (char)('a' + (random >> 16) % 20);
    }
    memcpy(twice, text, TEXT_LEN);
    memcpy(twice + TEXT_LEN, text, TEXT_LEN);
    return 0;
}

static size_t deflate_text(int window_bits, char *out)
{
    z_stream stream = {.next_in = (Bytef *)text,
                       .avail_in = TEXT_LEN,
                       .next_out = (Bytef *)out,
                       .avail_out = CODED_MAX};

    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return stream.total_out;
}

static size_t zstd_text(char *out)
{
    size_t len = ZSTD_compress(out, CODED_MAX, text, TEXT_LEN, 3);

    assert_false(ZSTD_isError(len));
    return len;
}

/* How a client of the decoder behaves: pieces of `step` bytes in, `room` bytes out at most. */
struct drive {
    enum coding_kind kind;
    size_t step, room;
};

static enum error drain(struct coding_decoder *decoder, struct slice *piece, struct buffer *window,
                        struct buffer *out)
{
    enum error error;

    do {
        error = coding_decode(decoder, piece, window);
        assert_int_equal(buffer_append(out, buffer_view(window)), OK);
        buffer_reset(window);
    } while (error == ERR_AGAIN);
    return error;
}

static enum error decode(struct drive drive, struct slice coded, struct buffer *out)
{
    OWNED_STRUCT(coding_decoder) *decoder = NULL;
    struct buffer window;
    enum error error = OK;

    assert_int_equal(coding_decoder_new(drive.kind, &decoder), OK);
    buffer_init(&window, drive.room);
    while (coded.len > 0 && error == OK) {
        struct slice piece = slice_take(coded, drive.step);
        coded = slice_skip(coded, piece.len);
        error = drain(decoder, &piece, &window, out);
        assert_true(error != OK || piece.len == 0);
    }
    buffer_clear(&window);
    return error != OK ? error : coding_decoder_finish(decoder);
}

static void assert_decodes(struct drive drive, struct slice coded, struct slice expected)
{
    struct buffer out;

    buffer_init(&out, 1 << 20);
    assert_int_equal(decode(drive, coded, &out), OK);
    assert_true(slice_equals(buffer_view(&out), expected));
    buffer_clear(&out);
}

static void assert_refused(enum coding_kind kind, struct slice coded)
{
    struct buffer out;

    buffer_init(&out, 64 << 20);
    assert_int_equal(decode((struct drive){kind, 4096, 65536}, coded, &out), ERR_SYNTAX);
    buffer_clear(&out);
}

struct sample {
    enum coding_kind kind;
    char *data;
    size_t len;
    bool takes_members;
};

enum { SAMPLES = 4 };

static void make_samples(struct sample *samples)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        samples[i].data = malloc(CODED_MAX);
        assert_non_null(samples[i].data);
    }
    samples[0].kind = CODING_GZIP;
    samples[0].len = deflate_text(GZIP, samples[0].data);
    samples[0].takes_members = true;
    samples[1].kind = CODING_DEFLATE;
    samples[1].len = deflate_text(MAX_WBITS, samples[1].data);
    samples[1].takes_members = false;
    samples[2].kind = CODING_DEFLATE;
    samples[2].len = deflate_text(RAW, samples[2].data);
    samples[2].takes_members = false;
    samples[3].kind = CODING_ZSTD;
    samples[3].len = zstd_text(samples[3].data);
    samples[3].takes_members = true;
}

static void free_samples(struct sample *samples)
{
    for (size_t i = 0; i < SAMPLES; i++)
        free(samples[i].data);
}

static void every_coding_gives_the_text_back_however_it_is_split(void **state)
{
    static const struct {
        size_t step, room;
    } splits[] = {{SIZE_MAX, 1 << 20}, {1, 65536}, {SIZE_MAX, 7}, {13, 100}, {4096, 4096}};
    struct sample samples[SAMPLES];

    (void)state;
    make_samples(samples);
    for (size_t i = 0; i < SAMPLES; i++)
        for (size_t j = 0; j < ARRAY_LEN(splits); j++)
            assert_decodes((struct drive){samples[i].kind, splits[j].step, splits[j].room},
                           slice_of(samples[i].data, samples[i].len), slice_of(text, TEXT_LEN));
    free_samples(samples);
}

static void members_and_frames_follow_each_other_only_where_the_format_has_them(void **state)
{
    struct sample samples[SAMPLES];

    (void)state;
    make_samples(samples);
    for (size_t i = 0; i < SAMPLES; i++) {
        char *doubled = malloc(2 * samples[i].len);
        struct slice both = slice_of(doubled, 2 * samples[i].len);

        assert_non_null(doubled);
        memcpy(doubled, samples[i].data, samples[i].len);
        memcpy(doubled + samples[i].len, samples[i].data, samples[i].len);
        if (samples[i].takes_members)
            assert_decodes((struct drive){samples[i].kind, 999, 8192}, both,
                           slice_of(twice, sizeof(twice)));
        else
            assert_refused(samples[i].kind, both);
        free(doubled);
    }
    free_samples(samples);
}

static void a_byte_behind_the_end_is_refused(void **state)
{
    struct sample samples[SAMPLES];

    (void)state;
    make_samples(samples);
    for (size_t i = 0; i < SAMPLES; i++) {
        samples[i].data[samples[i].len] = 'x';
        assert_refused(samples[i].kind, slice_of(samples[i].data, samples[i].len + 1));
    }
    free_samples(samples);
}

static void a_stream_that_stops_early_is_refused(void **state)
{
    struct sample samples[SAMPLES];

    (void)state;
    make_samples(samples);
    for (size_t i = 0; i < SAMPLES; i++) {
        assert_refused(samples[i].kind, slice_of(samples[i].data, samples[i].len - 1));
        assert_refused(samples[i].kind, slice_of(samples[i].data, samples[i].len / 2));
        assert_refused(samples[i].kind, slice_of(samples[i].data, 1));
    }
    free_samples(samples);
}

static void what_is_not_the_coding_is_refused(void **state)
{
    (void)state;
    assert_refused(CODING_GZIP, SLICE("plain text"));
    assert_refused(CODING_DEFLATE, SLICE("plain text"));
    assert_refused(CODING_BROTLI, SLICE("\xff\xff\xff plain text"));
    assert_refused(CODING_ZSTD, SLICE("plain text"));
}

static void an_empty_body_is_complete(void **state)
{
    (void)state;
    for (enum coding_kind kind = CODING_GZIP; kind < CODING_UNKNOWN; kind++)
        assert_decodes((struct drive){kind, 1, 16}, SLICE_NONE, SLICE_NONE);
}

static const struct slice brotli_hello = SLICE_INIT(
    "\x1b\x12\x00\xf8\x8d\x94\x6e\xde\x44\x09\x52\x86\x96\x6c\x2c\x6f\x11\x4f\x24\xd0\x71\x00");

static void brotli_is_decoded_however_it_is_split(void **state)
{
    (void)state;
    for (size_t step = 1; step <= brotli_hello.len; step++)
        for (size_t room = 1; room < 25; room++)
            assert_decodes((struct drive){CODING_BROTLI, step, room}, brotli_hello,
                           SLICE("hello, hello, hello"));
    for (size_t len = 1; len < brotli_hello.len; len++)
        assert_refused(CODING_BROTLI, slice_take(brotli_hello, len));
    assert_refused(
        CODING_BROTLI,
        SLICE("\x1b\x12\x00\xf8\x8d\x94\x6e\xde\x44\x09\x52\x86\x96\x6c\x2c\x6f\x11\x4f\x24\xd0"
              "\x71\x00\x00"));
}

/* 20 MiB of zeros, once with a window of 4 MiB and once with one of 16. */
static void a_brotli_window_over_8_mib_is_refused(void **state)
{
    static const struct slice small = SLICE_INIT(
        "\xcb\xff\xff\x3f\x00\x24\x00\xe2\xb1\x40\x72\xef\xff\xf8\xff\xff\x07\x80\x04\x40\x1c\x16"
        "\x80\xee\xfd\x5f\xfe\xff\xff\x00\x90\x00\x88\xc3\x02\xd0\xbd\xff\x01");
    static const struct slice large = SLICE_INIT(
        "\xcf\xff\xff\x7f\x00\x24\x00\xe2\xb1\x40\x72\xef\xff\xf3\xff\xff\x07\x80\x04\x40\x1c\x16"
        "\x80\xee\xfd\x0f");
    struct buffer out;

    (void)state;
    buffer_init(&out, 32 << 20);
    assert_int_equal(decode((struct drive){CODING_BROTLI, 4096, 65536}, small, &out), OK);
    assert_int_equal(buffer_len(&out), 20 << 20);
    buffer_clear(&out);
    assert_refused(CODING_BROTLI, large);
}

static size_t zstd_zeros(int window_log, char *out, size_t room)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    static char zeros[1 << 16];
    ZSTD_outBuffer coded = {out, room, 0};

    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
    for (int i = 0; i < 300; i++) {
        ZSTD_inBuffer in = {zeros, sizeof(zeros), 0};
        assert_int_equal(
            ZSTD_compressStream2(context, &coded, &in, i == 299 ? ZSTD_e_end : ZSTD_e_flush), 0);
    }
    ZSTD_freeCCtx(context);
    return coded.pos;
}

static void a_zstd_window_over_8_mib_is_refused(void **state)
{
    static char coded[1 << 20];
    struct buffer out;

    (void)state;
    buffer_init(&out, 32 << 20);
    size_t len = zstd_zeros(23, coded, sizeof(coded));
    assert_int_equal(decode((struct drive){CODING_ZSTD, 4096, 65536}, slice_of(coded, len), &out),
                     OK);
    assert_int_equal(buffer_len(&out), 300 << 16);
    buffer_clear(&out);
    len = zstd_zeros(24, coded, sizeof(coded));
    assert_refused(CODING_ZSTD, slice_of(coded, len));
}

static void names_ignore_case(void **state)
{
    (void)state;
    assert_int_equal(coding_parse(SLICE("GZip")), CODING_GZIP);
    assert_int_equal(coding_parse(SLICE("x-gzip")), CODING_GZIP);
    assert_int_equal(coding_parse(SLICE("deflate")), CODING_DEFLATE);
    assert_int_equal(coding_parse(SLICE("br")), CODING_BROTLI);
    assert_int_equal(coding_parse(SLICE("zstd")), CODING_ZSTD);
    assert_int_equal(coding_parse(SLICE("identity")), CODING_IDENTITY);
    assert_int_equal(coding_parse(SLICE("compress")), CODING_UNKNOWN);
    assert_int_equal(coding_parse(SLICE("")), CODING_UNKNOWN);
}

static void accept_encoding_keeps_what_is_decoded_here(void **state)
{
    static const struct {
        struct slice in, out;
    } cases[] = {
        {SLICE_INIT("gzip, deflate, br, zstd"), SLICE_INIT("gzip, deflate, br, zstd")},
        {SLICE_INIT("gzip;q=0.5 ,compress,  br ; q=1"), SLICE_INIT("gzip;q=0.5, br ; q=1")},
        {SLICE_INIT("dcb, dcz, *"), SLICE_INIT("identity")},
        {SLICE_INIT("identity;q=0, gzip"), SLICE_INIT("identity;q=0, gzip")},
        {SLICE_INIT(""), SLICE_INIT("identity")},
        {SLICE_INIT(",,"), SLICE_INIT("identity")},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buffer out;

        buffer_init(&out, 256);
        assert_int_equal(coding_reduce_accept(cases[i].in, &out), OK);
        assert_true(slice_equals(buffer_view(&out), cases[i].out));
        buffer_clear(&out);
    }
}

static void there_is_no_decoder_for_what_is_unknown(void **state)
{
    struct coding_decoder *decoder = NULL;

    (void)state;
    assert_int_equal(coding_decoder_new(CODING_UNKNOWN, &decoder), ERR_UNSUPPORTED);
    assert_int_equal(coding_decoder_new(CODING_IDENTITY, &decoder), ERR_UNSUPPORTED);
    assert_null(decoder);
    coding_decoder_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_coding_gives_the_text_back_however_it_is_split),
        cmocka_unit_test(members_and_frames_follow_each_other_only_where_the_format_has_them),
        cmocka_unit_test(a_byte_behind_the_end_is_refused),
        cmocka_unit_test(a_stream_that_stops_early_is_refused),
        cmocka_unit_test(what_is_not_the_coding_is_refused),
        cmocka_unit_test(an_empty_body_is_complete),
        cmocka_unit_test(brotli_is_decoded_however_it_is_split),
        cmocka_unit_test(a_brotli_window_over_8_mib_is_refused),
        cmocka_unit_test(a_zstd_window_over_8_mib_is_refused),
        cmocka_unit_test(names_ignore_case),
        cmocka_unit_test(accept_encoding_keeps_what_is_decoded_here),
        cmocka_unit_test(there_is_no_decoder_for_what_is_unknown),
    };

    return cmocka_run_group_tests(tests, fill_text, NULL);
}
