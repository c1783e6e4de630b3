/* SPDX-License-Identifier: Apache-2.0 */
/* What a client gets of a body that may hold values. */
#include "proxy/response_body.h"

#include "inject_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <zlib.h>

#include <cmocka.h>

#define VALUE "sk-live-0123456789"
#define TOKEN "osb_sealed_11111111111111111111111111111111"

static const struct fixture_secret secrets[] = {{.name = "A_KEY", .value = VALUE}};

enum { OUT_MAX = 1 << 20 };

struct answer {
    struct inject_values *values;
    struct http_head head;
    struct response_body body;
    struct buffer out;
    enum error planned;
};

static void answer_init(struct answer *answer)
{
    answer->values = fixture_values(secrets, ARRAY_LEN(secrets), "api.example.com");
    http_head_init(&answer->head);
    buffer_init(&answer->out, OUT_MAX);
}

static void answer_begin(struct answer *answer, const char *coding, struct http_framing framing,
                         bool is_http10)
{
    answer_init(answer);
    if (coding != NULL)
        fixture_must(
            http_head_add(&answer->head, SLICE("Content-Encoding"), slice_from_string(coding)));
    answer->planned =
        response_body_plan(&answer->body, answer->values, &answer->head, framing, is_http10);
}

/* Of gRPC: one field of its head, and no length. */
static void answer_begin_grpc(struct answer *answer, struct slice name, struct slice value)
{
    struct http_framing chunked = {.kind = HTTP_BODY_CHUNKED};

    answer_init(answer);
    fixture_must(http_head_add(&answer->head, name, value));
    answer->planned =
        response_body_plan(&answer->body, answer->values, &answer->head, chunked, false);
}

static void answer_push(struct answer *answer, struct slice piece)
{
    assert_int_equal(response_body_push(&answer->body, piece, &answer->out), OK);
    while (answer->body.has_more)
        assert_int_equal(response_body_push(&answer->body, SLICE_NONE, &answer->out), OK);
}

static void answer_end(struct answer *answer)
{
    response_body_clear(&answer->body);
    http_head_clear(&answer->head);
    buffer_clear(&answer->out);
    inject_values_unref(answer->values);
}

static void assert_out(const struct answer *answer, const char *expected)
{
    struct slice out = buffer_view(&answer->out);

    assert_int_equal(out.len, strlen(expected));
    assert_memory_equal(out.data, expected, out.len);
}

static void short_body_is_completed_and_gets_its_new_length(void **state)
{
    struct answer answer;
    const char *body = "{\"key\":\"" VALUE "\"}";

    (void)state;
    answer_begin(&answer, NULL, (struct http_framing){HTTP_BODY_LENGTH, strlen(body)}, false);
    assert_int_equal(answer.body.mode, RESPONSE_BODY_WHOLE);
    answer_push(&answer, slice_from_string(body));
    assert_out(&answer, "");
    assert_int_equal(response_body_end(&answer.body, &answer.out), OK);
    assert_out(&answer, "{\"key\":\"" TOKEN "\"}");
    assert_int_equal(answer.body.framing.kind, HTTP_BODY_LENGTH);
    assert_int_equal(answer.body.framing.length, buffer_len(&answer.out));
    assert_int_equal(response_body_hits(&answer.body), 1);
    answer_end(&answer);
}

static void long_body_keeps_its_length_under_a_mask(void **state)
{
    struct answer answer;
    struct http_framing framing = {HTTP_BODY_LENGTH, RESPONSE_BODY_WHOLE_MAX + 1};

    (void)state;
    answer_begin(&answer, NULL, framing, false);
    assert_int_equal(answer.body.mode, RESPONSE_BODY_FILTERED);
    assert_int_equal(answer.body.framing.length, framing.length);
    answer_push(&answer, SLICE("<" VALUE ">"));
    assert_out(&answer, "<******************>");
    answer_end(&answer);
}

static void chunked_body_shows_the_token_at_once(void **state)
{
    struct answer answer;

    (void)state;
    answer_begin(&answer, NULL, (struct http_framing){.kind = HTTP_BODY_CHUNKED}, false);
    answer_push(&answer, SLICE("data: " VALUE "\n\n"));
    assert_out(&answer, "data: " TOKEN "\n\n");
    answer_end(&answer);
}

static void http10_client_gets_no_chunks(void **state)
{
    struct answer answer;

    (void)state;
    answer_begin(&answer, NULL, (struct http_framing){.kind = HTTP_BODY_CHUNKED}, true);
    assert_int_equal(answer.body.framing.kind, HTTP_BODY_UNTIL_CLOSE);
    answer_end(&answer);
}

static size_t gzip(const char *text, size_t len, char *out, size_t size)
{
    z_stream stream = {0};

    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (Bytef *)(uintptr_t)text;
    stream.avail_in = (uInt)len;
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)size;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t made = stream.total_out;
    deflateEnd(&stream);
    return made;
}

static void coded_body_is_decoded_and_loses_its_coding(void **state)
{
    static const char text[] = "before " VALUE " after";
    struct answer answer;
    char coded[256];
    size_t len = gzip(text, sizeof(text) - 1, coded, sizeof(coded));

    (void)state;
    answer_begin(&answer, "gzip", (struct http_framing){HTTP_BODY_LENGTH, len}, false);
    assert_int_equal(answer.body.framing.kind, HTTP_BODY_CHUNKED);
    assert_null(http_head_find(&answer.head, SLICE("content-encoding")));
    for (size_t i = 0; i < len; i++)
        answer_push(&answer, slice_of(coded + i, 1));
    assert_int_equal(response_body_end(&answer.body, &answer.out), OK);
    assert_out(&answer, "before " TOKEN " after");
    answer_end(&answer);
}

static void truncated_coding_is_an_error(void **state)
{
    struct answer answer;
    char coded[256];
    size_t len = gzip("some text", 9, coded, sizeof(coded));

    (void)state;
    answer_begin(&answer, "gzip", (struct http_framing){HTTP_BODY_LENGTH, len}, false);
    answer_push(&answer, slice_of(coded, len - 1));
    assert_int_equal(response_body_end(&answer.body, &answer.out), ERR_SYNTAX);
    answer_end(&answer);
}

/* 8 MiB of zeros in 8 KiB of gzip: each call lets out no more than a step. */
static void bomb_comes_out_in_steps(void **state)
{
    static char zeros[8 << 20], coded[64 << 10];
    struct answer answer;
    size_t len = gzip(zeros, sizeof(zeros), coded, sizeof(coded)), total = 0;

    (void)state;
    answer_begin(&answer, "gzip", (struct http_framing){HTTP_BODY_LENGTH, len}, false);
    struct slice piece = slice_of(coded, len);
    do {
        assert_int_equal(response_body_push(&answer.body, piece, &answer.out), OK);
        assert_true(buffer_len(&answer.out) <= RESPONSE_BODY_STEP);
        total += buffer_len(&answer.out);
        buffer_reset(&answer.out);
        piece = SLICE_NONE;
    } while (answer.body.has_more);
    assert_int_equal(response_body_end(&answer.body, &answer.out), OK);
    assert_int_equal(total + buffer_len(&answer.out), sizeof(zeros));
    answer_end(&answer);
}

static void unknown_coding_cannot_pass(void **state)
{
    static const char *const codings[] = {"compress", "gzip, br", "gzip, gzip", "identity, br, x",
                                          "aes128gcm"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
        struct answer answer;
        answer_begin(&answer, codings[i], (struct http_framing){HTTP_BODY_LENGTH, 10}, false);
        assert_int_equal(answer.planned, ERR_UNSUPPORTED);
        answer_end(&answer);
    }
}

static void value_in_a_grpc_message_is_hidden_without_changing_its_length(void **state)
{
    static const char *const types[] = {"application/grpc", "application/grpc+proto",
                                        "Application/GRPC-web"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct answer answer;
        answer_begin_grpc(&answer, SLICE("content-type"), slice_from_string(types[i]));
        answer_push(&answer, SLICE("<" VALUE ">"));
        assert_out(&answer, "<******************>");
        answer_end(&answer);
    }
}

static void compressed_grpc_messages_cannot_pass(void **state)
{
    struct answer answer;

    (void)state;
    answer_begin_grpc(&answer, SLICE("grpc-encoding"), SLICE("gzip"));
    assert_int_equal(answer.planned, ERR_UNSUPPORTED);
    answer_end(&answer);
    answer_begin_grpc(&answer, SLICE("grpc-encoding"), SLICE("identity"));
    assert_int_equal(answer.planned, OK);
    answer_end(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_body_is_completed_and_gets_its_new_length),
        cmocka_unit_test(long_body_keeps_its_length_under_a_mask),
        cmocka_unit_test(chunked_body_shows_the_token_at_once),
        cmocka_unit_test(http10_client_gets_no_chunks),
        cmocka_unit_test(coded_body_is_decoded_and_loses_its_coding),
        cmocka_unit_test(truncated_coding_is_an_error),
        cmocka_unit_test(bomb_comes_out_in_steps),
        cmocka_unit_test(unknown_coding_cannot_pass),
        cmocka_unit_test(value_in_a_grpc_message_is_hidden_without_changing_its_length),
        cmocka_unit_test(compressed_grpc_messages_cannot_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
