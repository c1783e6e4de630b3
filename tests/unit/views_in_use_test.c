/* SPDX-License-Identifier: Apache-2.0 */
/* Views as a worker holds them, and as keyholder and dialer know them. */
#include "policy/policy.h"
#include "process/presented_views.h"
#include "process/worker/held_views.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct view_mac_key key = {{1, 2, 3}};
static const uint8_t no_mac[MESSAGE_KEY_SIZE];

static void encode(struct slice sandbox_id, uint64_t generation, struct buffer *out)
{
    const struct view view = {.generation = generation,
                              .sandbox_id = sandbox_id,
                              .org_id = SLICE("org"),
                              .status = VIEW_RUNNING};

    buffer_init(out, VIEW_ENCODED_MAX);
    assert_int_equal(view_encode(&view, out), OK);
}

static struct view *hold(struct held_views *views, const char *sandbox_id, uint64_t generation)
{
    struct buffer encoded;
    struct view *view = NULL;

    encode(slice_from_string(sandbox_id), generation, &encoded);
    assert_int_equal(held_views_add(views, buffer_view(&encoded), no_mac, &view), OK);
    buffer_clear(&encoded);
    return view;
}

static void the_same_bytes_give_the_same_view(void **state UNUSED)
{
    struct held_views views;

    held_views_init(&views);
    assert_ptr_equal(hold(&views, "sb-1", 1), hold(&views, "sb-1", 1));
    assert_ptr_not_equal(hold(&views, "sb-1", 1), hold(&views, "sb-2", 1));
    held_views_clear(&views);
}

static void a_superseded_view_stays_while_somebody_uses_it(void **state UNUSED)
{
    struct held_views views;

    held_views_init(&views);
    struct view *used = view_ref(hold(&views, "sb-1", 1));
    hold(&views, "sb-1", 2);
    assert_null(held_views_take_unused(&views));
    assert_non_null(held_views_find(&views, used));
    view_unref(used);
    struct held_view *unused = held_views_take_unused(&views);
    assert_non_null(unused);
    assert_int_equal(unused->view->generation, 1);
    held_view_free(unused);
    assert_null(held_views_take_unused(&views));
    held_views_clear(&views);
}

static void a_change_of_a_released_sandbox_is_ignored(void **state UNUSED)
{
    struct held_views views;
    struct buffer encoded;
    struct view *view = NULL;

    held_views_init(&views);
    hold(&views, "sb-1", 1);
    encode(SLICE("sb-1"), 2, &encoded);
    assert_int_equal(held_views_update(&views, buffer_view(&encoded), no_mac, &view), OK);
    assert_non_null(view);
    held_views_release(&views, SLICE("sb-1"));
    assert_int_equal(held_views_update(&views, buffer_view(&encoded), no_mac, &view), OK);
    assert_null(view);
    buffer_clear(&encoded);
    held_views_clear(&views);
}

static void bytes_that_are_no_view_are_refused(void **state UNUSED)
{
    struct held_views views;
    struct view *view = NULL;

    held_views_init(&views);
    assert_int_equal(held_views_add(&views, SLICE("nonsense"), no_mac, &view), ERR_SYNTAX);
    assert_null(view);
    held_views_clear(&views);
}

static struct message_present_view present(uint64_t handle, const struct buffer *encoded)
{
    struct message_present_view message = {.handle = handle, .view = buffer_view(encoded)};

    view_mac_sign(&key, message.view, message.mac);
    return message;
}

static void a_view_that_control_signed_is_known_by_its_handle(void **state UNUSED)
{
    struct presented_views views;
    struct buffer encoded;

    presented_views_init(&views);
    encode(SLICE("sb-1"), 7, &encoded);
    struct message_present_view message = present(42, &encoded);
    assert_int_equal(presented_views_add(&views, &key, &message), OK);
    assert_int_equal(presented_views_find(&views, 42)->view->generation, 7);
    assert_null(presented_views_find(&views, 43));
    presented_views_remove(&views, 42);
    assert_null(presented_views_find(&views, 42));
    assert_int_equal(views.encoded_bytes, 0);
    buffer_clear(&encoded);
    presented_views_clear(&views);
}

static void a_view_that_a_worker_changed_is_refused(void **state UNUSED)
{
    struct presented_views views;
    struct buffer encoded;

    presented_views_init(&views);
    encode(SLICE("sb-1"), 7, &encoded);
    struct message_present_view message = present(1, &encoded);
    for (size_t i = 0; i < encoded.end - encoded.start; i++) {
        encoded.data[encoded.start + i] ^= 1;
        assert_int_equal(presented_views_add(&views, &key, &message), ERR_FORBIDDEN);
        encoded.data[encoded.start + i] ^= 1;
    }
    message.mac[0] ^= 1;
    assert_int_equal(presented_views_add(&views, &key, &message), ERR_FORBIDDEN);
    assert_null(presented_views_find(&views, 1));
    buffer_clear(&encoded);
    presented_views_clear(&views);
}

static void a_handle_stands_for_the_last_view_presented_under_it(void **state UNUSED)
{
    struct presented_views views;
    struct buffer first, second;

    presented_views_init(&views);
    encode(SLICE("sb-1"), 1, &first);
    encode(SLICE("sb-2"), 2, &second);
    struct message_present_view one = present(5, &first), two = present(5, &second);
    assert_int_equal(presented_views_add(&views, &key, &one), OK);
    assert_int_equal(presented_views_add(&views, &key, &two), OK);
    assert_true(slice_equals(presented_views_find(&views, 5)->view->sandbox_id, SLICE("sb-2")));
    buffer_clear(&first);
    buffer_clear(&second);
    presented_views_clear(&views);
    assert_int_equal(views.encoded_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_bytes_give_the_same_view),
        cmocka_unit_test(a_superseded_view_stays_while_somebody_uses_it),
        cmocka_unit_test(a_change_of_a_released_sandbox_is_ignored),
        cmocka_unit_test(bytes_that_are_no_view_are_refused),
        cmocka_unit_test(a_view_that_control_signed_is_known_by_its_handle),
        cmocka_unit_test(a_view_that_a_worker_changed_is_refused),
        cmocka_unit_test(a_handle_stands_for_the_last_view_presented_under_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
