/* SPDX-License-Identifier: Apache-2.0 */
/* However a body is cut, what comes out is the same; with masks it has the length of the body, and
 * no value is in it. Input: two values, each a line, then the step of the cuts, then the body, in
 * which bytes 1 to 6 stand for the first value, the second, half of the first, and forms of the
 * first. */
#include "tests/unit/inject_fixture.h"

#include <sodium.h>

enum { VALUE_LIMIT = 64, BODY_LIMIT = 4096 };

static void must(bool claim)
{
    if (!claim)
        abort();
}

static void append(struct buffer *out, struct slice bytes)
{
    fixture_must(buffer_append(out, bytes));
}

static void append_base64(struct buffer *out, struct slice value, int variant)
{
    char text[2 * VALUE_LIMIT + 8];

    sodium_bin2base64(text, sizeof(text), (const unsigned char *)value.data, value.len, variant);
    append(out, slice_from_string(text));
}

static void append_hex(struct buffer *out, struct slice value)
{
    char text[2 * VALUE_LIMIT + 1];

    sodium_bin2hex(text, sizeof(text), (const unsigned char *)value.data, value.len);
    append(out, slice_from_string(text));
}

static void append_planted(struct buffer *out, const struct slice values[2], char c)
{
    switch (c) {
    case 1:
        append(out, values[0]);
        break;
    case 2:
        append(out, values[1]);
        break;
    case 3:
        append(out, slice_take(values[0], values[0].len / 2));
        break;
    case 4:
        append_base64(out, values[0], sodium_base64_VARIANT_ORIGINAL);
        break;
    case 5:
        append_base64(out, values[0], sodium_base64_VARIANT_URLSAFE);
        break;
    case 6:
        append_hex(out, values[0]);
        break;
    default:
        append(out, slice_of(&c, 1));
    }
}

static struct inject_values *make_values(const struct slice texts[2])
{
    static const struct fixture_secret secrets[] = {{.name = "A"}, {.name = "B"}};
    static struct view *view;
    struct authority target = fixture_target("api.example.com");
    struct inject_values *values = NULL;

    if (view == NULL)
        view = fixture_view(secrets, ARRAY_LEN(secrets));
    fixture_must(sodium_init() < 0 ? ERR_CRYPTO : OK);
    fixture_must(inject_values_new(view, &target, &values));
    for (uint32_t i = 0; i < 2; i++)
        fixture_must(inject_values_add(values, i, texts[i]));
    fixture_must(inject_values_complete(values));
    return values;
}

/* Pieces of 1 to `step` bytes; 0: all at once. Returns the hits. */
static size_t redact(struct inject_values *values, bool keep_length, struct slice body, size_t step,
                     struct buffer *out)
{
    struct redactor *redactor = NULL;

    fixture_must(redactor_new(values, keep_length, &redactor));
    for (size_t at = 0, n = 0; at < body.len; n++) {
        size_t len = step == 0 ? body.len : n % step + 1;
        struct slice piece = slice_take(slice_skip(body, at), len);
        size_t most = buffer_len(out) + redactor_output_max(redactor, piece.len);
        fixture_must(redactor_feed(redactor, piece, out));
        must(buffer_len(out) <= most);
        at += piece.len;
    }
    fixture_must(redactor_finish(redactor, out));
    size_t hits = redactor_hits(redactor);
    redactor_free(redactor);
    return hits;
}

static void compare(struct inject_values *values, bool keep_length, struct slice body, size_t step)
{
    OWNED_STRUCT(buffer) *whole = &(struct buffer){.limit = SIZE_MAX / 4};
    OWNED_STRUCT(buffer) *cut = &(struct buffer){.limit = SIZE_MAX / 4};
    size_t hits = redact(values, keep_length, body, 0, whole);

    must(redact(values, keep_length, body, step, cut) == hits);
    must(slice_equals(buffer_view(whole), buffer_view(cut)));
    must(hits > 0 || slice_equals(buffer_view(whole), body));
}

static void check_hidden(struct inject_values *values, const struct slice texts[2],
                         struct slice body)
{
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = SIZE_MAX / 4};

    redact(values, true, body, 0, out);
    must(buffer_len(out) == body.len);
    for (size_t i = 0; i < 2; i++) {
        bool is_hidden = texts[i].len >= 8 && slice_find(texts[i], '*') == texts[i].len;
        size_t found = slice_find_slice(buffer_view(out), texts[i]);
        must(!is_hidden || found == buffer_len(out));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_of(data, size < BODY_LIMIT ? size : BODY_LIMIT);
    struct slice first = slice_take(slice_split(&rest, '\n'), VALUE_LIMIT);
    struct slice second = slice_take(slice_split(&rest, '\n'), VALUE_LIMIT);
    const struct slice texts[2] = {first, second};
    OWNED_STRUCT(buffer) *body = &(struct buffer){.limit = SIZE_MAX / 4};

    if (rest.len == 0)
        return 0;
    size_t step = (unsigned char)rest.data[0] % 40u + 1;
    for (size_t i = 1; i < rest.len; i++)
        append_planted(body, texts, rest.data[i]);

    struct inject_values *values = make_values(texts);
    compare(values, false, buffer_view(body), step);
    compare(values, true, buffer_view(body), step);
    check_hidden(values, texts, buffer_view(body));
    inject_values_unref(values);
    return 0;
}
