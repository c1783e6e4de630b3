/* SPDX-License-Identifier: Apache-2.0 */
/* Identity from the socket or a credential. Never trusts any other header. */
#include "proxy/client/identify.h"

#include <sodium.h>

/* Basic base64(id:token), RFC 7617. */
static bool decode_basic(struct slice value, struct identify_claim *out)
{
    size_t len;

    if (!slice_starts_with_nocase(value, SLICE("basic ")))
        return false;
    struct slice encoded = slice_trim(slice_skip(value, 6));
    if (sodium_base642bin((unsigned char *)out->text, sizeof(out->text), encoded.data, encoded.len,
                          NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
        return false;
    out->token = slice_of(out->text, len);
    out->sandbox_id = slice_split(&out->token, ':');
    return true;
}

void identify_claim_of_head(const struct http_head *head, struct identify_claim *out)
{
    const struct http_field *field =
        head != NULL ? http_head_find(head, SLICE("proxy-authorization")) : NULL;

    out->kind = IDENTIFY_CLAIM_NONE;
    if (field == NULL)
        return;
    bool is_one = http_head_count(head, SLICE("proxy-authorization")) == 1;
    out->kind =
        is_one && decode_basic(field->value, out) ? IDENTIFY_CLAIM_GIVEN : IDENTIFY_CLAIM_MALFORMED;
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

static bool claim_is_right(const struct identify_claim *claim, const struct sandbox *sandbox)
{
    return claim->kind == IDENTIFY_CLAIM_GIVEN &&
           slice_equals(claim->sandbox_id, slice_of(sandbox->id, sandbox->id_len)) &&
           token_is_right(sandbox->view, claim->token);
}

/* The socket says who it is; a claim, where there is one, must say the same. */
static enum identify_result by_socket(struct connection *connection, struct slice id,
                                      const struct identify_claim *claim, struct sandbox **out,
                                      enum refusal_code *code)
{
    enum identify_result result = look_up(connection, id, out, code);

    if (result != IDENTIFY_KNOWN || claim->kind == IDENTIFY_CLAIM_NONE)
        return result;
    return claim_is_right(claim, *out) ? IDENTIFY_KNOWN : refuse(code, REFUSAL_IDENTITY_INVALID);
}

static enum identify_result by_claim(struct connection *connection,
                                     const struct identify_claim *claim, struct sandbox **out,
                                     enum refusal_code *code)
{
    if (claim->kind != IDENTIFY_CLAIM_GIVEN)
        return refuse(code, claim->kind == IDENTIFY_CLAIM_NONE ? REFUSAL_IDENTITY_REQUIRED
                                                               : REFUSAL_IDENTITY_INVALID);
    enum identify_result result = look_up(connection, claim->sandbox_id, out, code);
    if (result != IDENTIFY_KNOWN)
        return result;
    /* A sandbox with an address must come from it. */
    if (!claim_is_right(claim, *out) || (*out)->view->source.len != 0)
        return refuse(code, REFUSAL_IDENTITY_INVALID);
    return IDENTIFY_KNOWN;
}

static enum identify_result by_source(struct connection *connection,
                                      const struct identify_claim *claim, struct sandbox **out,
                                      enum refusal_code *code)
{
    struct source *source =
        source_find(connection->proxy, &connection->client.address, &connection->waiter);

    if (source == NULL)
        return refuse(code, REFUSAL_OVERLOADED);
    switch (source->state) {
    case SOURCE_ASKED:
        return IDENTIFY_WAIT;
    case SOURCE_REGISTERED:
        return by_socket(connection, slice_of(source->sandbox_id, source->sandbox_id_len), claim,
                         out, code);
    case SOURCE_FREE:
        return by_claim(connection, claim, out, code);
    default:
        source_forget_unavailable(source);
        return refuse(code, REFUSAL_OVERLOADED);
    }
}

enum identify_result identify_client(struct connection *connection,
                                     const struct identify_claim *claim, struct sandbox **out,
                                     enum refusal_code *code)
{
    struct slice listener =
        slice_of(connection->listener_sandbox, connection->listener_sandbox_len);

    if (listener.len > 0)
        return by_socket(connection, listener, claim, out, code);
    return by_source(connection, claim, out, code);
}
