/* SPDX-License-Identifier: Apache-2.0 */
/* Session tickets, sealed and opened. Never opens one whose key was replaced twice. */
#include "proxy/session_tickets.h"

#include <openssl/core_names.h>
#include <sodium.h>
#include <string.h>

enum { NAME_SIZE = 16, SECRET_SIZE = 32, KEYS = 2 };

struct ticket_key {
    uint8_t name[NAME_SIZE], hmac[SECRET_SIZE], aes[SECRET_SIZE];
};

_Static_assert(sizeof(struct ticket_key) == SESSION_TICKETS_KEY_SIZE, "no padding");

struct session_tickets {
    struct ticket_key keys[KEYS]; /* in use, former */
    size_t count;
};

/* What OpenSSL makes of the callback's answer. */
enum answer { ANSWER_ERROR = -1, ANSWER_UNKNOWN, ANSWER_USE, ANSWER_USE_AND_RENEW };

enum error session_tickets_new(struct session_tickets **out)
{
    /* It ends where a page does, so it is aligned. */
    struct session_tickets *tickets = sodium_malloc(sizeof(*tickets));

    if (tickets == NULL)
        return ERR_NO_MEMORY;
    memset(tickets, 0, sizeof(*tickets));
    *out = tickets;
    return OK;
}

void session_tickets_free(struct session_tickets *tickets)
{
    sodium_free(tickets);
}

bool session_tickets_have_key(const struct session_tickets *tickets)
{
    return tickets->count > 0;
}

void session_tickets_rotate(struct session_tickets *tickets,
                            const uint8_t key[SESSION_TICKETS_KEY_SIZE])
{
    struct ticket_key *in_use = &tickets->keys[0];

    if (tickets->count > 0 && sodium_memcmp(in_use, key, sizeof(*in_use)) == 0)
        return;
    tickets->keys[1] = *in_use;
    memcpy(in_use, key, sizeof(*in_use));
    if (tickets->count < KEYS)
        tickets->count++;
}

static const struct ticket_key *find(const struct session_tickets *tickets, const uint8_t *name)
{
    for (size_t i = 0; i < tickets->count; i++)
        if (memcmp(tickets->keys[i].name, name, NAME_SIZE) == 0)
            return &tickets->keys[i];
    return NULL;
}

static bool set_mac(EVP_MAC_CTX *mac, const struct ticket_key *key)
{
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key->hmac, SECRET_SIZE),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

static enum answer seal(const struct ticket_key *key, uint8_t *iv, EVP_CIPHER_CTX *cipher,
                        EVP_MAC_CTX *mac)
{
    randombytes_buf(iv, (size_t)EVP_CIPHER_get_iv_length(EVP_aes_256_cbc()));
    if (EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), key->aes, iv, NULL) != 1)
        return ANSWER_ERROR;
    return set_mac(mac, key) ? ANSWER_USE : ANSWER_ERROR;
}

static enum answer unseal(const struct ticket_key *key, const uint8_t *iv, EVP_CIPHER_CTX *cipher,
                          EVP_MAC_CTX *mac)
{
    if (EVP_DecryptInit_ex2(cipher, EVP_aes_256_cbc(), key->aes, iv, NULL) != 1)
        return ANSWER_ERROR;
    return set_mac(mac, key) ? ANSWER_USE : ANSWER_ERROR;
}

/* A ticket of TLS 1.3 is for one use (RFC 8446, C.4), one of the former key is soon for none. */
static bool is_to_be_renewed(const struct session_tickets *tickets, const struct ticket_key *key,
                             const SSL *ssl)
{
    return key != &tickets->keys[0] || SSL_version(ssl) == TLS1_3_VERSION;
}

/* NOLINTNEXTLINE(readability-function-size): the library's signature */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int is_new)
{
    const struct session_tickets *tickets = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const struct ticket_key *key = is_new != 0 ? &tickets->keys[0] : find(tickets, name);

    if (key == NULL || tickets->count == 0)
        return ANSWER_UNKNOWN;
    if (is_new != 0) {
        memcpy(name, key->name, NAME_SIZE);
        return seal(key, iv, cipher, mac);
    }
    enum answer answer = unseal(key, iv, cipher, mac);
    return answer == ANSWER_USE && is_to_be_renewed(tickets, key, ssl) ? ANSWER_USE_AND_RENEW
                                                                       : answer;
}

enum error session_tickets_attach(struct session_tickets *tickets, SSL_CTX *context)
{
    return SSL_CTX_set_app_data(context, tickets) == 1 &&
                   SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket) == 1
               ? OK
               : ERR_CRYPTO;
}
