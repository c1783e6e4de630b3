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

static enum identify_result by_source(struct connection *connection, struct source *source,
                                      const struct http_head *head, struct sandbox **out,
                                      enum refusal_code *code)
{
    struct slice id = slice_of(source->sandbox_id, source->sandbox_id_len);
    bool has_field = http_head_find(head, SLICE("proxy-authorization")) != NULL;
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

    if (http_head_find(head, SLICE("proxy-authorization")) == NULL)
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

enum identify_result identify_client(struct connection *connection, const struct http_head *head,
                                     struct sandbox **out, enum refusal_code *code)
{
    struct source *source =
        source_find(connection->proxy, &connection->client.address, &connection->waiter);

    if (source == NULL)
        return refuse(code, REFUSAL_OVERLOADED);
    if (source->state == SOURCE_ASKED)
        return IDENTIFY_WAIT;
    if (source->state == SOURCE_UNAVAILABLE) {
        source_forget_unavailable(source);
        return refuse(code, REFUSAL_OVERLOADED);
    }
    if (http_head_count(head, SLICE("proxy-authorization")) > 1)
        return refuse(code, REFUSAL_IDENTITY_INVALID);
    if (source->state == SOURCE_REGISTERED)
        return by_source(connection, source, head, out, code);
    return by_credentials(connection, head, out, code);
}
