/* SPDX-License-Identifier: Apache-2.0 */
/* The forms in which a value is looked for, against what real encoders write. */
#include "inject/value_forms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <sodium.h>

#include <cmocka.h>

static struct pattern_set forms_of(struct slice value)
{
    struct pattern_set set;

    pattern_set_init(&set);
    if (value_forms_add(&set, value, NULL) != OK)
        abort();
    return set;
}

static bool set_has(const struct pattern_set *set, struct slice form)
{
    struct slice staged = buffer_view(&set->staged);

    for (size_t i = 0; i < set->count; i++) {
        const struct pattern *pattern = &set->patterns[i];
        if (slice_equals(form, slice_take(slice_skip(staged, pattern->offset), pattern->len)))
            return true;
    }
    return false;
}

/* Some pattern is a part of the text. */
static bool set_hits(const struct pattern_set *set, struct slice text)
{
    struct slice staged = buffer_view(&set->staged);

    for (size_t i = 0; i < set->count; i++) {
        const struct pattern *pattern = &set->patterns[i];
        struct slice form = slice_take(slice_skip(staged, pattern->offset), pattern->len);
        if (slice_find_slice(text, form) < text.len)
            return true;
    }
    return false;
}

struct form {
    const char *encoder;
    const char *value;
    const char *form;
};

/* Written by the encoders themselves. */
static const struct form forms[] = {
    {"as it is", "sk-live-01234567", "sk-live-01234567"},
    {"hex", "p:ss/\xc3\xb6 \xff.", "703a73732fc3b620ff2e"},
    {"HEX", "p:ss/\xc3\xb6 \xff.", "703A73732FC3B620FF2E"},
    {"base64", "abcdefgh~?~?", "YWJjZGVmZ2h+P34/"},
    {"base64url", "abcdefgh~?~?", "YWJjZGVmZ2h-P34_"},
    /* percent */
    {"encodeURIComponent", "a b+c/d?e=f&g(h)", "a%20b%2Bc%2Fd%3Fe%3Df%26g(h)"},
    {"encodeURI", "a b+c/d?e=f&g[h]", "a%20b+c/d?e=f&g%5Bh%5D"},
    {"quote", "a b+c/d?e=f&g(h)", "a%20b%2Bc/d%3Fe%3Df%26g%28h%29"},
    {"quote_plus", "a b+c/d?e=f~g(h)", "a+b%2Bc%2Fd%3Fe%3Df~g%28h%29"},
    {"rawurlencode", "a b+c/d?e=f~g(h)", "a%20b%2Bc%2Fd%3Fe%3Df~g%28h%29"},
    {"URLSearchParams", "a b+c/d~e*f(g)", "a+b%2Bc%2Fd%7Ee*f%28g%29"},
    {"urlencode (PHP)", "a b+c/d~e*f(g)", "a+b%2Bc%2Fd%7Ee%2Af%28g%29"},
    {"url.PathEscape", "a b+c/d?e=f&g@h", "a%20b+c%2Fd%3Fe=f&g@h"},
    {"lower-case digits", "a b+c/d?e=f~g(h)", "a%20b%2bc%2fd%3fe%3df~g%28h%29"},
    {"every byte", "ab-cd/ef", "%61%62%2D%63%64%2F%65%66"},
    {"outside ASCII", "p:ss w\xc3\xb6rd", "p%3Ass%20w%C3%B6rd"},
    /* JSON */
    {"JSON.stringify", "a\"b\\c\td/e\x01\x7f\xc3\xb6", "a\\\"b\\\\c\\td/e\\u0001\x7f\xc3\xb6"},
    {"JSON.stringify", "a\b\f\x1fpadding", "a\\b\\f\\u001fpadding"},
    {"json.dumps", "p\"ss w\xc3\xb6rd \xe2\x82\xac", "p\\\"ss w\\u00f6rd \\u20ac"},
    {"json.dumps", "smile \xf0\x9f\x98\x80", "smile \\ud83d\\ude00"},
    {"PHP json_encode", "a/b\xc3\xb6/cdef", "a\\/b\\u00f6\\/cdef"},
    {"PHP unescaped", "a/b\xc3\xb6/cdef", "a\\/b\xc3\xb6\\/cdef"},
    {"Go", "<a>&b'c=d\xc3\xb6", "\\u003ca\\u003e\\u0026b'c=d\xc3\xb6"},
    {"old Go", "a\bcdefghi", "a\\u0008cdefghi"},
    {"Gson", "<a>&b'c=d+e", "\\u003ca\\u003e\\u0026b\\u0027c\\u003dd+e"},
    {"every character", "ab-cd/\xc3\xb6", "\\u0061\\u0062\\u002d\\u0063\\u0064\\u002f\\u00f6"},
    {"jq", "abcdefg\x7f", "abcdefg\\u007f"},
    {"System.Text.Json", "a+b/c\"d<e\xc3\xb6", "a\\u002Bb/c\\u0022d\\u003Ce\\u00F6"},
    {"Jackson", "abcdefg\x1f", "abcdefg\\u001F"},
};

static void what_encoders_write_is_looked_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct pattern_set set = forms_of(slice_from_string(forms[i].value));

        if (!set_has(&set, slice_from_string(forms[i].form)))
            fail_msg("%s: %s", forms[i].encoder, forms[i].form);
        pattern_set_clear(&set);
    }
}

static bool hits_encoded(const struct pattern_set *set, const char *text, int variant)
{
    char encoded[256];

    sodium_bin2base64(encoded, sizeof(encoded), (const unsigned char *)text, strlen(text), variant);
    return set_hits(set, slice_from_string(encoded));
}

/* Base64 of a text that holds the value at each alignment, with each number of bytes behind. */
static void base64_is_found_at_every_alignment(void **state)
{
    static const char *values[] = {"8 bytes.", "9 bytes..", "10 bytes..", "?~?~?>?>?>?~"};
    static const char *const padding = "xyz<>~?!ab";

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct pattern_set set = forms_of(slice_from_string(values[i]));
        for (int before = 0; before < 7; before++)
            for (int after = 0; after < 4; after++) {
                char text[64];
                snprintf(text, sizeof(text), "%.*s%s%.*s", before, padding, values[i], after,
                         padding);
                assert_true(hits_encoded(&set, text, sodium_base64_VARIANT_ORIGINAL));
                assert_true(hits_encoded(&set, text, sodium_base64_VARIANT_URLSAFE_NO_PADDING));
            }
        pattern_set_clear(&set);
    }
}

static void base64_of_something_else_is_not_found(void **state)
{
    struct pattern_set set = forms_of(SLICE("8 bytes."));

    (void)state;
    assert_false(hits_encoded(&set, "8 bytesn", sodium_base64_VARIANT_ORIGINAL));
    assert_false(hits_encoded(&set, "x8 bytes!", sodium_base64_VARIANT_ORIGINAL));
    assert_false(hits_encoded(&set, "xy9 bytes.", sodium_base64_VARIANT_ORIGINAL));
    pattern_set_clear(&set);
}

struct counted {
    const char *value;
    size_t forms;
};

static const struct counted counts[] = {
    {"", 0},
    {"7 bytes", 0},
    /* itself, three alignments, two cases of hex, and of every byte as %xx and \\uxxxx: nothing has
     * to be escaped, one alphabet */
    {"klmnopqr", 10},
    /* the same, and both alphabets at the alignments where they differ */
    {"abcdefgh~?~?", 10 + 3 + 2},
};

static void forms_that_are_equal_count_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        struct pattern_set set = forms_of(slice_from_string(counts[i].value));
        if (i < 3)
            assert_int_equal(set.count, counts[i].forms);
        else
            assert_true(set.count >= counts[i].forms);
        pattern_set_clear(&set);
    }
}

static void a_value_that_is_no_text_has_no_escaped_form(void **state)
{
    static const char *values[] = {"abcdefgh\xff",
                                   "abcdefgh\xc3",
                                   "abcdefgh\xc0\x80",
                                   "abcdefgh\xed\xa0\x80",
                                   "abcdefgh\xe2\x82",
                                   "abcdefgh\xf5\x80"
                                   "\x80\x80"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct pattern_set set = forms_of(slice_from_string(values[i]));
        struct slice staged = buffer_view(&set.staged);
        assert_true(slice_find_slice(staged, SLICE("\\u")) == staged.len);
        assert_true(set_has(&set, slice_from_string(values[i])));
        pattern_set_clear(&set);
    }
}

static void the_largest_value_has_all_its_forms(void **state)
{
    static char large[SECRET_VALUE_MAX];

    (void)state;
    memset(large, 1, sizeof(large));
    struct pattern_set set = forms_of(slice_of(large, sizeof(large)));
    assert_int_equal(set.longest, 6 * sizeof(large));
    pattern_set_clear(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_encoders_write_is_looked_for),
        cmocka_unit_test(base64_is_found_at_every_alignment),
        cmocka_unit_test(base64_of_something_else_is_not_found),
        cmocka_unit_test(forms_that_are_equal_count_once),
        cmocka_unit_test(a_value_that_is_no_text_has_no_escaped_form),
        cmocka_unit_test(the_largest_value_has_all_its_forms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
