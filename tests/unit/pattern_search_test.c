/* SPDX-License-Identifier: Apache-2.0 */
/* Leftmost, then longest; and what more text could still change. Against a search that tries
 * everything. */
#include "inject/pattern_search.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>

#include <cmocka.h>

struct fixture {
    struct pattern_set set;
    struct secret_slab *slab;
};

static struct fixture compile(const char *const *patterns, size_t count)
{
    struct fixture fixture;

    assert_true(sodium_init() >= 0);
    pattern_set_init(&fixture.set);
    for (size_t i = 0; i < count; i++) {
        pattern_set_begin_value(&fixture.set);
        assert_int_equal(pattern_set_add(&fixture.set, slice_from_string(patterns[i]), NULL), OK);
    }
    fixture.slab = secret_slab_new(pattern_set_slab_size(&fixture.set));
    assert_non_null(fixture.slab);
    assert_int_equal(pattern_set_seal(&fixture.set, fixture.slab), OK);
    return fixture;
}

static void forget(struct fixture *fixture)
{
    pattern_set_clear(&fixture->set);
    secret_slab_free(fixture->slab);
}

static const char *const patterns[] = {
    "abcdefgh", "abcdefghij",   "abcdefghijklmnop", "cdefghijk",
    "zzzzzzzz", "zzzzzzzzzzzz", "abcdefgh",         "hgfedcba",
};

struct searched {
    const char *text;
    enum pattern_search_result at_end, within;
    size_t at_end_at, at_end_len; /* when found */
    size_t within_at, within_len;
};

#define NOTHING PATTERN_SEARCH_NOTHING
#define FOUND PATTERN_SEARCH_FOUND
#define UNDECIDED PATTERN_SEARCH_UNDECIDED

static const struct searched searches[] = {
    {"", NOTHING, NOTHING, 0, 0, 0, 0},
    {".", NOTHING, NOTHING, 0, 0, 0, 0},
    {"abcdefgx and quite some more text behind it", NOTHING, NOTHING, 0, 0, 0, 0},
    {"a", NOTHING, UNDECIDED, 0, 0, 0, 0},
    {"xyz a", NOTHING, UNDECIDED, 0, 0, 4, 0},
    {"aa", NOTHING, UNDECIDED, 0, 0, 1, 0},
    {"abcdefg", NOTHING, UNDECIDED, 0, 0, 0, 0},
    {"abcdefgh", FOUND, UNDECIDED, 0, 8, 0, 0},
    {"abcdefgh.", FOUND, FOUND, 0, 8, 0, 8},
    {"abcdefghi.", FOUND, FOUND, 0, 8, 0, 8},
    {"abcdefghij", FOUND, UNDECIDED, 0, 10, 0, 0},
    {"abcdefghij.", FOUND, FOUND, 0, 10, 0, 10},
    {"abcdefghijklmno", FOUND, UNDECIDED, 0, 10, 0, 0},
    {"abcdefghijklmnop", FOUND, FOUND, 0, 16, 0, 16},
    {"abcdefghijk", FOUND, UNDECIDED, 0, 10, 0, 0},
    {"ab cdefghijk", FOUND, FOUND, 3, 9, 3, 9},
    {"a text of some length, then zzzzzzzzzzz", FOUND, UNDECIDED, 28, 8, 28, 0},
    {"a text of some length, then zzzzzzzzzzz.", FOUND, FOUND, 28, 8, 28, 8},
    {"zzzzzzzzzzzzz", FOUND, FOUND, 0, 12, 0, 12},
    {"............................................hgfedcba", FOUND, FOUND, 44, 8, 44, 8},
    {"............................................hgfedcb", NOTHING, UNDECIDED, 0, 0, 44, 0},
};

static void expect(const struct fixture *fixture, const struct searched *s, bool is_end)
{
    struct pattern_match match = {0};
    enum pattern_search_result wanted = is_end ? s->at_end : s->within;
    size_t at = is_end ? s->at_end_at : s->within_at;
    size_t len = is_end ? s->at_end_len : s->within_len;

    if (pattern_search(&fixture->set, slice_from_string(s->text), is_end, &match) != wanted)
        fail_msg("\"%s\"", s->text);
    if (wanted != PATTERN_SEARCH_NOTHING)
        assert_int_equal(match.at, at);
    if (wanted == PATTERN_SEARCH_FOUND)
        assert_int_equal(match.pattern->len, len);
}

static void the_leftmost_then_longest_wins_and_the_undecided_waits(void **state)
{
    struct fixture fixture = compile(patterns, ARRAY_LEN(patterns));

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(searches); i++) {
        expect(&fixture, &searches[i], true);
        expect(&fixture, &searches[i], false);
    }
    forget(&fixture);
}

static void without_patterns_nothing_is_found(void **state)
{
    struct fixture fixture = compile(NULL, 0);
    struct pattern_match match;

    (void)state;
    assert_int_equal(pattern_search(&fixture.set, SLICE("anything"), false, &match),
                     PATTERN_SEARCH_NOTHING);
    forget(&fixture);
}

/* The definition, in the plainest way. */
static enum pattern_search_result try_everything(const char *const *all, size_t count,
                                                 struct slice text, bool is_end, size_t *at,
                                                 size_t *len)
{
    for (*at = 0; *at < text.len; ++*at) {
        struct slice rest = slice_skip(text, *at);
        *len = 0;
        for (size_t i = 0; i < count; i++) {
            struct slice pattern = slice_from_string(all[i]);
            if (!is_end && rest.len < pattern.len && slice_starts_with(pattern, rest))
                return PATTERN_SEARCH_UNDECIDED;
            if (slice_starts_with(rest, pattern) && pattern.len > *len)
                *len = pattern.len;
        }
        if (*len > 0)
            return PATTERN_SEARCH_FOUND;
    }
    return PATTERN_SEARCH_NOTHING;
}

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 16;
}

static void fill(char *text, size_t len, unsigned *seed)
{
    for (size_t i = 0; i < len; i++)
        text[i] = "abc"[next_random(seed) % 3];
    text[len] = '\0';
}

/* Few letters, so that patterns overlap, contain and continue each other. */
static void it_agrees_with_trying_everything(void **state)
{
    unsigned seed = 7;

    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        char texts[6][40], text[200];
        const char *all[6];
        size_t least = 8 + next_random(&seed) % 20;
        for (size_t i = 0; i < 6; i++) {
            fill(texts[i], least + next_random(&seed) % 8, &seed);
            all[i] = texts[i];
        }
        struct fixture fixture = compile(all, 6);

        fill(text, 20 + next_random(&seed) % 150, &seed);
        for (size_t i = 0; i < 3; i++) { /* with some of the patterns in it, whole or cut */
            size_t which = next_random(&seed) % 6;
            size_t at = next_random(&seed) % strlen(text);
            size_t room = strlen(text) - at;
            size_t len = strlen(all[which]);
            memcpy(text + at, all[which], len < room ? len : room);
        }
        for (int is_end = 0; is_end < 2; is_end++) {
            struct pattern_match match = {0};
            size_t at, len;
            enum pattern_search_result wanted =
                try_everything(all, 6, slice_from_string(text), is_end, &at, &len);
            assert_int_equal(pattern_search(&fixture.set, slice_from_string(text), is_end, &match),
                             wanted);
            if (wanted != PATTERN_SEARCH_NOTHING)
                assert_int_equal(match.at, at);
            if (wanted == PATTERN_SEARCH_FOUND)
                assert_int_equal(match.pattern->len, len);
        }
        forget(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_leftmost_then_longest_wins_and_the_undecided_waits),
        cmocka_unit_test(without_patterns_nothing_is_found),
        cmocka_unit_test(it_agrees_with_trying_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
