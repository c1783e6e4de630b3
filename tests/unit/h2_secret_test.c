/* SPDX-License-Identifier: Apache-2.0 */
/* Where a value of a secret is while a session sends it, and after: every block that our code or
 * the library allocates is known here, and looked through. */
#include "h2_pair.h"
#include "h2_raw.h"

#include <nghttp2/nghttp2.h>

/* Long in HPACK's Huffman code, so that it is sent as it is and can be found. */
#define SECRET "{}~^{}~^{}~^{}~^"

enum { BLOCKS_MAX = 4096 };

static struct slice blocks[BLOCKS_MAX];
static size_t secrets_freed;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void __wrap_free(void *memory);

static void *note(void *memory, size_t size)
{
    for (size_t i = 0; memory != NULL && i < BLOCKS_MAX; i++)
        if (blocks[i].data == NULL) {
            blocks[i] = slice_of(memory, size);
            return memory;
        }
    return memory;
}

static bool holds_secret(struct slice block)
{
    return slice_find_slice(block, SLICE(SECRET)) < block.len;
}

void *__wrap_malloc(size_t size)
{
    return note(__real_malloc(size), size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return note(__real_calloc(count, size), count * size);
}

void __wrap_free(void *memory)
{
    for (size_t i = 0; memory != NULL && i < BLOCKS_MAX; i++)
        if (blocks[i].data == memory) {
            secrets_freed += holds_secret(blocks[i]);
            blocks[i] = SLICE_NONE;
        }
    __real_free(memory);
}

static size_t secrets_held(void)
{
    size_t count = 0;

    for (size_t i = 0; i < BLOCKS_MAX; i++)
        count += blocks[i].data != NULL && holds_secret(blocks[i]);
    return count;
}

static void open_with_secret(struct h2_pair *pair, unsigned flags)
{
    struct h2_request_line line = h2_pair_line("POST", "/" SECRET);
    struct http_head head;

    http_head_init(&head);
    assert_int_equal(http_head_add(&head, SLICE("Authorization"), SLICE("Bearer " SECRET)), OK);
    assert_int_equal(http_head_add(&head, SLICE("X-Api-Key"), SLICE(SECRET)), OK);
    line.flags = flags;
    h2_pair_open_line(pair, &line, &head);
    http_head_clear(&head);
}

/* The header block of the first HEADERS frame in what the client writes now. */
static struct slice written_block(struct h2_pair *pair, struct buffer *wire)
{
    struct slice rest, payload;
    int type;

    assert_int_equal(h2_session_pull(pair->client.session, wire, 1 << 18), OK);
    rest = buffer_view(wire);
    while (raw_next_frame(&rest, &type, &payload))
        if (type == RAW_HEADERS)
            return payload;
    fail_msg("no HEADERS were written");
    return SLICE_NONE;
}

static void decode(struct slice block, int *indexable, int *never_indexed, size_t *table)
{
    nghttp2_hd_inflater *inflater;
    int flags = 0;
    nghttp2_nv field;

    assert_int_equal(nghttp2_hd_inflate_new(&inflater), 0);
    while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0) {
        ssize_t len = nghttp2_hd_inflate_hd2(inflater, &field, &flags, (const uint8_t *)block.data,
                                             block.len, 1);
        assert_true(len >= 0);
        block = slice_skip(block, (size_t)len);
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 ||
            !holds_secret(slice_of(field.value, field.valuelen)))
            continue;
        bool is_never = (field.flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0;
        *never_indexed += is_never;
        *indexable += !is_never;
    }
    *table = nghttp2_hd_inflate_get_num_table_entries(inflater) - 61;
    nghttp2_hd_inflate_del(inflater);
}

static void fields_with_values_are_never_indexed(void **state)
{
    OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = 1 << 20};
    struct h2_pair *pair = h2_pair_new();
    int indexable = 0, never_indexed = 0;
    size_t table = 0;

    (void)state;
    open_with_secret(pair, H2_HEAD_ENDS | H2_HEAD_NEVER_INDEX);
    struct slice block = written_block(pair, wire);
    decode(block, &indexable, &never_indexed, &table);
    assert_int_equal(indexable, 0);
    assert_int_equal(never_indexed, 3);
    assert_int_equal(table, 1); /* the authority */
    /* RFC 7541, 6.2.3: the path (4) and authorization (23) with an indexed name. */
    assert_true(slice_find_slice(block, SLICE("\x14\x11/" SECRET)) < block.len);
    assert_true(slice_find_slice(block, SLICE("\x1f\x08\x17"
                                              "Bearer " SECRET)) < block.len);
    h2_pair_free(pair);
}

static void without_the_flag_they_could_be(void **state)
{
    OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = 1 << 20};
    struct h2_pair *pair = h2_pair_new();
    int indexable = 0, never_indexed = 0;
    size_t table = 0;

    (void)state;
    open_with_secret(pair, H2_HEAD_ENDS);
    decode(written_block(pair, wire), &indexable, &never_indexed, &table);
    assert_true(indexable > 0);
    h2_pair_free(pair);
}

static void answer(struct h2_pair *pair, struct slice lines)
{
    OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = 10000};

    raw_headers(wire, 1, RAW_END_STREAM, lines);
    assert_int_equal(h2_session_feed(pair->client.session, buffer_view(wire)), OK);
}

static void pull_and_forget(struct h2_pair *pair)
{
    OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = 1 << 20};

    assert_int_equal(h2_session_pull(pair->client.session, wire, 1 << 18), OK);
}

/* The pair's other end never sees this request. */
static void after_the_exchange_no_copy_is_left(void **state)
{
    struct h2_pair *pair = h2_pair_new();
    struct h2_seen *asked = &pair->client.seen[0];

    (void)state;
    secrets_freed = 0;
    open_with_secret(pair, H2_HEAD_NEVER_INDEX);
    assert_int_equal(h2_stream_send_body(asked->stream, SLICE("body " SECRET)), OK);
    assert_true(secrets_held() >= 2);
    assert_int_equal(h2_stream_send_end(asked->stream, NULL), OK);
    pull_and_forget(pair);
    answer(pair, SLICE(":status=200\necho=" SECRET));
    assert_true(secrets_held() >= 1);
    h2_seen_free(asked);
    assert_int_equal(secrets_held(), 0);
    h2_pair_free(pair);
    assert_int_equal(secrets_freed, 0);
}

static void a_reset_drops_what_was_not_sent(void **state)
{
    struct h2_pair *pair = h2_pair_new();
    struct h2_seen *asked = &pair->client.seen[0];

    (void)state;
    secrets_freed = 0;
    open_with_secret(pair, H2_HEAD_NEVER_INDEX);
    assert_int_equal(h2_stream_send_body(asked->stream, SLICE("body " SECRET)), OK);
    h2_seen_free(asked);
    pull_and_forget(pair);
    assert_int_equal(secrets_held(), 0);
    h2_pair_free(pair);
    assert_int_equal(secrets_freed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_with_values_are_never_indexed),
        cmocka_unit_test(without_the_flag_they_could_be),
        cmocka_unit_test(after_the_exchange_no_copy_is_left),
        cmocka_unit_test(a_reset_drops_what_was_not_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
