/* SPDX-License-Identifier: Apache-2.0 */
/* Whole tokens and what only looks like one. */
#include "inject/token_scan.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef"
#define TOKEN "osb_sealed_" HEX

struct scanned {
    const char *text;
    const char *found; /* one letter a sighting: W whole, x not */
};

static const struct scanned scans[] = {
    /* nothing */
    {"", ""},
    {"Bearer sk-1234", ""},
    {"osb_sealed", ""},
    {"sb_sealed_" HEX, ""},
    {"OSB_SEALED_" HEX, ""},
    {"Osb_sealed_" HEX, ""},
    {"osb-sealed-" HEX, ""},
    {"___________", ""},
    {"osb_osb_osb_", ""},
    /* whole */
    {TOKEN, "W"},
    {"Bearer " TOKEN, "W"},
    {TOKEN ":", "W"},
    {"\"" TOKEN "\"", "W"},
    {"-" TOKEN "-", "W"},
    {"user:" TOKEN "@host", "W"},
    {"\xc3\xa4" TOKEN "\xc3\xa4", "W"},
    {TOKEN "," TOKEN, "WW"},
    {TOKEN " " TOKEN " " TOKEN, "WWW"},
    /* extended */
    {TOKEN "0", "x"},
    {TOKEN "g", "x"},
    {TOKEN "Z", "x"},
    {TOKEN "_", "x"},
    {"a" TOKEN, "x"},
    {"Z" TOKEN, "x"},
    {"9" TOKEN, "x"},
    {"_" TOKEN, "x"},
    {TOKEN TOKEN, "xx"},
    /* partial */
    {"osb_sealed_", "x"},
    {"osb_sealed_0123456789abcdef0123456789abcde", "x"},
    {"osb_sealed_0123456789abcdef0123456789abcdeg", "x"},
    {"osb_sealed_0123456789ABCDEF0123456789abcdef", "x"},
    {"osb_sealed_ " HEX, "x"},
    {"osb_sealed_0123456789abcdef 123456789abcdef", "x"},
    /* together */
    {"osb_sealed_osb_sealed_" HEX, "xx"},
    {TOKEN " osb_sealed_1", "Wx"},
    {"osb_sealed_1 " TOKEN, "xW"},
    {"x_y_" TOKEN "; osb_z " TOKEN, "xW"},
};

static void only_whole_tokens_are_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scans); i++) {
        struct token_scan scan = token_scan_of(slice_from_string(scans[i].text));
        struct token_sighting sighting;
        char found[8] = "";

        for (size_t n = 0; n < 7 && token_scan_next(&scan, &sighting); n++)
            found[n] = sighting.is_whole ? 'W' : 'x';
        if (strcmp(found, scans[i].found) != 0)
            fail_msg("%s: expected \"%s\", got \"%s\"", scans[i].text, scans[i].found, found);
        assert_int_equal(token_scan_finds(slice_from_string(scans[i].text)), found[0] != '\0');
    }
}

static void a_sighting_says_where_and_which(void **state)
{
    struct token_scan scan = token_scan_of(SLICE("a=" TOKEN "; b=osb_sealed_z"));
    struct token_sighting sighting;
    struct token expected;

    (void)state;
    assert_int_equal(token_parse(SLICE(TOKEN), &expected), OK);
    assert_true(token_scan_next(&scan, &sighting));
    assert_int_equal(sighting.at, 2);
    assert_int_equal(sighting.len, TOKEN_TEXT_LEN);
    assert_memory_equal(&sighting.token, &expected, sizeof(expected));
    assert_true(token_scan_next(&scan, &sighting));
    assert_int_equal(sighting.at, 2 + TOKEN_TEXT_LEN + 4);
    assert_false(sighting.is_whole);
    assert_false(token_scan_next(&scan, &sighting));
    assert_false(token_scan_next(&scan, &sighting));
}

static void a_nul_is_a_byte_like_another(void **state)
{
    struct token_scan scan = token_scan_of(SLICE("\0" TOKEN "\0"));
    struct token_sighting sighting;

    (void)state;
    assert_true(token_scan_next(&scan, &sighting));
    assert_int_equal(sighting.at, 1);
    assert_true(sighting.is_whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_whole_tokens_are_whole),
        cmocka_unit_test(a_sighting_says_where_and_which),
        cmocka_unit_test(a_nul_is_a_byte_like_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
