/* SPDX-License-Identifier: Apache-2.0 */
/* A view crosses processes: it arrives as it was sent, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/wire.h"
#include "policy/view.h"
#include "view_fixture.h"

static const struct fixture sample = {
    .layers = {{"base", "a.test,*.b.test:8443"}, {"middle", ""}, {"top", "c.test,a.test"}},
    .passthrough = {"p.test", "", "q.test,p.test"},
    .private_hosts = {"", "db.internal,10.1.2.3", "db.internal"},
    .secrets = {{"A_KEY", 0, "", NULL}, {"B_KEY", 2, "a.test,[::1]:443", "header:authorization"}},
    .status = VIEW_RUNNING,
};

static void a_view_arrives_as_it_was_sent(void **state)
{
    OWNED_STRUCT(view) *view = fixture_view(&sample);

    (void)state;
    assert_int_equal(view->references, 1);
    assert_int_equal(view->generation, 7);
    assert_int_equal(view->sandbox_seq, 3);
    assert_true(slice_equals(view->sandbox_id, SLICE("sb-1")));
    assert_true(slice_equals(view->org_id, SLICE("org-1")));
    assert_int_equal(view->status, VIEW_RUNNING);
    assert_int_equal(view->source.len, 4);
    assert_memory_equal(view->source.bytes, "\x0a\0\0\x09", 4);
    assert_false(view->reaches_nothing);
    assert_int_equal(view->layer_count, 3);
    assert_int_equal(view->layers[2].mac[31], 3);
    assert_int_equal(view->sandbox_mac[0], 9);
    assert_int_equal(view->secret_count, 2);
    assert_int_equal(view->secrets[1].layer, 2);
    assert_true(view->secrets[1].redact);
    assert_int_equal(host_list_count(view->secrets[1].hosts), 2);
    assert_true(slice_equals(view->secrets[1].places[0].field, SLICE("authorization")));
    assert_true(slice_equals(view->secrets[1].box, SLICE("sealgate.v1.box")));
}

static void assert_list(const struct host_list *list, const char *const *expected, size_t count)
{
    assert_int_equal(host_list_count(list), count);
    for (size_t i = 0; i < count; i++)
        assert_true(slice_equals(host_list_text(list, i), slice_from_string(expected[i])));
}

static void a_merged_list_is_the_union_earliest_layer_first(void **state)
{
    OWNED_STRUCT(view) *view = fixture_view(&sample);

    (void)state;
    assert_list(view->egress, (const char *[]){"a.test", "*.b.test:8443", "c.test"}, 3);
    assert_list(view->passthrough, (const char *[]){"p.test", "q.test"}, 2);
    assert_list(view->private_hosts, (const char *[]){"db.internal", "10.1.2.3"}, 2);
}

static void a_decoded_view_encodes_into_the_same_bytes(void **state)
{
    struct buffer first, second;
    OWNED_STRUCT(view) *view = NULL;

    (void)state;
    buffer_init(&first, VIEW_ENCODED_MAX);
    buffer_init(&second, VIEW_ENCODED_MAX);
    fixture_encode(&sample, &first);
    assert_int_equal(view_decode(buffer_view(&first), &view), OK);
    assert_int_equal(view_encode(view, &second), OK);
    assert_true(slice_equals(buffer_view(&first), buffer_view(&second)));
    buffer_clear(&first);
    buffer_clear(&second);
}

static void no_truncation_and_no_surplus_is_accepted(void **state)
{
    struct buffer encoded;
    struct view *view = NULL;

    (void)state;
    buffer_init(&encoded, VIEW_ENCODED_MAX);
    fixture_encode(&sample, &encoded);
    for (size_t len = 0; len < buffer_len(&encoded); len++) {
        /* a copy of exactly this length, so that a sanitizer sees a read past its end */
        char *copy = malloc(len > 0 ? len : 1);
        assert_non_null(copy);
        memcpy(copy, buffer_view(&encoded).data, len);
        assert_int_equal(view_decode(slice_of(copy, len), &view), ERR_SYNTAX);
        free(copy);
    }
    assert_int_equal(buffer_append_byte(&encoded, 0), OK);
    assert_int_equal(view_decode(buffer_view(&encoded), &view), ERR_SYNTAX);
    assert_null(view);
    buffer_clear(&encoded);
}

static void every_changed_byte_is_refused_or_kept(void **state)
{
    struct buffer encoded, again;

    (void)state;
    buffer_init(&encoded, VIEW_ENCODED_MAX);
    buffer_init(&again, VIEW_ENCODED_MAX);
    fixture_encode(&sample, &encoded);
    for (size_t i = 0; i < buffer_len(&encoded); i++) {
        OWNED_STRUCT(view) *view = NULL;

        encoded.data[i] ^= 0x21;
        if (view_decode(buffer_view(&encoded), &view) == OK) {
            buffer_reset(&again);
            assert_int_equal(view_encode(view, &again), OK);
            assert_true(slice_equals(buffer_view(&encoded), buffer_view(&again)));
        }
        encoded.data[i] ^= 0x21;
    }
    buffer_clear(&encoded);
    buffer_clear(&again);
}

/* The sample as a struct, decoded, to break in one way each. */
static enum error decode_broken(void (*break_it)(struct view *view))
{
    OWNED_STRUCT(view) *view = fixture_view(&sample);
    OWNED_STRUCT(view) *decoded = NULL;
    struct buffer encoded;
    enum error error;

    buffer_init(&encoded, VIEW_ENCODED_MAX);
    break_it(view);
    assert_int_equal(view_encode(view, &encoded), OK);
    error = view_decode(buffer_view(&encoded), &decoded);
    buffer_clear(&encoded);
    return error;
}

static void change_nothing(struct view *view)
{
    (void)view;
}

static void swap_secrets(struct view *view)
{
    struct view_secret first = view->secrets[0];

    view->secrets[0] = view->secrets[1];
    view->secrets[1] = first;
}

static void name_secrets_the_same(struct view *view)
{
    view->secrets[1].name = view->secrets[0].name;
}

static void leave_a_secret_without_name(struct view *view)
{
    view->secrets[0].name = SLICE_NONE;
}

static void leave_a_secret_without_place(struct view *view)
{
    view->secrets[0].place_count = 0;
}

static void name_a_forbidden_field(struct view *view)
{
    view->secrets[0].places[0].field = SLICE("host");
}

static void use_a_place_that_is_not_built(struct view *view)
{
    view->secrets[0].places[0] = (struct place){PLACE_BODY, SLICE_NONE};
}

static void name_a_layer_that_is_not_there(struct view *view)
{
    view->secrets[0].layer = 3;
}

static void swap_tokens(struct view *view)
{
    struct view_token first = view->tokens[0];

    view->tokens[0] = view->tokens[1];
    view->tokens[1] = first;
}

static void repeat_a_token(struct view *view)
{
    view->tokens[1].token = view->tokens[0].token;
}

static void name_a_secret_that_is_not_there(struct view *view)
{
    view->tokens[0].secret = 2;
}

static void invent_a_status(struct view *view)
{
    view->status = (enum view_status)3;
}

static void give_the_source_an_odd_length(struct view *view)
{
    view->source.len = 5;
}

static void leave_the_sandbox_without_id(struct view *view)
{
    view->sandbox_id = SLICE_NONE;
}

static void give_an_endless_name(struct view *view)
{
    static char endless[VIEW_TEXT_MAX + 1] = "x";

    view->layers[0].store_name = slice_of(endless, sizeof(endless));
}

static void make_a_private_host_a_wildcard(struct view *view)
{
    assert_int_equal(host_list_add(view->layers[0].private_hosts, SLICE("*.b.test"), NULL), OK);
}

static void give_a_private_host_a_port(struct view *view)
{
    assert_int_equal(host_list_add(view->layers[0].private_hosts, SLICE("b.test:22"), NULL), OK);
}

static const struct {
    const char *what;
    void (*break_it)(struct view *view);
    enum error error;
} broken[] = {
    {"nothing", change_nothing, OK},
    {"secrets out of order", swap_secrets, ERR_SYNTAX},
    {"two secrets of one name", name_secrets_the_same, ERR_SYNTAX},
    {"a secret without name", leave_a_secret_without_name, ERR_SYNTAX},
    {"a secret without place", leave_a_secret_without_place, ERR_SYNTAX},
    {"a forbidden field", name_a_forbidden_field, ERR_SYNTAX},
    {"a place that is not built", use_a_place_that_is_not_built, ERR_SYNTAX},
    {"a layer that is not there", name_a_layer_that_is_not_there, ERR_SYNTAX},
    {"tokens out of order", swap_tokens, ERR_SYNTAX},
    {"a token twice", repeat_a_token, ERR_SYNTAX},
    {"a secret that is not there", name_a_secret_that_is_not_there, ERR_SYNTAX},
    {"an unknown status", invent_a_status, ERR_SYNTAX},
    {"an address of five bytes", give_the_source_an_odd_length, ERR_SYNTAX},
    {"no sandbox id", leave_the_sandbox_without_id, ERR_SYNTAX},
    {"a wildcard among the private hosts", make_a_private_host_a_wildcard, ERR_SYNTAX},
    {"a port among the private hosts", give_a_private_host_a_port, ERR_SYNTAX},
    {"an endless store name", give_an_endless_name, ERR_SYNTAX},
};

static void a_view_that_contradicts_itself_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        enum error error = decode_broken(broken[i].break_it);
        if (error != broken[i].error)
            fail_msg("%s: %s", broken[i].what, error_name(error));
    }
}

/* The start of an encoding whose layer has this list. */
static void encode_list(struct buffer *out, const char *const *patterns, uint32_t count)
{
    struct wire_writer writer = wire_writer_of(out);
    static const uint8_t zeros[32];

    wire_write_raw(&writer, "SGV3", 4);
    wire_write_u64(&writer, 1);
    wire_write_u64(&writer, 1);
    wire_write_slice(&writer, SLICE("sb-1"));
    wire_write_slice(&writer, SLICE("org-1"));
    wire_write_u8(&writer, VIEW_RUNNING);
    wire_write_raw(&writer, zeros, VIEW_HASH_SIZE);
    wire_write_raw(&writer, zeros, VIEW_MAC_SIZE);
    wire_write_slice(&writer, SLICE_NONE);
    wire_write_u8(&writer, 0);
    wire_write_u32(&writer, 1);
    wire_write_slice(&writer, SLICE("st-1"));
    wire_write_slice(&writer, SLICE("main"));
    wire_write_u32(&writer, count);
    for (uint32_t i = 0; i < count; i++)
        wire_write_slice(&writer, slice_from_string(patterns[i]));
    wire_write_raw(&writer, zeros, VIEW_MAC_SIZE);
    wire_write_u32(&writer, 0); /* passthrough hosts, private hosts */
    wire_write_u32(&writer, 0);
    wire_write_u8(&writer, 1);
    wire_write_u32(&writer, 0); /* secrets, tokens */
    wire_write_u32(&writer, 0);
    assert_int_equal(writer.error, OK);
}

static enum error decode_list(const char *const *patterns, uint32_t count)
{
    struct buffer encoded;
    OWNED_STRUCT(view) *view = NULL;
    enum error error;

    buffer_init(&encoded, VIEW_ENCODED_MAX);
    encode_list(&encoded, patterns, count);
    error = view_decode(buffer_view(&encoded), &view);
    buffer_clear(&encoded);
    return error;
}

static void a_list_holds_good_patterns_once_each(void **state)
{
    (void)state;
    assert_int_equal(decode_list((const char *[]){"a.test", "b.test"}, 2), OK);
    assert_int_equal(decode_list((const char *[]){"a.test", "*.com"}, 2), ERR_SYNTAX);
    assert_int_equal(decode_list((const char *[]){"a.test", "a.test"}, 2), ERR_SYNTAX);
    assert_int_equal(decode_list((const char *[]){""}, 1), ERR_SYNTAX);
}

static void tokens_and_secrets_are_found(void **state)
{
    OWNED_STRUCT(view) *view = fixture_view(&sample);
    struct token second = {{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}};
    struct token foreign = {{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2}};

    (void)state;
    assert_ptr_equal(view_find_token(view, &second), &view->secrets[1]);
    assert_null(view_find_token(view, &foreign));
    assert_ptr_equal(view_find_secret(view, SLICE("A_KEY")), &view->secrets[0]);
    assert_ptr_equal(view_find_secret(view, SLICE("B_KEY")), &view->secrets[1]);
    assert_null(view_find_secret(view, SLICE("A_KEYS")));
    assert_null(view_find_secret(view, SLICE_NONE));
}

static void an_empty_view_has_nothing_to_find(void **state)
{
    static const struct fixture nothing = {.status = VIEW_RUNNING};
    OWNED_STRUCT(view) *view = fixture_view(&nothing);
    struct token token = {{0}};

    (void)state;
    assert_null(view_find_token(view, &token));
    assert_null(view_find_secret(view, SLICE("A_KEY")));
    assert_int_equal(view_primary_store(view).len, 0);
    assert_int_equal(view_base_store(view).len, 0);
    assert_int_equal(host_list_count(view->egress), 0);
}

static void the_last_layer_is_primary_and_the_one_before_it_base(void **state)
{
    static const struct fixture single = {.layers = {{"only", ""}}};
    OWNED_STRUCT(view) *three = fixture_view(&sample);
    OWNED_STRUCT(view) *one = fixture_view(&single);

    (void)state;
    assert_true(slice_equals(view_primary_store(three), SLICE("top")));
    assert_true(slice_equals(view_base_store(three), SLICE("middle")));
    assert_true(slice_equals(view_primary_store(one), SLICE("only")));
    assert_int_equal(view_base_store(one).len, 0);
}

static void a_view_lives_until_its_last_reference(void **state)
{
    struct view *view = fixture_view(&sample);
    struct view *second = view_ref(view);

    (void)state;
    view_unref(view);
    assert_true(slice_equals(second->sandbox_id, SLICE("sb-1")));
    view_unref(second);
    view_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_view_arrives_as_it_was_sent),
        cmocka_unit_test(a_merged_list_is_the_union_earliest_layer_first),
        cmocka_unit_test(a_decoded_view_encodes_into_the_same_bytes),
        cmocka_unit_test(no_truncation_and_no_surplus_is_accepted),
        cmocka_unit_test(every_changed_byte_is_refused_or_kept),
        cmocka_unit_test(a_view_that_contradicts_itself_is_refused),
        cmocka_unit_test(a_list_holds_good_patterns_once_each),
        cmocka_unit_test(tokens_and_secrets_are_found),
        cmocka_unit_test(an_empty_view_has_nothing_to_find),
        cmocka_unit_test(the_last_layer_is_primary_and_the_one_before_it_base),
        cmocka_unit_test(a_view_lives_until_its_last_reference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
