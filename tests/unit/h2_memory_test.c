/* SPDX-License-Identifier: Apache-2.0 */
/* The library's allocator: counted, bounded, and out of memory without harm. */
#include "h2_pair.h"

#include "http/h2_state.h"

static void what_is_freed_is_no_longer_counted(void **state)
{
    struct h2_memory memory = {.limit = 1000};
    nghttp2_mem mem = h2_memory_functions(&memory);

    (void)state;
    char *bytes = mem.malloc(100, &memory);
    assert_non_null(bytes);
    memset(bytes, 'x', 100);
    bytes = mem.realloc(bytes, 300, &memory);
    assert_non_null(bytes);
    assert_int_equal(bytes[99], 'x');
    assert_int_equal(memory.used, 300);
    bytes = mem.realloc(bytes, 50, &memory);
    assert_int_equal(memory.used, 50);
    assert_int_equal(bytes[49], 'x');
    mem.free(bytes, &memory);
    mem.free(NULL, &memory);
    assert_int_equal(memory.used, 0);
}

static void the_limit_holds(void **state)
{
    struct h2_memory memory = {.limit = 1000};
    nghttp2_mem mem = h2_memory_functions(&memory);

    (void)state;
    char *bytes = mem.calloc(1, 600, &memory);
    assert_non_null(bytes);
    assert_null(mem.malloc(401, &memory));
    assert_null(mem.realloc(bytes, 700, &memory));
    assert_null(mem.calloc(SIZE_MAX / 2, 3, &memory));
    assert_int_equal(memory.used, 600);
    mem.free(bytes, &memory);
}

/* At every single allocation of an exchange in turn. */
static void running_out_of_memory_ends_a_session_and_nothing_else(void **state)
{
    (void)state;
    for (size_t left = 0; left < 40000; left += 97) {
        struct h2_pair *pair = h2_pair_new();
        struct h2_memory *memory = &pair->upstream.session->memory;
        OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = H2_PAIR_PULL_MAX + H2_PULL_OVER};

        memory->limit = memory->used + left;
        h2_pair_open(pair, "GET", true);
        (void)h2_pair_move(&pair->client, &pair->upstream, SIZE_MAX);
        if (pair->upstream.count == 1 && pair->upstream.seen[0].closes == 0)
            h2_stream_reset(pair->upstream.seen[0].stream, H2_CANCEL);
        enum error error = h2_session_pull(pair->upstream.session, wire, H2_PAIR_PULL_MAX);
        assert_true(error == OK || h2_session_stream_count(pair->upstream.session) == 0);
        h2_pair_free(pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_freed_is_no_longer_counted),
        cmocka_unit_test(the_limit_holds),
        cmocka_unit_test(running_out_of_memory_ends_a_session_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
