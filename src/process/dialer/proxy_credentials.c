/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials for the upstream proxy. Never leaves a copy outside of guarded memory but in the
 * request that the caller writes and wipes. */
#include "process/dialer/proxy_credentials.h"

#include "base/secret.h"

#include <sodium.h>
#include <stdlib.h>

struct proxy_credentials {
    unsigned references;
    struct secret_slab *slab;
    struct secret value;
};

static bool is_well_formed(struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char byte = (unsigned char)value.data[i];

        if (byte < 0x20 || byte == 0x7f)
            return false;
    }
    return value.len <= PROXY_CREDENTIALS_MAX && slice_find(value, ':') < value.len;
}

enum error proxy_credentials_new(struct slice value, struct proxy_credentials **out)
{
    if (!is_well_formed(value))
        return ERR_SYNTAX;
    struct proxy_credentials *credentials = calloc(1, sizeof(*credentials));
    if (credentials == NULL)
        return ERR_NO_MEMORY;
    credentials->references = 1;
    credentials->slab = secret_slab_new(value.len);
    if (credentials->slab == NULL ||
        secret_slab_add(credentials->slab, value, &credentials->value) != OK) {
        proxy_credentials_unref(credentials);
        return ERR_NO_MEMORY;
    }
    *out = credentials;
    return OK;
}

struct proxy_credentials *proxy_credentials_ref(struct proxy_credentials *credentials)
{
    if (credentials != NULL)
        credentials->references++;
    return credentials;
}

void proxy_credentials_unref(struct proxy_credentials *credentials)
{
    if (credentials == NULL || --credentials->references > 0)
        return;
    secret_slab_free(credentials->slab);
    free(credentials);
}

enum error proxy_credentials_write(const struct proxy_credentials *credentials, struct buffer *out)
{
    struct slice value = secret_reveal(&credentials->value);
    size_t size = sodium_base64_encoded_len(value.len, sodium_base64_VARIANT_ORIGINAL);
    char *room;

    TRY(buffer_append(out, SLICE("Basic ")));
    TRY(buffer_reserve(out, size, &room));
    sodium_bin2base64(room, size, (const unsigned char *)value.data, value.len,
                      sodium_base64_VARIANT_ORIGINAL);
    buffer_commit(out, size - 1); /* without the NUL */
    return OK;
}
