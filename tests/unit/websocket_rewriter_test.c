/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of a WebSocket with their tokens and values exchanged: the same messages, at every cut.
 */
#include "websocket_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define KEY "osb_sealed_11111111111111111111111111111111"
#define HEADER "osb_sealed_22222222222222222222222222222222"
#define VALUE "sk-live-0123456789"
#define MASKED_VALUE "******************"

static const struct fixture_secret secrets[] = {
    {.name = "A_KEY", .value = VALUE, .place = "websocket"},
    {.name = "B_HEADER", .value = "for a header only"},
};
static struct inject_values *values;
static struct inject_finding finding;

static struct websocket_rewriter *rewriter_new(enum websocket_role role)
{
    const struct decision_settings settings = {false};
    struct websocket_rewriter *rewriter = NULL;

    finding = (struct inject_finding){0};
    if (role == WEBSOCKET_FROM_SERVER)
        fixture_must(websocket_rewriter_new_hiding(values, &rewriter));
    else
        fixture_must(websocket_rewriter_new_injecting(values, settings, &finding, &rewriter));
    return rewriter;
}

/* A frame: how it begins, and what it carries. */
struct frame {
    unsigned char first;
    const char *payload;
};

enum { FRAMES_MAX = 6 };

struct rewrite_case {
    struct frame frames[FRAMES_MAX]; /* up to one without payload */
    const char *messages;            /* as websocket_transcribe() shows them */
};

static void write_frames(enum websocket_role role, const struct frame *frames, struct buffer *out)
{
    static const char key[] = "\x12\x34\x56\x78";

    for (size_t i = 0; i < FRAMES_MAX && frames[i].payload != NULL; i++) {
        struct slice payload = slice_from_string(frames[i].payload);
        bool is_masked = role == WEBSOCKET_FROM_CLIENT;
        const unsigned char head[] = {frames[i].first,
                                      (unsigned char)((is_masked ? 0x80 : 0) | payload.len)};

        assert_true(payload.len < 126);
        fixture_must(buffer_append(out, slice_of(head, sizeof(head))));
        if (is_masked)
            fixture_must(buffer_append(out, slice_of(key, 4)));
        for (size_t at = 0; at < payload.len; at++) {
            char mask = is_masked ? key[at % 4] : 0;
            fixture_must(buffer_append_byte(out, (char)(payload.data[at] ^ mask)));
        }
    }
}

static void check(enum websocket_role role, const struct rewrite_case *expected)
{
    OWNED_STRUCT(buffer) *stream = &(struct buffer){.limit = 1 << 16};

    write_frames(role, expected->frames, stream);
    for (size_t size = 1; size <= buffer_len(stream); size++) {
        OWNED_STRUCT(websocket_rewriter) *rewriter = rewriter_new(role);
        OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 1 << 20};
        OWNED_STRUCT(buffer) *seen = &(struct buffer){.limit = 1 << 20};

        websocket_rewrite(rewriter, buffer_view(stream), size, out);
        websocket_transcribe(role, buffer_view(out), seen);
        if (!slice_equals(buffer_view(seen), slice_from_string(expected->messages)))
            fail_msg("cut by %zu: %.*s instead of %s", size, SLICE_ARG(buffer_view(seen)),
                     expected->messages);
    }
}

static void check_all(enum websocket_role role, const struct rewrite_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check(role, &cases[i]);
}

static void tokens_in_text_of_the_client_become_values(void **state UNUSED)
{
    static const struct rewrite_case cases[] = {
        {{{0x81, "hello"}}, "T<hello>"},
        {{{0x81, ""}}, "T<>"},
        {{{0x81, "key " KEY "."}}, "T<key " VALUE ".>"},
        {{{0x81, KEY}, {0x81, KEY}}, "T<" VALUE ">T<" VALUE ">"},
        {{{0x01, "a osb_sea"}, {0x00, "led_1111111111111111"}, {0x80, "1111111111111111 b"}},
         "T<a " VALUE " b>"},
        {{{0x01, KEY}, {0x80, ""}}, "T<" VALUE ">"},
        {{{0x01, KEY}, {0x80, "0"}}, "T<" KEY "0>"},
        {{{0x01, KEY}, {0x89, "ping"}, {0x80, "."}}, "P<ping>T<" VALUE ".>"},
        {{{0x01, "osb_"}, {0x00, ""}, {0x00, ""}, {0x80, ""}}, "T<osb_>"},
        {{{0x82, KEY}}, "B<" KEY ">"}, /* not text */
        {{{0x02, "osb_"}, {0x80, "sealed"}}, "B<osb_sealed>"},
        {{{0x89, KEY}, {0x8a, KEY}}, "P<" KEY ">O<" KEY ">"},
        {{{0x81, HEADER}}, "T<" HEADER ">"},
        {{{0x81, KEY},
          {0x88, "\x03\xe8"
                 "bye"}},
         "T<" VALUE ">C<\x03\xe8"
         "bye>"},
        {{{0x01, "not complete " KEY " osb"}}, "T<not complete " VALUE " "},
    };

    check_all(WEBSOCKET_FROM_CLIENT, cases, ARRAY_LEN(cases));
}

static void values_from_the_upstream_are_hidden(void **state UNUSED)
{
    static const struct rewrite_case cases[] = {
        {{{0x81, "hello"}}, "T<hello>"},
        {{{0x81, "key " VALUE "."}}, "T<key " KEY ".>"},
        {{{0x01, "key sk-live-"}, {0x00, "01234"}, {0x80, "56789."}}, "T<key " KEY ".>"},
        {{{0x01, "sk-live-"}, {0x89, "ping"}, {0x80, "0123456789"}}, "P<ping>T<" KEY ">"},
        {{{0x01, "sk-live-"}, {0x80, "no"}}, "T<sk-live-no>"},
        {{{0x82, VALUE}}, "B<" MASKED_VALUE ">"},
        {{{0x02, "sk-live-01234"}, {0x80, "56789"}}, "B<" MASKED_VALUE ">"},
        {{{0x81, "c2stbGl2ZS0wMTIzNDU2Nzg5"}}, "T<************************>"}, /* base64 */
        {{{0x89, VALUE}}, "P<" MASKED_VALUE ">"},
        {{{0x8a, "x" VALUE}}, "O<x" MASKED_VALUE ">"},
        {{{0x88, "\x03\xe8" VALUE}}, "C<\x03\xe8" MASKED_VALUE ">"},
        /* a ping is not a part of the message around it */
        {{{0x01, "sk-live-01"}, {0x89, "23456789"}, {0x80, "."}}, "P<23456789>T<sk-live-01.>"},
        {{{0x81, "sk-live-01"}, {0x81, "23456789"}}, "T<sk-live-01>T<23456789>"},
    };

    check_all(WEBSOCKET_FROM_SERVER, cases, ARRAY_LEN(cases));
}

static void a_frame_that_is_not_in_order_becomes_a_close(void **state UNUSED)
{
    static const struct rewrite_case from_client[] = {
        {{{0xc1, "compressed"}}, "C<\x03\xeano>"},
        {{{0x81, KEY}, {0x80, "nothing to continue"}}, "T<" VALUE ">C<\x03\xeano>"},
        {{{0x01, "half"}, {0x83, "?"}}, "C<\x03\xeano>T<half"},
    };
    static const struct rewrite_case from_server[] = {
        {{{0x81, VALUE}, {0xf1, "?"}}, "T<" KEY ">C<\x03\xeano>"},
        {{{0x88, "\x03\xe8"}, {0x81, "after"}}, "C<\x03\xe8>"}, /* no second Close */
    };

    check_all(WEBSOCKET_FROM_CLIENT, from_client, ARRAY_LEN(from_client));
    check_all(WEBSOCKET_FROM_SERVER, from_server, ARRAY_LEN(from_server));
}

/* What a step lets out at once, of frames that are not complete. */
static void what_has_come_goes_on_at_once(void **state UNUSED)
{
    static const struct text_step {
        struct slice sent;
        const char *messages;
    } steps[] = {
        {SLICE_INIT("\x81\x7e\x01\x00"
                    "first "),
         "T<first "},
        {SLICE_INIT("second sk-li"), "T<second "},
        {SLICE_INIT("ke "), "T<sk-like "},
    };
    OWNED_STRUCT(websocket_rewriter) *rewriter = rewriter_new(WEBSOCKET_FROM_SERVER);

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 1024};
        OWNED_STRUCT(buffer) *stream = &(struct buffer){.limit = 1024};
        OWNED_STRUCT(buffer) *seen = &(struct buffer){.limit = 1024};

        assert_int_equal(websocket_rewriter_push(rewriter, steps[i].sent, out), OK);
        if (i > 0) /* continues what the steps before began */
            fixture_must(buffer_append(stream, SLICE("\x01\x00")));
        fixture_must(buffer_append(stream, buffer_view(out)));
        websocket_transcribe(WEBSOCKET_FROM_SERVER, buffer_view(stream), seen);
        assert_true(slice_equals(buffer_view(seen), slice_from_string(steps[i].messages)));
    }
}

static void the_names_of_injected_secrets_are_noted(void **state UNUSED)
{
    OWNED_STRUCT(websocket_rewriter) *rewriter = rewriter_new(WEBSOCKET_FROM_CLIENT);
    OWNED_STRUCT(buffer) *stream = &(struct buffer){.limit = 1024};
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 1024};

    write_frames(WEBSOCKET_FROM_CLIENT, (const struct frame[FRAMES_MAX]){{0x81, KEY " " KEY}},
                 stream);
    write_frames(WEBSOCKET_FROM_CLIENT, (const struct frame[FRAMES_MAX]){{0x81, HEADER}}, stream);
    assert_true(websocket_rewrite(rewriter, buffer_view(stream), SIZE_MAX, out));
    assert_int_equal(websocket_rewriter_injected(rewriter), 2);
    assert_int_equal(finding.secret_count, 1);
    assert_true(slice_equals(finding.secrets[0], SLICE("A_KEY")));
}

/* Tokens whose value is the longest there is, in one message and in many: 34 MB, and no step lets
 * out more than a few hundred KiB. */
static void a_flood_of_tokens_comes_out_in_steps(void **state UNUSED)
{
    static char longest[SECRET_VALUE_MAX + 1];
    memset(longest, 'v', SECRET_VALUE_MAX);
    const struct fixture_secret large[] = {
        {.name = "A_KEY", .value = longest, .place = "websocket"}};
    OWNED_STRUCT(inject_values) *held = fixture_values(large, 1, "api.example.com");
    OWNED_STRUCT(buffer) *stream = &(struct buffer){.limit = 1 << 20};
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 320 * 1024};
    OWNED_STRUCT(websocket_rewriter) *rewriter = NULL;
    const struct decision_settings settings = {false};
    enum { TOKENS = 700 };
    size_t total = 0;

    fixture_must(websocket_rewriter_new_injecting(held, settings, &finding, &rewriter));
    write_frames(WEBSOCKET_FROM_CLIENT, (const struct frame[FRAMES_MAX]){{0x01, "one message:"}},
                 stream);
    for (size_t i = 0; i < TOKENS; i++) /* two in each part, and a cut in none */
        write_frames(WEBSOCKET_FROM_CLIENT,
                     (const struct frame[FRAMES_MAX]){{0x00, " " KEY " " KEY}}, stream);
    write_frames(WEBSOCKET_FROM_CLIENT, (const struct frame[FRAMES_MAX]){{0x80, "."}}, stream);
    for (size_t i = 0; i < TOKENS; i++)
        write_frames(WEBSOCKET_FROM_CLIENT, (const struct frame[FRAMES_MAX]){{0x81, KEY}}, stream);
    struct slice piece = buffer_view(stream);
    do {
        assert_int_equal(websocket_rewriter_push(rewriter, piece, out), OK);
        total += buffer_len(out);
        buffer_reset(out);
        piece = SLICE_NONE;
    } while (websocket_rewriter_has_more(rewriter));
    assert_true(total >= (size_t)3 * TOKENS * SECRET_VALUE_MAX);
    assert_int_equal(websocket_rewriter_injected(rewriter), 3 * TOKENS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_in_text_of_the_client_become_values),
        cmocka_unit_test(values_from_the_upstream_are_hidden),
        cmocka_unit_test(a_frame_that_is_not_in_order_becomes_a_close),
        cmocka_unit_test(what_has_come_goes_on_at_once),
        cmocka_unit_test(the_names_of_injected_secrets_are_noted),
        cmocka_unit_test(a_flood_of_tokens_comes_out_in_steps),
    };

    values = fixture_values(secrets, ARRAY_LEN(secrets), "api.example.com");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    inject_values_unref(values);
    return failed;
}
