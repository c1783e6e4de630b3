/* SPDX-License-Identifier: Apache-2.0 */
/* The list of fields: look-up, appending, removal of hop-by-hop fields. */
#include "http/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void add(struct http_head *head, const char *name, const char *value)
{
    assert_int_equal(http_head_add(head, slice_from_string(name), slice_from_string(value)), OK);
}

static void lookups_ignore_case_and_find_the_first(void **state)
{
    struct http_head head;

    (void)state;
    http_head_init(&head);
    add(&head, "Accept", "a");
    add(&head, "ACCEPT", "b");
    assert_true(slice_equals(http_head_find(&head, SLICE("accept"))->value, SLICE("a")));
    assert_int_equal(http_head_count(&head, SLICE("aCCept")), 2);
    assert_null(http_head_find(&head, SLICE("Accep")));
    http_head_clear(&head);
    assert_int_equal(head.field_count, 0);
}

static void a_list_is_read_over_all_its_lines(void **state)
{
    struct http_head head;

    (void)state;
    http_head_init(&head);
    add(&head, "Connection", "keep-alive , \tUpgrade");
    add(&head, "connection", ",,x-y,");
    assert_true(http_head_lists(&head, SLICE("Connection"), SLICE("upgrade")));
    assert_true(http_head_lists(&head, SLICE("Connection"), SLICE("X-Y")));
    assert_false(http_head_lists(&head, SLICE("Connection"), SLICE("x")));
    http_head_clear(&head);
}

static void fields_stay_intact_while_the_storage_grows(void **state)
{
    struct http_head head;
    char name[16];

    (void)state;
    http_head_init(&head);
    assert_int_equal(buffer_append(&head.storage, SLICE("GET/target")), OK);
    head.method = slice_of(head.storage.data, 3);
    head.target = slice_of(head.storage.data + 3, 7);
    for (int i = 0; i < HTTP_FIELDS_MAX; i++) {
        snprintf(name, sizeof(name), "x-%d", i);
        add(&head, name, "some value that makes the storage grow over and over");
    }
    assert_int_equal(http_head_add(&head, SLICE("x"), SLICE("y")), ERR_TOO_LARGE);
    assert_true(slice_equals(head.method, SLICE("GET")));
    assert_true(slice_equals(head.target, SLICE("/target")));
    for (int i = 0; i < HTTP_FIELDS_MAX; i++) {
        snprintf(name, sizeof(name), "x-%d", i);
        assert_true(slice_equals(head.fields[i].name, slice_from_string(name)));
        assert_int_equal(head.fields[i].value.len, 52);
    }
    http_head_clear(&head);
}

static void a_field_past_the_storage_is_refused_and_changes_nothing(void **state)
{
    static char big[3 * HTTP_HEAD_MAX];
    struct http_head head;

    (void)state;
    http_head_init(&head);
    add(&head, "a", "b");
    assert_int_equal(http_head_add(&head, SLICE("x"), slice_of(big, sizeof(big))), ERR_TOO_LARGE);
    assert_int_equal(head.field_count, 1);
    http_head_clear(&head);
}

static void hop_by_hop_fields_go_and_what_connection_names(void **state)
{
    static const char *const gone[] = {"Connection",
                                       "Keep-Alive",
                                       "Proxy-Authorization",
                                       "proxy-connection",
                                       "TE",
                                       "Trailer",
                                       "Transfer-Encoding",
                                       "Upgrade",
                                       "HTTP2-Settings",
                                       "Close",
                                       "X-Named-By-Connection"};
    static const char *const kept[] = {"Host", "Authorization", "Content-Length",
                                       "Sec-WebSocket-Key", "X-Other"};
    struct http_head head;

    (void)state;
    http_head_init(&head);
    for (size_t i = 0; i < ARRAY_LEN(gone); i++)
        add(&head, gone[i],
            "x-named-by-connection, host, authorization, content-length,"
            "sec-websocket-key");
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        add(&head, kept[i], "v");
    http_head_strip_hop_by_hop(&head);
    assert_int_equal(head.field_count, ARRAY_LEN(kept));
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        assert_true(slice_equals(head.fields[i].name, slice_from_string(kept[i])));
    http_head_clear(&head);
}

static void names_are_tokens_and_values_hold_no_control(void **state)
{
    (void)state;
    assert_true(http_is_token(SLICE("X-a!#$%&'*+.^_`|~9")));
    assert_false(http_is_token(SLICE("")));
    for (int c = 0; c < 256; c++) {
        char byte = (char)c;
        bool control = (c < 32 && c != '\t') || c == 127;
        assert_int_equal(http_is_field_value(slice_of(&byte, 1)), !control);
    }
    assert_false(http_is_token(SLICE("a b")));
    assert_false(http_is_token(SLICE("a:")));
    assert_false(http_is_token(SLICE("a\x80")));
    assert_int_equal(http_token_len(SLICE("abc: d")), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lookups_ignore_case_and_find_the_first),
        cmocka_unit_test(a_list_is_read_over_all_its_lines),
        cmocka_unit_test(fields_stay_intact_while_the_storage_grows),
        cmocka_unit_test(a_field_past_the_storage_is_refused_and_changes_nothing),
        cmocka_unit_test(hop_by_hop_fields_go_and_what_connection_names),
        cmocka_unit_test(names_are_tokens_and_values_hold_no_control),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
