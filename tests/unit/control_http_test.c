/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server of the control API, by the bytes. */

#include "ca/ca.h"
#include "control_fixture.h"

#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static size_t count_of(const char *text, const char *needle)
{
    size_t count = 0;
    while ((text = strstr(text, needle)) != NULL) {
        count++;
        text++;
    }
    return count;
}

/* Sends, and expects an answer that begins with `status` and contains `words`. */
static void expect_raw(void **state, const char *bytes, const char *status, const char *words)
{
    char *answer = fixture_send_raw(*state, bytes);
    if (strncmp(answer, status, strlen(status)) != 0 || strstr(answer, words) == NULL)
        print_error("%s\n-> %s\n", bytes, answer);
    assert_memory_equal(answer, status, strlen(status));
    assert_non_null(strstr(answer, words));
    free(answer);
}

static void health_needs_no_key(void **state)
{
    expect_raw(state, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
               "HTTP/1.1 200", "\"status\":\"ok\"");
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    char *answer = fixture_send_raw(*state, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
                                            "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
                                            "GET /readyz HTTP/1.1\r\nHost: x\r\n"
                                            "Connection: close\r\n\r\n");
    const char *first = strstr(answer, "\"ok\"");
    const char *second = strstr(answer, "not_found");
    const char *third = strstr(answer, "\"ready\"");
    assert_int_equal(count_of(answer, "HTTP/1.1 "), 3);
    assert_true(first != NULL && second > first && third > second);
    free(answer);
}

static void head_has_no_body(void **state)
{
    char *answer =
        fixture_send_raw(*state, "HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(answer, "Content-Length: "));
    assert_null(strstr(answer, "status"));
    free(answer);
}

static void the_wrong_method_is_405_with_allow(void **state)
{
    expect_raw(state, "DELETE /api/secret-stores HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
               "HTTP/1.1 405", "Allow: POST, GET");
}

static void an_unknown_path_is_404(void **state)
{
    expect_raw(state, "GET /api/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
               "HTTP/1.1 404", "\"code\":\"not_found\"");
}

static void no_key_is_401_and_says_what_is_needed(void **state)
{
    expect_raw(state, "GET /api/sandboxes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
               "HTTP/1.1 401", "X-API-Key");
}

static void two_keys_are_none(void **state)
{
    struct fixture *fixture = *state;
    expect_raw(state,
               text_of("GET /api/sandboxes HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\n"
                       "X-API-Key: %s\r\nConnection: close\r\n\r\n",
                       fixture->first_key, fixture->first_key),
               "HTTP/1.1 401", "unauthorized");
}

static void a_bearer_key_is_as_good(void **state)
{
    struct fixture *fixture = *state;
    expect_raw(state,
               text_of("GET /api/sandboxes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
                       "Connection: close\r\n\r\n",
                       fixture->first_key),
               "HTTP/1.1 200", "[]");
}

static void an_announced_body_that_is_too_large_is_413_at_once(void **state)
{
    expect_raw(state, "POST /api/sandboxes HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n",
               "HTTP/1.1 413", "body_too_large");
}

static void a_chunked_body_that_grows_too_large_is_413(void **state)
{
    enum { SIZE = 0x110000 };
    char *request = malloc(SIZE + 256);
    int head = sprintf(request, "POST /api/sandboxes HTTP/1.1\r\nHost: x\r\n"
                                "Transfer-Encoding: chunked\r\n\r\n110000\r\n");
    memset(request + head, ' ', SIZE);
    strcpy(request + head + SIZE, "\r\n0\r\n\r\n");
    expect_raw(state, request, "HTTP/1.1 413", "body_too_large");
    free(request);
}

static void malformed_requests_are_refused_and_closed(void **state)
{
    static const char *const requests[] = {
        "GET /healthz HTTP/1.1\nHost: x\n\n",
        "GET /healthz HTTP/1.1\r\n\r\n",
        "GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "POST /api/sandboxes HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(requests); i++)
        expect_raw(state, requests[i], "HTTP/1.1 400", "bad_request");
}

static void connect_is_refused(void **state)
{
    expect_raw(state, "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
               "HTTP/1.1 405", "method_not_allowed");
}

static void a_client_that_expects_it_is_told_to_continue(void **state)
{
    struct fixture *fixture = *state;
    char *answer =
        fixture_send_raw(fixture, text_of("POST /api/orgs HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\n"
                                          "Expect: 100-continue\r\nContent-Length: 2\r\n"
                                          "Connection: close\r\n\r\n{}",
                                          fixture->first_key));
    assert_memory_equal(answer, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400", 37);
    free(answer);
}

static void what_is_no_json_object_is_400(void **state)
{
    fixture_refused(*state, 400, "must be a JSON object", "POST", "/api/secret-stores", "[1]");
    expect_raw(state,
               text_of("POST /api/secret-stores HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\n"
                       "Content-Length: 5\r\nConnection: close\r\n\r\n{\"a\":",
                       ((struct fixture *)*state)->first_key),
               "HTTP/1.1 400", "not valid JSON");
}

static void a_badly_escaped_path_is_400(void **state)
{
    fixture_refused(*state, 400, "escaped", "GET", "/api/sandboxes/%zz", NULL);
}

static void the_local_socket_needs_no_key(void **state)
{
    struct client_answer answer = fixture_ask_locally(*state, NULL, "GET", "/api/orgs", NULL);
    assert_int_equal(answer.status, 200);
    assert_int_equal(json_array_size(answer.body), 1);
    client_answer_clear(&answer);
}

/* In another user namespace, on a socket that was connected from there. Exits 0 when refused. */
static int ask_from_a_namespace_below(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    static const char request[] = "GET /api/orgs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    char answer[16];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    memcpy(address.sun_path, path, strlen(path));
    if (unshare(CLONE_NEWUSER) != 0)
        return 77;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        return 1;
    if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
        return 0;
    return recv(fd, answer, sizeof answer, 0) > 0 ? 1 : 0;
}

static void a_peer_in_another_user_namespace_is_refused(void **state)
{
    struct fixture *fixture = *state;
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(ask_from_a_namespace_below(fixture->socket_path));
    while (waitpid(child, &status, WNOHANG) == 0)
        fixture_pump(fixture);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip(); /* no user namespaces for us here */
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* A context for 127.0.0.1, and the root that vouches for it in the file at `ca_path`. */
static SSL_CTX *make_tls(const char *ca_path)
{
    OWNED_STRUCT(buffer) *pem = &(struct buffer){.limit = 16384};
    OWNED_STRUCT(ca_root) *root = NULL;
    OWNED(EVP_PKEY) *key = EVP_EC_gen("P-256");
    OWNED(X509) *leaf = NULL;
    struct host_name host;
    assert_int_equal(host_name_parse(SLICE("127.0.0.1"), &host), OK);
    assert_int_equal(root_create(time(NULL), &root), OK);
    assert_int_equal(leaf_mint(root, key, &host, time(NULL), &leaf), OK);
    assert_int_equal(root_certificate_pem(root, pem), OK);
    FILE *file = fopen(ca_path, "w");
    fwrite(buffer_view(pem).data, 1, buffer_len(pem), file);
    fclose(file);
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    unsigned char *der = NULL; /* as it travels from the keyholder */
    int len = i2d_X509(leaf, &der);
    assert_int_equal(SSL_CTX_use_certificate_ASN1(tls, len, der), 1);
    OPENSSL_free(der);
    assert_int_equal(SSL_CTX_use_PrivateKey(tls, key), 1);
    return tls;
}

static int listen_on_loopback(char url[64])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    snprintf(url, 64, "https://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    return fd;
}

static void tls_is_spoken_and_verified(void **state)
{
    struct fixture *fixture = *state;
    char url[64];
    const char *ca_path = text_of("%s/root.pem", fixture->directory);
    SSL_CTX *tls = make_tls(ca_path);
    assert_int_equal(control_listen(fixture->control, listen_on_loopback(url), CONTROL_TCP, tls),
                     OK);
    SSL_CTX_free(tls);
    struct fixture_call call = {
        .client = {.url = url, .api_key = fixture->first_key, .ca_file = ca_path},
        .request = {.method = "GET", .path = "/ca-bundle.pem"},
    };
    assert_int_equal(fixture_run(fixture, &call), OK);
    assert_int_equal(call.answer.status, 200);
    client_answer_clear(&call.answer);
    call.client.ca_file = NULL;
    assert_int_equal(fixture_run(fixture, &call), ERR_TLS_UNTRUSTED);
    client_answer_clear(&call.answer);
    unlink(ca_path);
}

static void a_key_is_not_sent_in_the_clear_to_strangers(void **state)
{
    struct fixture_call call = {
        .client = {.url = "http://192.0.2.1:3180", .api_key = "sgk_x"},
        .request = {.method = "GET", .path = "/api/orgs"},
    };
    assert_int_equal(fixture_run(*state, &call), ERR_FORBIDDEN);
    client_answer_clear(&call.answer);
}

static void on_drained(void *argument)
{
    *(bool *)argument = true;
}

static void draining_closes_idle_connections_and_ends(void **state)
{
    struct fixture *fixture = *state;
    bool drained = false;
    fixture_expect(fixture, 200, "GET", "/healthz", NULL);
    control_drain(fixture->control, on_drained, &drained);
    for (int i = 0; i < 100 && !drained; i++)
        fixture_pump(fixture);
    assert_true(drained);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(health_needs_no_key),
        TEST(pipelined_requests_are_answered_in_order),
        TEST(head_has_no_body),
        TEST(the_wrong_method_is_405_with_allow),
        TEST(an_unknown_path_is_404),
        TEST(no_key_is_401_and_says_what_is_needed),
        TEST(two_keys_are_none),
        TEST(a_bearer_key_is_as_good),
        TEST(an_announced_body_that_is_too_large_is_413_at_once),
        TEST(a_chunked_body_that_grows_too_large_is_413),
        TEST(malformed_requests_are_refused_and_closed),
        TEST(connect_is_refused),
        TEST(a_client_that_expects_it_is_told_to_continue),
        TEST(what_is_no_json_object_is_400),
        TEST(a_badly_escaped_path_is_400),
        TEST(the_local_socket_needs_no_key),
        TEST(a_peer_in_another_user_namespace_is_refused),
        TEST(tls_is_spoken_and_verified),
        TEST(a_key_is_not_sent_in_the_clear_to_strangers),
        TEST(draining_closes_idle_connections_and_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
