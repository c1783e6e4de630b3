/* SPDX-License-Identifier: Apache-2.0 */
/* Verified TLS toward origins. Never accepts what it cannot verify. */
#include "proxy/upstream/upstream_tls.h"

#include "observe/metrics.h"
#include "proxy/upstream/own_ca.h"
#include "proxy/upstream/upstream_ocsp.h"
#include "proxy/upstream/upstream_rules.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>

/* TLS 1.2: ephemeral keys and AEAD only (RFC 9325, 4.2). */
#define TLS12_CIPHERS                                                                              \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"     \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define TLS13_CIPHERS "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

static uint64_t current_tag(const struct upstream *upstream)
{
    const struct sandbox *sandbox = upstream->sandbox;

    return upstream_rules_tag(sandbox->proxy->upstream_rules, sandbox->view, &upstream->target);
}

bool upstream_tls_is_current(const struct upstream *upstream)
{
    return upstream->tls_tag == 0 || upstream->tls_tag == current_tag(upstream);
}

/* A session vouches for the origin, and for us: it is of no use where others are to do that. Where
 * its tag is kept; -1: nowhere. */
static int tag_index(void)
{
    static int index = -1;

    if (index < 0)
        index = SSL_SESSION_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    return index;
}

/* Takes the reference. */
static void save_session(struct upstream *upstream, SSL_SESSION *session)
{
    void *tag = (void *)(uintptr_t)upstream->tls_tag;

    if (upstream_tls_is_current(upstream) &&
        SSL_SESSION_set_ex_data(session, tag_index(), tag) == 1)
        sandbox_save_session(upstream->sandbox, &upstream->target, session);
    else
        SSL_SESSION_free(session);
}

static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
    struct upstream *upstream = SSL_get_app_data(ssl);

    /* Before the staple was looked at nothing may be saved: resuming skips that. */
    if (upstream == NULL || upstream->state != UPSTREAM_OPEN)
        return 0;
    save_session(upstream, session);
    return 1; /* the reference was taken */
}

/* A chain that holds is refused where it is of our own CA: whoever lists our root among those to
 * trust would else let anybody with a leaf of ours be every origin. Here, and not after the
 * handshake, since by then the origin knows our certificate. */
static int on_verify(X509_STORE_CTX *store, void *argument UNUSED)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct upstream *upstream = SSL_get_app_data(ssl);
    int verdict = X509_verify_cert(store);

    if (verdict != 1 ||
        !own_ca_is_in(upstream->sandbox->proxy->own_ca, X509_STORE_CTX_get0_chain(store)))
        return verdict;
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

static enum error set_verification(SSL_CTX *context, X509_STORE *trust)
{
    X509_VERIFY_PARAM *parameters = SSL_CTX_get0_param(context);

    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, on_verify, NULL);
    SSL_CTX_set1_cert_store(context, trust);
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT | X509_V_FLAG_TRUSTED_FIRST);
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set_auth_level(parameters, 2);
    return X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER) == 1 ? OK
                                                                                   : ERR_CRYPTO;
}

static enum error set_protocol(SSL_CTX *context)
{
    SSL_CTX_set_options(context,
                        SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_security_level(context, 2);
    SSL_CTX_set_session_cache_mode(context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(context, on_new_session);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, TLS12_CIPHERS) != 1 ||
        SSL_CTX_set_ciphersuites(context, TLS13_CIPHERS) != 1 ||
        SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") != 1)
        return ERR_CRYPTO;
    return OK;
}

enum error upstream_tls_context(X509_STORE *trust, SSL_CTX **out)
{
    static const unsigned char alpn[] = "\x02h2\x08http/1.1";
    OWNED(SSL_CTX) *context = SSL_CTX_new(TLS_client_method());

    if (context == NULL)
        return ERR_NO_MEMORY;
    TRY(set_protocol(context));
    TRY(set_verification(context, trust));
    TRY(upstream_ocsp_enable(context));
    if (SSL_CTX_set_alpn_protos(context, alpn, sizeof(alpn) - 1) != 0)
        return ERR_CRYPTO;
    *out = TAKE(context);
    return OK;
}

/* A name is checked as a name, a literal as an address, never one as the other. */
static bool expect_identity(SSL *ssl, const struct host_name *host)
{
    X509_VERIFY_PARAM *parameters = SSL_get0_param(ssl);

    if (host_name_is_literal(host))
        return X509_VERIFY_PARAM_set1_ip(parameters, host->literal.bytes, host->literal.len) == 1;
    return X509_VERIFY_PARAM_set1_host(parameters, host->text, host->len) == 1 &&
           SSL_set_tlsext_host_name(ssl, host->text) == 1;
}

static bool offer_h1_only(SSL *ssl)
{
    static const unsigned char alpn[] = "\x08http/1.1";

    return SSL_set_alpn_protos(ssl, alpn, sizeof(alpn) - 1) == 0;
}

static void offer_session(struct upstream *upstream, SSL *ssl)
{
    SSL_SESSION *session = sandbox_session(upstream->sandbox, &upstream->target);

    if (session == NULL)
        return;
    if ((uintptr_t)SSL_SESSION_get_ex_data(session, tag_index()) == upstream->tls_tag)
        SSL_set_session(ssl, session);
    SSL_SESSION_free(session);
}

enum error upstream_tls_start(struct upstream *upstream)
{
    const struct sandbox *sandbox = upstream->sandbox;
    SSL *ssl = SSL_new(sandbox->proxy->upstream_tls);

    if (ssl == NULL)
        return ERR_NO_MEMORY;
    SSL_set_connect_state(ssl);
    SSL_set_app_data(ssl, upstream);
    TRY(leg_start_tls(&upstream->leg, ssl));
    upstream->tls_tag = current_tag(upstream);
    TRY(upstream_rules_apply(sandbox->proxy->upstream_rules, sandbox->view, &upstream->target,
                             ssl));
    if (!expect_identity(ssl, &upstream->target.host))
        return ERR_CRYPTO;
    if (upstream->use == UPSTREAM_FOR_UPGRADE && !offer_h1_only(ssl))
        return ERR_CRYPTO;
    offer_session(upstream, ssl);
    return OK;
}

/* That of TLS 1.2 is complete with the handshake; those of 1.3 come later. */
static void save_early_session(struct upstream *upstream)
{
    SSL_SESSION *session = SSL_get1_session(upstream->leg.ssl);

    if (session != NULL && SSL_SESSION_is_resumable(session))
        save_session(upstream, session);
    else
        SSL_SESSION_free(session);
}

bool upstream_tls_check(struct upstream *upstream, char *why, size_t why_size)
{
    SSL *ssl = upstream->leg.ssl;

    if (SSL_session_reused(ssl)) {
        metrics_add(METRIC_UPSTREAM_RESUMED, 1);
        return true;
    }
    if (!upstream_ocsp_check(ssl, why, why_size))
        return false;
    save_early_session(upstream);
    return true;
}

void upstream_tls_explain(const struct upstream *upstream, char *why, size_t why_size)
{
    long verify = SSL_get_verify_result(upstream->leg.ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    if (verify == X509_V_ERR_APPLICATION_VERIFICATION)
        snprintf(why, why_size,
                 "certificate: issued by the proxy's own CA, which vouches for none");
    else if (verify != X509_V_OK)
        snprintf(why, why_size, "certificate: %s", X509_verify_cert_error_string(verify));
    else
        snprintf(why, why_size, "%s",
                 reason != NULL ? reason : "the host closed during the TLS handshake");
    ERR_clear_error();
}

static struct slice agreed_protocol(const struct upstream *upstream)
{
    const unsigned char *protocol;
    unsigned len;

    SSL_get0_alpn_selected(upstream->leg.ssl, &protocol, &len);
    return slice_of(protocol, len);
}

bool upstream_tls_speaks_h2(const struct upstream *upstream)
{
    return slice_equals(agreed_protocol(upstream), SLICE("h2"));
}

bool upstream_tls_has_agreed(const struct upstream *upstream)
{
    return agreed_protocol(upstream).len > 0;
}

bool upstream_tls_trusts(const struct upstream *upstream)
{
    return SSL_get_verify_result(upstream->leg.ssl) == X509_V_OK;
}
