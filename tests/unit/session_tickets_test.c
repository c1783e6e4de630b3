/* SPDX-License-Identifier: Apache-2.0 */
/* Which sessions are resumed, with real handshakes in memory. */
#include "proxy/session_tickets.h"

#include <openssl/ec.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint8_t key_a[SESSION_TICKETS_KEY_SIZE] = "a: name of a key";
static const uint8_t key_b[SESSION_TICKETS_KEY_SIZE] = "b: name of a key";
static const uint8_t key_c[SESSION_TICKETS_KEY_SIZE] = "c: name of a key";

/* A worker, as far as sessions go. */
struct host {
    struct session_tickets *tickets;
    SSL_CTX *context;
};

static EVP_PKEY *leaf_key;
static X509 *leaf;
static SSL_CTX *client_context;
static SSL_SESSION *given; /* what the client could resume last */

static void make_leaf(void)
{
    leaf_key = EVP_EC_gen("P-256");
    leaf = X509_new();
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(leaf), -3600));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(leaf), 3600));
    assert_int_equal(X509_set_pubkey(leaf, leaf_key), 1);
    assert_true(X509_sign(leaf, leaf_key, EVP_sha256()) > 0);
}

static int set_up(void **state)
{
    (void)state;
    if (sodium_init() < 0)
        return -1;
    make_leaf();
    client_context = SSL_CTX_new(TLS_client_method());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    SSL_SESSION_free(given);
    SSL_CTX_free(client_context);
    X509_free(leaf);
    EVP_PKEY_free(leaf_key);
    return 0;
}

static struct host host_new(int version)
{
    struct host host;

    assert_int_equal(session_tickets_new(&host.tickets), OK);
    host.context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_session_cache_mode(host.context, SSL_SESS_CACHE_OFF);
    assert_int_equal(SSL_CTX_use_certificate(host.context, leaf), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(host.context, leaf_key), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(host.context, version), 1);
    assert_int_equal(session_tickets_attach(host.tickets, host.context), OK);
    return host;
}

static void host_clear(struct host *host)
{
    SSL_CTX_free(host->context);
    session_tickets_free(host->tickets);
}

static SSL *end_new(SSL_CTX *context, BIO *in, BIO *out)
{
    SSL *ssl = SSL_new(context);

    BIO_up_ref(in);
    BIO_up_ref(out);
    SSL_set_bio(ssl, in, out);
    return ssl;
}

/* One connection from `bound_to`; whether it resumed `session`. What it was given is in `given`. */
static bool connect_to(struct host *host, SSL_SESSION *session, const char *bound_to)
{
    BIO *up = BIO_new(BIO_s_mem()), *down = BIO_new(BIO_s_mem());
    SSL *client = end_new(client_context, down, up), *server = end_new(host->context, up, down);
    char byte;

    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    assert_int_equal(SSL_set_session_id_context(server, (const uint8_t *)bound_to, 1), 1);
    if (session != NULL)
        assert_int_equal(SSL_set_session(client, session), 1);
    for (int i = 0; i < 4; i++) {
        (void)SSL_do_handshake(client);
        (void)SSL_do_handshake(server);
    }
    assert_int_equal(SSL_write(server, "x", 1), 1);
    assert_int_equal(SSL_read(client, &byte, 1), 1);
    bool is_resumed = SSL_session_reused(client) == 1;
    SSL_SESSION_free(given);
    given = SSL_get1_session(client);
    SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(client);
    SSL_free(server);
    BIO_free(up);
    BIO_free(down);
    return is_resumed;
}

/* A session that was begun with this host. */
static SSL_SESSION *begin(struct host *host)
{
    assert_false(connect_to(host, NULL, "s"));
    assert_true(SSL_SESSION_is_resumable(given));
    SSL_SESSION_up_ref(given);
    return given;
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void a_session_outlives_one_rotation_and_not_two(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct host host = host_new(versions[i]);

        session_tickets_rotate(host.tickets, key_a);
        SSL_SESSION *session = begin(&host);
        assert_true(connect_to(&host, session, "s"));
        session_tickets_rotate(host.tickets, key_b);
        assert_true(connect_to(&host, session, "s"));
        session_tickets_rotate(host.tickets, key_c);
        assert_false(connect_to(&host, session, "s"));
        SSL_SESSION_free(session);
        host_clear(&host);
    }
}

static void a_resumed_session_gets_a_ticket_of_the_key_in_use(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct host host = host_new(versions[i]);

        session_tickets_rotate(host.tickets, key_a);
        SSL_SESSION *session = begin(&host);
        session_tickets_rotate(host.tickets, key_b);
        assert_true(connect_to(&host, session, "s"));
        session_tickets_rotate(host.tickets, key_c);
        SSL_SESSION_free(session);
        session = given;
        SSL_SESSION_up_ref(session);
        assert_true(connect_to(&host, session, "s"));
        SSL_SESSION_free(session);
        host_clear(&host);
    }
}

static void any_worker_resumes_what_another_began(void **state)
{
    struct host first = host_new(TLS1_3_VERSION), second = host_new(TLS1_3_VERSION);

    (void)state;
    session_tickets_rotate(first.tickets, key_a);
    session_tickets_rotate(second.tickets, key_a);
    SSL_SESSION *session = begin(&first);
    session_tickets_rotate(second.tickets, key_b); /* it hears of it first */
    assert_true(connect_to(&second, session, "s"));
    SSL_SESSION_free(session);
    host_clear(&first);
    host_clear(&second);
}

static void the_key_in_use_again_changes_nothing(void **state)
{
    struct host host = host_new(TLS1_3_VERSION);

    (void)state;
    session_tickets_rotate(host.tickets, key_a);
    SSL_SESSION *session = begin(&host);
    session_tickets_rotate(host.tickets, key_b);
    session_tickets_rotate(host.tickets, key_b);
    assert_true(connect_to(&host, session, "s"));
    SSL_SESSION_free(session);
    host_clear(&host);
}

static void a_session_is_not_resumed_where_it_does_not_belong(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct host host = host_new(versions[i]);

        session_tickets_rotate(host.tickets, key_a);
        SSL_SESSION *session = begin(&host);
        assert_false(connect_to(&host, session, "t"));
        SSL_SESSION_free(session);
        host_clear(&host);
    }
}

static void without_a_key_there_is_no_resumption(void **state)
{
    struct host keyed = host_new(TLS1_3_VERSION), none = host_new(TLS1_3_VERSION);

    (void)state;
    assert_false(session_tickets_have_key(none.tickets));
    session_tickets_rotate(keyed.tickets, key_a);
    assert_true(session_tickets_have_key(keyed.tickets));
    SSL_SESSION *session = begin(&keyed);
    assert_false(connect_to(&none, session, "s"));
    SSL_SESSION_free(session);
    host_clear(&keyed);
    host_clear(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_outlives_one_rotation_and_not_two),
        cmocka_unit_test(a_resumed_session_gets_a_ticket_of_the_key_in_use),
        cmocka_unit_test(any_worker_resumes_what_another_began),
        cmocka_unit_test(the_key_in_use_again_changes_nothing),
        cmocka_unit_test(a_session_is_not_resumed_where_it_does_not_belong),
        cmocka_unit_test(without_a_key_there_is_no_resumption),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
