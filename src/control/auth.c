/* SPDX-License-Identifier: Apache-2.0 */
/* Finds out who calls. Never tells why a key is wrong: unknown and revoked look the same. */

#include "control/auth.h"

#include <sodium.h>

enum { KEY_MAX = 512 };

static enum error auth_identify_local(struct api_call *call, const struct http_head *head)
{
    call->is_admin = true;
    call->org = call->control->default_org;
    const struct http_field *field = http_head_find(head, SLICE("X-Sealgate-Org"));
    if (field == NULL)
        return OK;
    struct org org;
    enum error error = orgs_find(call->control->store, &call->arena, field->value, &org);
    if (error == ERR_NOT_FOUND)
        return api_refuse(call, API_NOT_FOUND,
                          "there is no organization with the id or name in X-Sealgate-Org");
    TRY(error);
    call->org = org.id;
    return OK;
}

/* X-API-Key, or else "Authorization: Bearer"; each at most once, or it is ambiguous. */
static struct slice auth_key_of(const struct http_head *head)
{
    const struct http_field *field = http_head_find(head, SLICE("X-API-Key"));
    if (field != NULL)
        return http_head_count(head, SLICE("X-API-Key")) == 1 ? field->value : SLICE_NONE;
    field = http_head_find(head, SLICE("Authorization"));
    if (field == NULL || http_head_count(head, SLICE("Authorization")) != 1 ||
        !slice_starts_with_nocase(field->value, SLICE("Bearer ")))
        return SLICE_NONE;
    return slice_trim(slice_skip(field->value, 7));
}

static enum error auth_identify_key(struct api_call *call, const struct http_head *head)
{
    struct slice text = auth_key_of(head);
    if (text.len == 0)
        return api_refuse(call, API_UNAUTHORIZED,
                          "an API key is needed: X-API-Key, or Authorization: Bearer");
    struct api_key key;
    enum error error = text.len > KEY_MAX
                           ? ERR_NOT_FOUND
                           : api_keys_authenticate(call->control->store, &call->arena, text, &key);
    if (error == ERR_NOT_FOUND)
        return api_refuse(call, API_UNAUTHORIZED, "the API key is not valid");
    TRY(error);
    call->org = key.org_id;
    call->is_admin = key.is_admin;
    return OK;
}

enum error auth_identify(struct api_call *call, const struct http_message *message)
{
    return message->is_local ? auth_identify_local(call, message->head)
                             : auth_identify_key(call, message->head);
}

enum error auth_require(struct api_call *call, enum auth_right right)
{
    if (right == AUTH_ADMIN && !call->is_admin)
        return api_refuse(call, API_FORBIDDEN, "this needs an admin key, or the local socket");
    return OK;
}

struct slice auth_make_key(char text[AUTH_KEY_SIZE])
{
    uint8_t random[32];
    randombytes_buf(random, sizeof random);
    memcpy(text, "sgk_", 4);
    sodium_bin2base64(text + 4, AUTH_KEY_SIZE - 4, random, sizeof random,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(random, sizeof random);
    return slice_from_string(text);
}
