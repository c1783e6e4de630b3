/* SPDX-License-Identifier: Apache-2.0 */
/* How changes reach the workers. */

#include "control_fixture.h"

#include <event2/event.h>
#include <unistd.h>

/* A sandbox "sandbox" on store "s" with the secret KEY, whose view workers 0 and 1 hold. */
static void set_scene(struct fixture *fixture, char sandbox[64])
{
    char store[64];
    fixture_make_store(fixture, "{\"name\":\"s\",\"egressAllowlist\":[\"a.example\"]}", store);
    fixture_expect(fixture, 200, "PUT", "/api/secret-stores/s/secrets/KEY",
                   "{\"value\":\"long enough\"}");
    fixture_make_sandbox(fixture, "{\"secretStore\":\"s\"}", sandbox);
    for (unsigned worker = 0; worker < 2; worker++) {
        control_on_worker_ready(fixture->control, worker);
        control_on_view_request(fixture->control, worker, 1, slice_from_string(sandbox), NULL);
        assert_non_null(fixture->sent);
    }
}

static const struct view *last_view(const struct fixture *fixture)
{
    assert_true(fixture->push_count > 0);
    return fixture->pushes[fixture->push_count - 1].view;
}

static void an_unknown_sandbox_has_no_view(void **state)
{
    struct fixture *fixture = *state;
    control_on_view_request(fixture->control, 0, 1, SLICE("sb-0000000000000000"), NULL);
    assert_true(fixture->sent_nothing);
    struct ip_address source;
    assert_int_equal(ip_address_parse(SLICE("192.0.2.1"), &source), OK);
    control_on_view_request(fixture->control, 0, 2, SLICE_NONE, &source);
    assert_true(fixture->sent_nothing);
}

static void a_view_is_found_by_source_address(void **state)
{
    struct fixture *fixture = *state;
    char id[64];
    struct ip_address source;
    fixture_make_sandbox(fixture, "{\"source\":\"192.0.2.1\"}", id);
    assert_int_equal(ip_address_parse(SLICE("192.0.2.1"), &source), OK);
    control_on_view_request(fixture->control, 0, 1, SLICE_NONE, &source);
    assert_non_null(fixture->sent);
    assert_true(slice_equals(fixture->sent->sandbox_id, slice_from_string(id)));
    assert_true(ip_address_equals(&fixture->sent->source, &source));
}

static void a_registered_address_is_made_known_to_every_worker_first(void **state)
{
    struct fixture *fixture = *state;
    struct fixture_call call;
    struct ip_address source;
    assert_int_equal(ip_address_parse(SLICE("192.0.2.1"), &source), OK);
    for (unsigned worker = 0; worker < 3; worker++)
        control_on_worker_ready(fixture->control, worker);
    control_on_worker_gone(fixture->control, 1);
    fixture->holds_back_acks = true;
    json_t *body = json_pack("{s:s}", "source", "192.0.2.1");
    fixture_start_post(fixture, &call, "/api/sandboxes", body);
    while (fixture->push_count < 2)
        fixture_pump(fixture);
    assert_int_equal(fixture->pushes[0].worker, 0);
    assert_int_equal(fixture->pushes[1].worker, 2);
    assert_true(ip_address_equals(&fixture->pushes[1].source, &source));
    control_on_view_taken(fixture->control, 0, fixture->pushes[0].number);
    for (int i = 0; i < 10; i++)
        fixture_pump(fixture);
    assert_false(fixture_is_done(&call));
    control_on_view_taken(fixture->control, 2, fixture->pushes[1].number);
    struct client_answer answer = fixture_finish(fixture, &call);
    assert_int_equal(answer.status, 201);
    client_answer_clear(&answer);
}

static void a_sandbox_without_an_address_is_announced_to_nobody(void **state)
{
    struct fixture *fixture = *state;
    char id[64];
    control_on_worker_ready(fixture->control, 0);
    fixture_make_sandbox(fixture, "{}", id);
    assert_int_equal(fixture->push_count, 0);
}

static void a_change_is_answered_when_every_worker_has_taken_it(void **state)
{
    struct fixture *fixture = *state;
    struct fixture_call call;
    char id[64];
    set_scene(fixture, id);
    fixture->holds_back_acks = true;
    fixture_start(fixture, &call, "DELETE", "/api/secret-stores/s/secrets/KEY");
    while (fixture->push_count < 2)
        fixture_pump(fixture);
    control_on_view_taken(fixture->control, 0, fixture->pushes[0].number);
    control_on_view_taken(fixture->control, 0, fixture->pushes[1].number); /* not its own */
    for (int i = 0; i < 10; i++)
        fixture_pump(fixture);
    assert_false(fixture_is_done(&call));
    control_on_view_taken(fixture->control, 1, fixture->pushes[1].number);
    struct client_answer answer = fixture_finish(fixture, &call);
    assert_int_equal(answer.status, 204);
    client_answer_clear(&answer);
    assert_int_equal(last_view(fixture)->token_count, 0);
}

static void views_before_a_change_are_outdated_before_the_new_ones_are_pushed(void **state)
{
    struct fixture *fixture = *state;
    char id[64];
    set_scene(fixture, id);
    uint64_t before = fixture->sent->generation;
    fixture_expect(fixture, 204, "DELETE", "/api/secret-stores/s/secrets/KEY", NULL);
    assert_int_equal(fixture->outdated.count, 1);
    assert_string_equal(fixture->outdated.sandbox, id);
    assert_int_equal(fixture->outdated.pushes_before, 0);
    assert_int_equal(fixture->push_count, 2);
    assert_true(fixture->outdated.generation >= before);
    assert_true(last_view(fixture)->generation > fixture->outdated.generation);
}

/* A worker may have said that it let go of a view, and have kept it. */
static void views_that_no_worker_holds_are_outdated_too(void **state)
{
    struct fixture *fixture = *state;
    char id[64];
    set_scene(fixture, id);
    for (unsigned worker = 0; worker < 2; worker++)
        control_on_view_release(fixture->control, worker, slice_from_string(id));
    fixture_expect(fixture, 200, "POST", text_of("/api/sandboxes/%s/hibernate", id), NULL);
    assert_int_equal(fixture->outdate_count, 1);
    assert_string_equal(fixture->outdated.sandbox, id);
    assert_true(fixture->outdated.generation >= fixture->sent->generation);
    fixture_expect(fixture, 204, "DELETE", text_of("/api/sandboxes/%s", id), NULL);
    assert_int_equal(fixture->outdate_count, 2);
    assert_int_equal(fixture->push_count, 0);
}

static void a_change_of_a_store_that_nobody_uses_outdates_nothing(void **state)
{
    struct fixture *fixture = *state;
    char id[64];
    fixture_make_store(fixture, "{\"name\":\"s\"}", id);
    fixture_expect(fixture, 200, "PUT", "/api/secret-stores/s",
                   "{\"egressAllowlist\":[\"b.example\"]}");
    assert_int_equal(fixture->outdate_count, 0);
}

static void a_change_is_answered_when_the_dialer_has_taken_it(void **state)
{
    struct fixture *fixture = *state;
    struct fixture_call call;
    char id[64];
    set_scene(fixture, id);
    fixture->dialer_holds_back = true;
    fixture_start(fixture, &call, "DELETE", "/api/secret-stores/s/secrets/KEY");
    while (fixture->push_count < 2)
        fixture_pump(fixture);
    control_on_view_taken(fixture->control, 0, fixture->outdated.push); /* not its own */
    for (int i = 0; i < 10; i++)
        fixture_pump(fixture);
    assert_false(fixture_is_done(&call));
    control_on_views_outdated(fixture->control, fixture->outdated.push);
    struct client_answer answer = fixture_finish(fixture, &call);
    assert_int_equal(answer.status, 204);
    client_answer_clear(&answer);
}

static void a_dialer_that_dies_holds_nothing_up(void **state)
{
    struct fixture *fixture = *state;
    struct fixture_call call;
    char id[64];
    set_scene(fixture, id);
    fixture->dialer_holds_back = true;
    fixture_start(fixture, &call, "DELETE", "/api/secret-stores/s/secrets/KEY");
    while (fixture->push_count < 2)
        fixture_pump(fixture);
    control_on_dialer_gone(fixture->control);
    struct client_answer answer = fixture_finish(fixture, &call);
    assert_int_equal(answer.status, 204);
    client_answer_clear(&answer);
}

static void a_worker_that_dies_holds_nothing_up(void **state)
{
    struct fixture *fixture = *state;
    struct fixture_call call;
    char id[64];
    set_scene(fixture, id);
    fixture->holds_back_acks = true;
    fixture_start(fixture, &call, "DELETE", text_of("/api/sandboxes/%s", id));
    while (fixture->push_count < 2)
        fixture_pump(fixture);
    assert_true(fixture->pushes[0].gone && fixture->pushes[1].gone);
    control_on_worker_gone(fixture->control, 0);
    control_on_worker_gone(fixture->control, 1);
    struct client_answer answer = fixture_finish(fixture, &call);
    assert_int_equal(answer.status, 204);
    client_answer_clear(&answer);
}

static void a_worker_that_never_answers_is_not_waited_for_for_ever(void **state)
{
    struct fixture *fixture = *state;
    char id[64];
    set_scene(fixture, id);
    fixture->holds_back_acks = true;
    fixture_expect(fixture, 200, "POST", text_of("/api/sandboxes/%s/hibernate", id), NULL);
    assert_int_equal(last_view(fixture)->status, VIEW_SUSPENDED);
    control_on_view_taken(fixture->control, 0, fixture->pushes[0].number); /* late: no harm */
}

static void a_client_that_went_away_is_no_harm(void **state)
{
    struct fixture *fixture = *state;
    struct fixture_call call;
    char id[64];
    set_scene(fixture, id);
    fixture->holds_back_acks = true;
    fixture_start(fixture, &call, "DELETE", "/api/secret-stores/s/secrets/KEY");
    while (fixture->push_count < 2)
        fixture_pump(fixture);
    control_free(fixture->control); /* the connection goes, and with it who waits */
    fixture->control = NULL;
    pthread_join(call.thread, NULL);
    assert_int_equal(call.error, ERR_CLOSED);
    close(call.done_pipe[0]);
    close(call.done_pipe[1]);
    client_answer_clear(&call.answer);
}

static void a_rotation_counts_and_keeps_the_token(void **state)
{
    struct fixture *fixture = *state;
    char id[64];
    set_scene(fixture, id);
    struct token before = fixture->sent->tokens[0].token;
    struct client_answer answer = fixture_ask(fixture, "PUT", "/api/secret-stores/s/secrets/KEY",
                                              "{\"value\":\"another value\"}");
    assert_int_equal(json_integer_value(json_object_get(answer.body, "refreshed")), 1);
    client_answer_clear(&answer);
    const struct view *after = last_view(fixture);
    assert_memory_equal(before.bytes, after->tokens[0].token.bytes, TOKEN_SIZE);
    assert_false(slice_equals(fixture->sent->secrets[0].box, after->secrets[0].box));
    assert_true(after->generation > fixture->sent->generation);
}

static void a_released_view_is_not_pushed(void **state)
{
    struct fixture *fixture = *state;
    char id[64];
    set_scene(fixture, id);
    control_on_view_release(fixture->control, 0, slice_from_string(id));
    fixture_expect(fixture, 200, "PUT", "/api/secret-stores/s",
                   "{\"egressAllowlist\":[\"b.example\"]}");
    assert_int_equal(fixture->push_count, 1);
    assert_int_equal(fixture->pushes[0].worker, 1);
    assert_true(slice_equals(host_list_text(last_view(fixture)->egress, 0), SLICE("b.example")));
}

static void deleting_a_store_leaves_its_sandboxes_as_they_are(void **state)
{
    struct fixture *fixture = *state;
    char id[64];
    set_scene(fixture, id);
    fixture_expect(fixture, 204, "DELETE", "/api/secret-stores/s", NULL);
    control_on_view_request(fixture->control, 0, 9, slice_from_string(id), NULL);
    assert_int_equal(fixture->sent->token_count, 1);
    assert_true(slice_equals(host_list_text(fixture->sent->egress, 0), SLICE("a.example")));
}

static void key_rotation_seals_again_and_then_forgets_the_old_key(void **state)
{
    struct fixture *fixture = *state;
    char id[64], old_id[SEAL_KEY_ID_LEN + 1];
    set_scene(fixture, id);
    memcpy(old_id, keyring_public(fixture->ring, 0)->id, sizeof old_id);
    struct client_answer answer = fixture_ask(fixture, "POST", "/api/keys/rotate", NULL);
    assert_int_equal(answer.status, 200);
    assert_string_not_equal(field(answer.body, "keyId"), old_id);
    assert_int_equal(json_integer_value(json_object_get(answer.body, "resealed")), 1);
    assert_int_equal(json_integer_value(json_object_get(answer.body, "failed")), 0);
    client_answer_clear(&answer);
    assert_int_equal(keyring_count(fixture->ring), 1);
    const struct view *view = last_view(fixture);
    OWNED_STRUCT(opened_box) *box = NULL;
    assert_int_equal(keyring_open(fixture->ring, view->secrets[0].box, &box), OK);
    struct secret value = opened_box_value(box);
    assert_true(slice_equals(secret_reveal(&value), SLICE("long enough")));
    const struct slice pattern = SLICE("a.example");
    const struct seal_store store = {.org = view->org_id,
                                     .id = view->layers[0].store_id,
                                     .egress = {&pattern, 1},
                                     .redact_responses = true};
    assert_true(keyring_store_verify(fixture->ring, &store, view->layers[0].mac));
}

static void a_view_costs_no_call_while_its_stores_stay_as_they_were_signed(void **state)
{
    struct fixture *fixture = *state;
    char id[64];
    set_scene(fixture, id);
    fixture->keyholder_is_away = true;
    control_on_view_request(fixture->control, 2, 9, slice_from_string(id), NULL);
    assert_int_equal(fixture->sent_error, OK);
    assert_int_equal(fixture->verified_stores, 0);
}

/* Waits for the real clock: timeouts are whole seconds. */
static void an_idle_sandbox_hibernates_and_its_workers_know(void **state)
{
    struct fixture *fixture = *state;
    char id[64];
    fixture_make_sandbox(fixture, "{\"timeout\":1}", id);
    control_on_view_request(fixture->control, 0, 1, slice_from_string(id), NULL);
    assert_int_equal(fixture->sent->status, VIEW_RUNNING);
    control_on_activity(fixture->control, 0, slice_from_string(id));
    control_on_activity(fixture->control, 0, SLICE("sb-unknown"));
    while (fixture->push_count == 0)
        event_base_loop(fixture->base, EVLOOP_ONCE);
    assert_int_equal(last_view(fixture)->status, VIEW_EXPIRED);
    fixture_expect(fixture, 200, "POST", text_of("/api/sandboxes/%s/wake", id), NULL);
    assert_int_equal(last_view(fixture)->status, VIEW_RUNNING);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_unknown_sandbox_has_no_view),
        TEST(a_view_is_found_by_source_address),
        TEST(a_registered_address_is_made_known_to_every_worker_first),
        TEST(a_sandbox_without_an_address_is_announced_to_nobody),
        TEST(a_change_is_answered_when_every_worker_has_taken_it),
        TEST(views_before_a_change_are_outdated_before_the_new_ones_are_pushed),
        TEST(views_that_no_worker_holds_are_outdated_too),
        TEST(a_change_of_a_store_that_nobody_uses_outdates_nothing),
        TEST(a_change_is_answered_when_the_dialer_has_taken_it),
        TEST(a_dialer_that_dies_holds_nothing_up),
        TEST(a_worker_that_dies_holds_nothing_up),
        TEST(a_worker_that_never_answers_is_not_waited_for_for_ever),
        TEST(a_client_that_went_away_is_no_harm),
        TEST(a_rotation_counts_and_keeps_the_token),
        TEST(a_released_view_is_not_pushed),
        TEST(deleting_a_store_leaves_its_sandboxes_as_they_are),
        TEST(a_view_costs_no_call_while_its_stores_stay_as_they_were_signed),
        TEST(an_idle_sandbox_hibernates_and_its_workers_know),
        TEST(key_rotation_seals_again_and_then_forgets_the_old_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
