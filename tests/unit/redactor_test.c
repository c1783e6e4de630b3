/* SPDX-License-Identifier: Apache-2.0 */
/* Values in a body, however it is split. */
#include "inject_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define KEY "osb_sealed_11111111111111111111111111111111"
#define LONGER "osb_sealed_22222222222222222222222222222222"
#define SAME "osb_sealed_66666666666666666666666666666666"

static const struct fixture_secret secrets[] = {
    {.name = "A_KEY", .value = "sk-live-01234567"},
    {.name = "B_LONGER", .value = "sk-live-0123456789abcdef"},
    {.name = "C_QUIET", .value = "quiet-value-0123", .keeps_quiet = true},
    {.name = "D_SHORT", .value = "short77"},
    {.name = "E_MUTE", .value = "mute+value/0123\"", .has_no_token = true},
    {.name = "F_SAME", .value = "the same value"},
    {.name = "G_SAME", .value = "the same value"},
    {.name = "H_TAIL", .value = "67tail-of-another"},
};

struct redaction_case {
    const char *body;
    const char *hidden;
    const char *masked; /* with keep_length; NULL: the same */
    size_t hits;
};

static const struct redaction_case cases[] = {
    {"", "", NULL, 0},
    {"nothing to hide", "nothing to hide", NULL, 0},
    {"sk-live-01234567", KEY, "****************", 1},
    {"key=sk-live-01234567;", "key=" KEY ";", "key=****************;", 1},
    {"sk-live-01234567sk-live-01234567", KEY KEY, "********************************", 2},
    {"sk-live-0123456", "sk-live-0123456", NULL, 0},
    {"SK-LIVE-01234567", "SK-LIVE-01234567", NULL, 0},
    /* values inside each other: the longest */
    {"<sk-live-0123456789abcdef>", "<" LONGER ">", "<************************>", 1},
    {"<sk-live-0123456789abcde>", "<" KEY "89abcde>", "<****************89abcde>", 1},
    {"sk-live-sk-live-01234567", "sk-live-" KEY, "sk-live-****************", 1},
    /* overlapping: the leftmost */
    {"sk-live-01234567tail-of-another", KEY "tail-of-another", "****************tail-of-another",
     1},
    /* two secrets with one value */
    {"[the same value]", "[" SAME "]", "[**************]", 1},
    /* not hidden */
    {"quiet-value-0123 short77", "quiet-value-0123 short77", NULL, 0},
    /* without a token */
    {"mute+value/0123\"", "****************", NULL, 1},
    /* base64: what depends on the value alone */
    {"{\"a\":\"c2stbGl2ZS0wMTIzNDU2Nw==\"}", "{\"a\":\"*********************w==\"}", NULL, 1},
    /* user:sk-live-01234567 and xx:sk-live-01234567 */
    {"dXNlcjpzay1saXZlLTAxMjM0NTY3", "dXNlcjp*********************", NULL, 1},
    {"eHg6c2stbGl2ZS0wMTIzNDU2Nw==", "eHg6*********************w==", NULL, 1},
    /* percent, JSON, hex */
    {"a=mute%2Bvalue%2F0123%22&b", "a=**********************&b", NULL, 1},
    {"a=mute%2bvalue%2f0123%22&b", "a=**********************&b", NULL, 1},
    {"\"mute+value/0123\\\"\"", "\"*****************\"", NULL, 1},
    {"\"mute+value\\/0123\\\"\"", "\"******************\"", NULL, 1},
    {"736b2d6c6976652d3031323334353637", "********************************", NULL, 1},
    {"736B2D6C6976652D3031323334353637", "********************************", NULL, 1},
};

static struct inject_values *new_values(void)
{
    return fixture_values(secrets, ARRAY_LEN(secrets), "api.example.com");
}

static struct slice expected(const struct redaction_case *c, bool keep_length)
{
    return slice_from_string(keep_length && c->masked != NULL ? c->masked : c->hidden);
}

/* Feeds one piece, or the end, and expects no more output than was announced. */
static void feed(struct redactor *redactor, struct slice piece, bool is_end, struct buffer *out)
{
    size_t most = buffer_len(out) + redactor_output_max(redactor, piece.len);

    fixture_must(is_end ? redactor_finish(redactor, out) : redactor_feed(redactor, piece, out));
    assert_true(buffer_len(out) <= most);
}

/* Feeds `body` in up to three pieces. */
static void expect_split(struct inject_values *values, const struct redaction_case *c,
                         bool keep_length, const size_t cuts[2])
{
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 4096};
    struct redactor *redactor = NULL;
    struct slice body = slice_from_string(c->body);

    fixture_must(redactor_new(values, keep_length, &redactor));
    feed(redactor, slice_take(body, cuts[0]), false, out);
    feed(redactor, slice_take(slice_skip(body, cuts[0]), cuts[1] - cuts[0]), false, out);
    feed(redactor, slice_skip(body, cuts[1]), false, out);
    feed(redactor, SLICE_NONE, true, out);
    if (!slice_equals(buffer_view(out), expected(c, keep_length)))
        fail_msg("%s, cut at %zu and %zu: %.*s", c->body, cuts[0], cuts[1],
                 SLICE_ARG(buffer_view(out)));
    assert_int_equal(redactor_hits(redactor), c->hits);
    redactor_free(redactor);
}

static void values_are_hidden_however_the_body_is_split(void **state)
{
    struct inject_values *values = new_values();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t len = strlen(cases[i].body);
        for (size_t first = 0; first <= len; first++)
            for (size_t second = first; second <= len; second++) {
                size_t cuts[2] = {first, second};
                expect_split(values, &cases[i], false, cuts);
                expect_split(values, &cases[i], true, cuts);
            }
    }
    inject_values_unref(values);
}

static void one_byte_at_a_time_gives_the_same(void **state)
{
    struct inject_values *values = new_values();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 4096};
        struct redactor *redactor = NULL;
        fixture_must(redactor_new(values, false, &redactor));
        for (const char *c = cases[i].body; *c != '\0'; c++)
            fixture_must(redactor_feed(redactor, slice_of(c, 1), out));
        fixture_must(redactor_finish(redactor, out));
        assert_true(slice_equals(buffer_view(out), expected(&cases[i], false)));
        redactor_free(redactor);
    }
    inject_values_unref(values);
}

struct held_case {
    const char *body;
    size_t passed; /* bytes that go on at once */
};

static const struct held_case held_cases[] = {
    {"data: hello\n\n", 13},
    {"data: sk-liv", 6},
    {"data: sk-livX", 13},
    {"sk-live-01234567 ", 44},
    {"sk-live-01234567", 0},   /* it may still become the longer one */
    {"sk-live-01234567x", 43}, /* only the last byte is open */
    {"...............................................sk-sk-", 50},
};

static void only_a_trailing_partial_match_is_held_back(void **state)
{
    static const struct fixture_secret two[] = {
        {.name = "A", .value = "sk-live-01234567"},
        {.name = "B", .value = "sk-live-0123456789abcdef"},
        {.name = "C", .value = "x-ray-value"},
    };
    struct inject_values *values = fixture_values(two, ARRAY_LEN(two), "api.example.com");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(held_cases); i++) {
        OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 4096};
        struct redactor *redactor = NULL;
        fixture_must(redactor_new(values, false, &redactor));
        fixture_must(redactor_feed(redactor, slice_from_string(held_cases[i].body), out));
        if (buffer_len(out) != held_cases[i].passed)
            fail_msg("%s: %zu bytes went on", held_cases[i].body, buffer_len(out));
        redactor_free(redactor);
    }
    inject_values_unref(values);
}

static void a_large_body_comes_through_unchanged_but_for_the_values(void **state)
{
    enum { SIZE = 1 << 20, EVERY = 4093 };
    static char body[SIZE];
    struct inject_values *values = new_values();
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = SIZE};
    struct redactor *redactor = NULL;
    size_t planted = 0;

    (void)state;
    for (size_t i = 0; i < SIZE; i++)
        body[i] = (char)(i * 2654435761u >> 13);
    for (size_t at = 0; at + 16 < SIZE; at += EVERY, planted++)
        memcpy(body + at, "sk-live-01234567", 16);

    fixture_must(redactor_new(values, true, &redactor));
    for (size_t at = 0, step = 1; at < SIZE; at += step, step = step * 3 % 8191)
        fixture_must(
            redactor_feed(redactor, slice_take(slice_of(body + at, SIZE - at), step), out));
    fixture_must(redactor_finish(redactor, out));

    for (size_t at = 0; at + 16 < SIZE; at += EVERY)
        memcpy(body + at, "****************", 16);
    assert_true(slice_equals(buffer_view(out), slice_of(body, SIZE)));
    assert_int_equal(redactor_hits(redactor), planted);
    redactor_free(redactor);
    inject_values_unref(values);
}

static void a_full_output_is_an_error(void **state)
{
    struct inject_values *values = new_values();
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 20};
    struct redactor *redactor = NULL;

    (void)state;
    fixture_must(redactor_new(values, false, &redactor));
    assert_int_equal(redactor_feed(redactor, SLICE("sk-live-01234567 "), out), ERR_TOO_LARGE);
    redactor_free(redactor);
    inject_values_unref(values);
}

static void the_redactor_keeps_the_values_alive(void **state)
{
    struct inject_values *values = new_values();
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 64};
    struct redactor *redactor = NULL;

    (void)state;
    fixture_must(redactor_new(values, false, &redactor));
    inject_values_unref(values);
    fixture_must(redactor_feed(redactor, SLICE("sk-live-01234567."), out));
    assert_true(slice_equals(buffer_view(out), SLICE(KEY ".")));
    redactor_free(redactor);
}

static void without_anything_to_hide_all_passes(void **state)
{
    struct inject_values *values = fixture_values(secrets, 0, "api.example.com");
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 64};
    struct redactor *redactor = NULL;

    (void)state;
    fixture_must(redactor_new(values, false, &redactor));
    fixture_must(redactor_feed(redactor, SLICE("sk-live-01234567"), out));
    assert_true(slice_equals(buffer_view(out), SLICE("sk-live-01234567")));
    fixture_must(redactor_finish(redactor, out));
    redactor_free(redactor);
    inject_values_unref(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_hidden_however_the_body_is_split),
        cmocka_unit_test(one_byte_at_a_time_gives_the_same),
        cmocka_unit_test(only_a_trailing_partial_match_is_held_back),
        cmocka_unit_test(a_large_body_comes_through_unchanged_but_for_the_values),
        cmocka_unit_test(a_full_output_is_an_error),
        cmocka_unit_test(the_redactor_keeps_the_values_alive),
        cmocka_unit_test(without_anything_to_hide_all_passes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
