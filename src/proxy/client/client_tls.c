/* SPDX-License-Identifier: Apache-2.0 */
/* TLS toward clients. Never shows a certificate for a name that was not decided on. */
#include "proxy/client/client_tls.h"

#include "proxy/client/client_leaf.h"
#include "proxy/session_tickets.h"

#include <sodium.h>

#define TLS12_CIPHERS                                                                              \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305"

/* Runs when the ClientHello is there. -1 suspends the handshake until the leaf is minted. */
static int on_certificate_wanted(SSL *ssl, UNUSED void *argument)
{
    struct connection *connection = SSL_get_app_data(ssl);
    struct proxy *proxy = connection->proxy;
    X509 *leaf;

    switch (client_leaf_get(proxy, &connection->tunnel.host, &connection->waiter, &leaf)) {
    case CLIENT_LEAF_ASKED:
        return -1;
    case CLIENT_LEAF_READY:
        return SSL_use_certificate(ssl, leaf) == 1 && SSL_use_PrivateKey(ssl, proxy->leaf_key) == 1;
    default:
        return 0;
    }
}

static int on_alpn_offered(UNUSED SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned int in_len, UNUSED void *argument)
{
    static const unsigned char spoken[] = "\x02h2\x08http/1.1";
    unsigned char *chosen;

    if (SSL_select_next_proto(&chosen, out_len, spoken, sizeof(spoken) - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* A ticket opens only in the context it was made in. */
static bool bind_sessions(SSL *ssl, const struct connection *connection)
{
    unsigned char id[SSL_MAX_SID_CTX_LENGTH];
    crypto_generichash_state state;
    const struct sandbox *sandbox = connection->sandbox;
    const struct authority *tunnel = &connection->tunnel;

    crypto_generichash_init(&state, NULL, 0, sizeof(id));
    crypto_generichash_update(&state, (const unsigned char *)sandbox->id, sandbox->id_len);
    crypto_generichash_update(&state, (const unsigned char *)"|", 1);
    crypto_generichash_update(&state, (const unsigned char *)tunnel->host.text, tunnel->host.len);
    crypto_generichash_update(&state, (const unsigned char *)&tunnel->port, sizeof(tunnel->port));
    crypto_generichash_final(&state, id, sizeof(id));
    return SSL_set_session_id_context(ssl, id, sizeof(id)) == 1;
}

/* Only so that the client's SNI can be read later: the decided name is served in any case. */
static int on_server_name(UNUSED SSL *ssl, UNUSED int *alert, UNUSED void *argument)
{
    return SSL_TLSEXT_ERR_OK;
}

static enum error set_protocol(SSL_CTX *context)
{
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_timeout(context, 2 * 3600);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, TLS12_CIPHERS) != 1)
        return ERR_CRYPTO;
    return OK;
}

enum error client_tls_context(EVP_PKEY *leaf_key, struct session_tickets *tickets, SSL_CTX **out)
{
    OWNED(SSL_CTX) *context = SSL_CTX_new(TLS_server_method());

    if (context == NULL || leaf_key == NULL)
        return ERR_NO_MEMORY;
    TRY(set_protocol(context));
    TRY(session_tickets_attach(tickets, context));
    SSL_CTX_set_cert_cb(context, on_certificate_wanted, NULL);
    SSL_CTX_set_alpn_select_cb(context, on_alpn_offered, NULL);
    SSL_CTX_set_tlsext_servername_callback(context, on_server_name);
    *out = TAKE(context);
    return OK;
}

enum error client_tls_start(struct connection *connection)
{
    SSL *ssl = SSL_new(connection->proxy->client_tls);

    if (ssl == NULL)
        return ERR_NO_MEMORY;
    SSL_set_accept_state(ssl);
    SSL_set_app_data(ssl, connection);
    TRY(leg_start_tls(&connection->leg, ssl));
    return bind_sessions(ssl, connection) ? OK : ERR_CRYPTO;
}

bool client_tls_sni(const struct connection *connection, struct host_name *out, bool *has_sni)
{
    const char *name = SSL_get_servername(connection->leg.ssl, TLSEXT_NAMETYPE_host_name);

    *has_sni = name != NULL;
    return name == NULL || host_name_parse(slice_from_string(name), out) == OK;
}

bool client_tls_speaks_h2(const struct connection *connection)
{
    const unsigned char *protocol;
    unsigned len;

    SSL_get0_alpn_selected(connection->leg.ssl, &protocol, &len);
    return slice_equals(slice_of(protocol, len), SLICE("h2"));
}
