/* SPDX-License-Identifier: Apache-2.0 */
/* Identity from the socket or a credential. Never trusts any other header. */
#include "proxy/identify.h"

#include <sodium.h>

enum { CREDENTIALS_MAX = 512 };

struct credentials {
    char text[CREDENTIALS_MAX];
    struct slice sandbox_id, token; /* into text */
};

/* Basic base64(id:token), RFC 7617. False: there are none, or they do not parse. */
static bool parse_credentials(const struct http_head *head, struct credentials *out)
{
    const struct http_field *field = http_head_find(head, SLICE("proxy-authorization"));
    size_t len;

    if (field == NULL || !slice_starts_with_nocase(field->value, SLICE("basic ")))
        return false;
    struct slice encoded = slice_trim(slice_skip(field->value, 6));
    if (sodium_base642bin((unsigned char *)out->text, sizeof(out->text), encoded.data, encoded.len,
                          NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
        return false;
    out->token = slice_of(out->text, len);
    out->sandbox_id = slice_split(&out->token, ':');
    return true;
}

static bool token_is_right(const struct view *view, struct slice token)
{
    unsigned char hash[VIEW_HASH_SIZE];

    crypto_generichash(hash, sizeof(hash), (const unsigned char *)token.data, token.len, NULL, 0);
    return sodium_memcmp(hash, view->proxy_token_hash, sizeof(hash)) == 0;
}

static enum identify_result refuse(enum refusal_code *out, enum refusal_code code)
{
    *out = code;
    return IDENTIFY_REFUSED;
}

/* Waits for the view, or says that there is none. */
static enum identify_result look_up(struct connection *connection, struct slice id,
                                    struct sandbox **out, enum refusal_code *code)
{
    struct sandbox *sandbox = sandbox_find(connection->proxy, id, &connection->waiter);

    if (sandbox == NULL)
        return refuse(code, REFUSAL_IDENTITY_INVALID);
    switch (sandbox->state) {
    case SANDBOX_ASKED:
        return IDENTIFY_WAIT;
    case SANDBOX_KNOWN:
        *out = sandbox;
        return sandbox->is_gone ? refuse(code, REFUSAL_IDENTITY_INVALID) : IDENTIFY_KNOWN;
    case SANDBOX_UNKNOWN:
        sandbox_forget_unknown(sandbox);
        return refuse(code, REFUSAL_IDENTITY_INVALID);
    default:
        sandbox_forget_unknown(sandbox);
        return refuse(code, REFUSAL_OVERLOADED);
    }
}

/* The socket says who it is; credentials, where there are some, must say the same. */
static enum identify_result by_socket(struct connection *connection, struct slice id,
                                      const struct http_head *head, struct sandbox **out,
                                      enum refusal_code *code)
{
    bool has_field = head != NULL && http_head_find(head, SLICE("proxy-authorization")) != NULL;
    struct credentials credentials;

    enum identify_result result = look_up(connection, id, out, code);
    if (result != IDENTIFY_KNOWN || !has_field)
        return result;
    if (!parse_credentials(head, &credentials) || !slice_equals(credentials.sandbox_id, id) ||
        !token_is_right((*out)->view, credentials.token))
        return refuse(code, REFUSAL_IDENTITY_INVALID);
    return IDENTIFY_KNOWN;
}

static enum identify_result by_credentials(struct connection *connection,
                                           const struct http_head *head, struct sandbox **out,
                                           enum refusal_code *code)
{
    struct credentials credentials;

    if (head == NULL || http_head_find(head, SLICE("proxy-authorization")) == NULL)
        return refuse(code, REFUSAL_IDENTITY_REQUIRED);
    if (!parse_credentials(head, &credentials))
        return refuse(code, REFUSAL_IDENTITY_INVALID);
    enum identify_result result = look_up(connection, credentials.sandbox_id, out, code);
    if (result != IDENTIFY_KNOWN)
        return result;
    /* A sandbox with an address must come from it. */
    if (!token_is_right((*out)->view, credentials.token) || (*out)->view->source.len != 0)
        return refuse(code, REFUSAL_IDENTITY_INVALID);
    return IDENTIFY_KNOWN;
}

static enum identify_result by_source(struct connection *connection, const struct http_head *head,
                                      struct sandbox **out, enum refusal_code *code)
{
    struct source *source =
        source_find(connection->proxy, &connection->client.address, &connection->waiter);

    if (source == NULL)
        return refuse(code, REFUSAL_OVERLOADED);
    switch (source->state) {
    case SOURCE_ASKED:
        return IDENTIFY_WAIT;
    case SOURCE_REGISTERED:
        return by_socket(connection, slice_of(source->sandbox_id, source->sandbox_id_len), head,
                         out, code);
    case SOURCE_FREE:
        return by_credentials(connection, head, out, code);
    default:
        source_forget_unavailable(source);
        return refuse(code, REFUSAL_OVERLOADED);
    }
}

enum identify_result identify_client(struct connection *connection, const struct http_head *head,
                                     struct sandbox **out, enum refusal_code *code)
{
    struct slice listener =
        slice_of(connection->listener_sandbox, connection->listener_sandbox_len);

    if (head != NULL && http_head_count(head, SLICE("proxy-authorization")) > 1)
        return refuse(code, REFUSAL_IDENTITY_INVALID);
    if (listener.len > 0)
        return by_socket(connection, listener, head, out, code);
    return by_source(connection, head, out, code);
}
