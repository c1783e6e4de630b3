/* SPDX-License-Identifier: Apache-2.0 */
/* See control_fixture.h. Never leaves anything behind in the file system. */

#include "control_fixture.h"

#include "base/wire.h"
#include "observe/log.h"
#include "observe/metrics.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static _Alignas(64) unsigned char metrics_memory[65536];

/* The keyholder. */

static enum error fake_current_key(void *context, struct seal_public_key *out)
{
    struct fixture *fixture = context;
    if (fixture->keyholder_is_away)
        return ERR_UNAVAILABLE;
    *out = *keyring_public(fixture->ring, 0);
    return OK;
}

static void write_list(struct wire_writer *writer, const struct slice *items, size_t count)
{
    wire_write_u32(writer, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        wire_write_slice(writer, items[i]);
}

static enum error fake_check_box(void *context, struct slice sealed, struct slice org,
                                 struct slice store, struct slice name, struct buffer *out_binding)
{
    struct fixture *fixture = context;
    OWNED_STRUCT(opened_box) *box = NULL;
    TRY(keyring_open(fixture->ring, sealed, &box));
    TRY(opened_box_expect(box, org, store, name));
    const struct seal_binding *binding = opened_box_binding(box);
    struct wire_writer writer = wire_writer_of(out_binding);
    write_list(&writer, binding->places, binding->place_count);
    write_list(&writer, binding->hosts, binding->host_count);
    return writer.error;
}

static enum error fake_reseal(void *context, struct slice sealed,
                              const struct seal_binding *binding, struct buffer *out_sealed)
{
    struct fixture *fixture = context;
    OWNED_STRUCT(opened_box) *box = NULL;
    TRY(keyring_open(fixture->ring, sealed, &box));
    TRY(opened_box_expect(box, binding->org, binding->store, binding->name));
    return keyring_reseal(fixture->ring, box, binding, out_sealed);
}

static enum error fake_sign_store(void *context, const struct seal_store *store,
                                  uint8_t mac[SEAL_MAC_SIZE])
{
    struct fixture *fixture = context;
    keyring_store_sign(fixture->ring, store, mac);
    return OK;
}

static enum error fake_verify_store(void *context, const struct seal_store *store,
                                    const uint8_t mac[SEAL_MAC_SIZE])
{
    struct fixture *fixture = context;
    fixture->verified_stores++;
    if (fixture->keyholder_is_away)
        return ERR_UNAVAILABLE;
    return keyring_store_verify(fixture->ring, store, mac) ? OK : ERR_FORBIDDEN;
}

static enum error fake_sign_sandbox(void *context, const struct view *view,
                                    uint8_t mac[VIEW_MAC_SIZE])
{
    struct fixture *fixture = context;
    fixture->signed_sandboxes++;
    memset(mac, (int)view->layer_count + 1, VIEW_MAC_SIZE);
    return OK;
}

static enum error fake_take_over_sandboxes(void *context, bool is_done)
{
    struct fixture *fixture = context;
    if (fixture->has_taken_over)
        return ERR_CONFLICT;
    fixture->has_taken_over = is_done;
    return OK;
}

static enum error fake_rotate_key(void *context, struct seal_public_key *out)
{
    struct fixture *fixture = context;
    TRY(keyring_generate(fixture->ring, NULL));
    *out = *keyring_public(fixture->ring, 0);
    return OK;
}

static enum error fake_retire_keys(void *context)
{
    struct fixture *fixture = context;
    while (keyring_count(fixture->ring) > 1) {
        char id[SEAL_KEY_ID_LEN + 1];
        memcpy(id, keyring_public(fixture->ring, 1)->id, sizeof id);
        keyring_retire(fixture->ring, id);
    }
    fixture->retirements++;
    return OK;
}

static enum error fake_ca_certificates(void *context, struct buffer *out)
{
    const struct fixture *fixture = context;
    return buffer_append_format(out,
                                "-----BEGIN CERTIFICATE-----\nroot%u\n-----END CERTIFICATE-----\n",
                                fixture->ca_rotations);
}

static enum error fake_rotate_ca(void *context)
{
    struct fixture *fixture = context;
    fixture->ca_rotations++;
    return OK;
}

static void fake_outdate_views(void *context, const struct control_outdating *outdating)
{
    struct fixture *fixture = context;
    struct fixture_outdating *last = &fixture->outdated;
    fixture->outdate_count++;
    *last = (struct fixture_outdating){.push = outdating->push,
                                       .generation = outdating->generation,
                                       .count = outdating->count,
                                       .pushes_before = fixture->push_count};
    if (outdating->count > 0)
        snprintf(last->sandbox, sizeof last->sandbox, "%.*s",
                 SLICE_ARG(outdating->sandboxes[outdating->count - 1]));
    if (!fixture->dialer_holds_back)
        control_on_views_outdated(fixture->control, outdating->push);
}

/* The workers and the dialer. */

static void fake_send_view(void *context, unsigned worker, uint64_t ticket, enum error error,
                           struct slice encoded)
{
    struct fixture *fixture = context;
    assert_int_equal(error == OK, encoded.len > 0);
    fixture->sent_error = error;
    (void)worker, (void)ticket;
    view_unref(fixture->sent);
    fixture->sent = NULL;
    fixture->sent_nothing = encoded.len == 0;
    if (encoded.len > 0)
        assert_int_equal(view_decode(encoded, &fixture->sent), OK);
}

static struct fixture_push *record_push(struct fixture *fixture, unsigned worker, uint64_t number)
{
    assert_true(fixture->push_count < FIXTURE_PUSHES_MAX);
    struct fixture_push *push = &fixture->pushes[fixture->push_count++];
    *push = (struct fixture_push){.worker = worker, .number = number};
    return push;
}

static void acknowledge(struct fixture *fixture, unsigned worker, uint64_t number)
{
    if (!fixture->holds_back_acks)
        control_on_view_taken(fixture->control, worker, number);
}

static void fake_push_view(void *context, unsigned worker, uint64_t number, struct slice encoded)
{
    struct fixture_push *push = record_push(context, worker, number);
    assert_int_equal(view_decode(encoded, &push->view), OK);
    acknowledge(context, worker, number);
}

static void fake_push_view_gone(void *context, unsigned worker, uint64_t number,
                                struct slice sandbox_id)
{
    (void)sandbox_id;
    record_push(context, worker, number)->gone = true;
    acknowledge(context, worker, number);
}

static void fake_push_source(void *context, unsigned worker, uint64_t number,
                             const struct ip_address *source)
{
    record_push(context, worker, number)->source = *source;
    acknowledge(context, worker, number);
}

static void fake_resolve(void *context, uint64_t ticket, const struct authority *target,
                         bool is_private_target)
{
    struct fixture *fixture = context;
    struct control_resolution resolution = {.code = fixture->resolved_code,
                                            .address.port = target->port,
                                            .is_proxied = fixture->resolves_by_proxy};
    assert_int_equal(ip_address_parse(SLICE("192.0.2.7"), &resolution.address.address), OK);
    fixture->resolve_ticket = ticket;
    fixture->resolves_private = is_private_target;
    if (!fixture->holds_back_resolve)
        control_on_resolved(fixture->control, ticket, &resolution);
}

static void fake_publish_file(void *context, struct slice name, struct slice content)
{
    struct fixture *fixture = context;
    bool is_bundle = slice_equals(name, SLICE("ca-bundle.pem"));
    assert_true(is_bundle || slice_equals(name, SLICE("ca.pem")));
    struct buffer *file = is_bundle ? &fixture->ca_bundle : &fixture->ca_pem;
    buffer_clear(file);
    assert_int_equal(buffer_append(file, content), OK);
}

static const struct control_services services = {
    .current_key = fake_current_key,
    .check_box = fake_check_box,
    .reseal = fake_reseal,
    .sign_store = fake_sign_store,
    .verify_store = fake_verify_store,
    .sign_sandbox = fake_sign_sandbox,
    .take_over_sandboxes = fake_take_over_sandboxes,
    .rotate_key = fake_rotate_key,
    .retire_keys = fake_retire_keys,
    .ca_certificates = fake_ca_certificates,
    .rotate_ca = fake_rotate_ca,
    .outdate_views = fake_outdate_views,
    .send_view = fake_send_view,
    .push_view = fake_push_view,
    .push_view_gone = fake_push_view_gone,
    .push_source = fake_push_source,
    .resolve = fake_resolve,
    .publish_file = fake_publish_file,
};

static int listen_locally(struct fixture *fixture)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(fixture->socket_path, sizeof fixture->socket_path, "%s/control.sock",
             fixture->directory);
    memcpy(address.sun_path, fixture->socket_path, strlen(fixture->socket_path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static int listen_on_loopback(struct fixture *fixture)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    snprintf(fixture->url, sizeof fixture->url, "http://127.0.0.1:%u/api",
             (unsigned)ntohs(address.sin_port));
    return fd;
}

static void make_control(struct fixture *fixture)
{
    OWNED_STRUCT(buffer) *key = &(struct buffer){.limit = 64};
    struct control_services own = services;
    own.context = fixture;
    struct control_settings settings = {
        .data_dir = slice_from_string(fixture->directory),
        .audit_fd = -1,
    };
    assert_int_equal(
        control_new(fixture->base, fixture->store, &own, &settings, key, &fixture->control), OK);
    memcpy(fixture->first_key, buffer_view(key).data, buffer_len(key));
    assert_int_equal(control_listen(fixture->control, listen_locally(fixture), CONTROL_UNIX, NULL),
                     OK);
    assert_int_equal(
        control_listen(fixture->control, listen_on_loopback(fixture), CONTROL_TCP, NULL), OK);
}

int fixture_set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    *state = fixture;
    log_open("test", LEVEL_ERROR);
    metrics_attach(metrics_memory, 1, 0);
    if (sodium_init() < 0 || metrics_size(1) > sizeof metrics_memory)
        return -1;
    strcpy(fixture->directory, "/tmp/control-test-XXXXXX");
    if (mkdtemp(fixture->directory) == NULL)
        return -1;
    fixture->base = event_base_new();
    buffer_init(&fixture->ca_pem, 64 * 1024);
    buffer_init(&fixture->ca_bundle, 4 * 1024 * 1024);
    fixture->ring = keyring_new();
    assert_int_equal(keyring_generate(fixture->ring, NULL), OK);
    assert_int_equal(store_open(SLICE("sqlite"), SLICE_NONE, NULL, &fixture->store), OK);
    make_control(fixture);
    return 0;
}

int fixture_tear_down(void **state)
{
    struct fixture *fixture = *state;
    control_free(fixture->control);
    store_close(fixture->store);
    keyring_free(fixture->ring);
    event_base_free(fixture->base);
    for (size_t i = 0; i < fixture->push_count; i++)
        view_unref(fixture->pushes[i].view);
    view_unref(fixture->sent);
    unlink(fixture->socket_path);
    buffer_clear(&fixture->ca_pem);
    buffer_clear(&fixture->ca_bundle);
    rmdir(fixture->directory);
    free(fixture);
    return 0;
}

/* Calls. */

void fixture_pump(struct fixture *fixture)
{
    event_base_loop(fixture->base, EVLOOP_NONBLOCK);
}

static void *run_call(void *argument)
{
    struct fixture_call *call = argument;
    call->error = client_call(&call->client, &call->request, &call->answer);
    if (write(call->done_pipe[1], "d", 1) != 1)
        abort();
    return NULL;
}

static void call_begin(struct fixture_call *call)
{
    assert_int_equal(pipe(call->done_pipe), 0);
    assert_int_equal(pthread_create(&call->thread, NULL, run_call, call), 0);
}

bool fixture_is_done(struct fixture_call *call)
{
    struct pollfd done = {.fd = call->done_pipe[0], .events = POLLIN};
    return poll(&done, 1, 0) == 1;
}

static void on_done(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    event_base_loopbreak(argument);
}

static void call_wait(struct fixture *fixture, struct fixture_call *call)
{
    struct event *done =
        event_new(fixture->base, call->done_pipe[0], EV_READ, on_done, fixture->base);
    event_add(done, NULL);
    event_base_dispatch(fixture->base);
    event_free(done);
    pthread_join(call->thread, NULL);
    close(call->done_pipe[0]);
    close(call->done_pipe[1]);
    json_decref((json_t *)call->request.body);
}

struct client_answer fixture_finish(struct fixture *fixture, struct fixture_call *call)
{
    call_wait(fixture, call);
    assert_string_equal(error_name(call->error), "OK");
    return call->answer;
}

enum error fixture_run(struct fixture *fixture, struct fixture_call *call)
{
    call_begin(call);
    call_wait(fixture, call);
    return call->error;
}

static struct client_answer ask(struct fixture *fixture, const struct client *client,
                                const struct client_request *request, const char *body)
{
    struct fixture_call call = {.client = *client, .request = *request};
    if (body != NULL) {
        call.request.body = json_loads(body, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(call.request.body);
    }
    call_begin(&call);
    return fixture_finish(fixture, &call);
}

struct client_answer fixture_ask_as(struct fixture *fixture, const char *key, const char *method,
                                    const char *path, const char *body)
{
    return ask(fixture, &(struct client){.url = fixture->url, .api_key = key},
               &(struct client_request){.method = method, .path = path}, body);
}

struct client_answer fixture_ask(struct fixture *fixture, const char *method, const char *path,
                                 const char *body)
{
    return fixture_ask_as(fixture, fixture->first_key, method, path, body);
}

struct client_answer fixture_ask_locally(struct fixture *fixture, const char *org,
                                         const char *method, const char *path, const char *body)
{
    return ask(fixture, &(struct client){.socket_path = fixture->socket_path, .org = org},
               &(struct client_request){.method = method, .path = path}, body);
}

void fixture_start(struct fixture *fixture, struct fixture_call *call, const char *method,
                   const char *path)
{
    *call = (struct fixture_call){
        .client = {.url = fixture->url, .api_key = fixture->first_key},
        .request = {.method = method, .path = path},
    };
    call_begin(call);
}

void fixture_start_post(struct fixture *fixture, struct fixture_call *call, const char *path,
                        json_t *body)
{
    *call = (struct fixture_call){
        .client = {.url = fixture->url, .api_key = fixture->first_key},
        .request = {.method = "POST", .path = path, .body = body},
    };
    call_begin(call);
}

void fixture_expect(struct fixture *fixture, int status, const char *method, const char *path,
                    const char *body)
{
    struct client_answer answer = fixture_ask(fixture, method, path, body);
    if (answer.status != status)
        print_error("%s %s: %s\n", method, path, field(answer.body, "error"));
    assert_int_equal(answer.status, status);
    client_answer_clear(&answer);
}

void fixture_refused(struct fixture *fixture, int status, const char *words, const char *method,
                     const char *path, const char *body)
{
    struct client_answer answer = fixture_ask(fixture, method, path, body);
    if (answer.status != status || strstr(field(answer.body, "error"), words) == NULL)
        print_error("%s %s: %d %s\n", method, path, answer.status, field(answer.body, "error"));
    assert_int_equal(answer.status, status);
    assert_non_null(strstr(field(answer.body, "error"), words));
    assert_true(strlen(field(answer.body, "code")) > 0);
    client_answer_clear(&answer);
}

/* Raw bytes. */

struct raw_exchange {
    int fd, done_pipe[2];
    const char *bytes;
    char *answer;
};

static void *run_raw(void *argument)
{
    struct raw_exchange *raw = argument;
    size_t len = 0, size = 1 << 20;
    ssize_t count = send(raw->fd, raw->bytes, strlen(raw->bytes), MSG_NOSIGNAL);
    raw->answer = calloc(1, size);
    while (count >= 0 && (count = recv(raw->fd, raw->answer + len, size - 1 - len, 0)) > 0)
        len += (size_t)count;
    if (write(raw->done_pipe[1], "d", 1) != 1)
        abort();
    return NULL;
}

char *fixture_send_raw(struct fixture *fixture, const char *bytes)
{
    struct raw_exchange raw = {.fd = socket(AF_INET, SOCK_STREAM, 0), .bytes = bytes};
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)atoi(fixture->url + 17))};
    assert_int_equal(connect(raw.fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(pipe(raw.done_pipe), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run_raw, &raw), 0);
    struct event *done =
        event_new(fixture->base, raw.done_pipe[0], EV_READ, on_done, fixture->base);
    event_add(done, NULL);
    event_base_dispatch(fixture->base);
    event_free(done);
    pthread_join(thread, NULL);
    close(raw.done_pipe[0]);
    close(raw.done_pipe[1]);
    close(raw.fd);
    return raw.answer;
}

/* Small things. */

const char *field(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

static void make(struct fixture *fixture, const char *path, const char *body, const char *name,
                 char id[64])
{
    struct client_answer answer = fixture_ask(fixture, "POST", path, body);
    if (answer.status != 201)
        print_error("POST %s: %s\n", path, field(answer.body, "error"));
    assert_int_equal(answer.status, 201);
    snprintf(id, 64, "%s", field(answer.body, name));
    client_answer_clear(&answer);
}

void fixture_make_store(struct fixture *fixture, const char *body, char id[64])
{
    make(fixture, "/api/secret-stores", body, "id", id);
}

void fixture_make_sandbox(struct fixture *fixture, const char *body, char id[64])
{
    make(fixture, "/api/sandboxes", body, "sandboxID", id);
}

const char *text_of(const char *format, ...)
{
    static char texts[8][4096];
    static unsigned next;
    char *text = texts[next++ % 8];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof texts[0], format, arguments);
    va_end(arguments);
    return text;
}
