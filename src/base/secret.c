/* SPDX-License-Identifier: Apache-2.0 */
/* Guarded memory for values of secrets. Never copies a value anywhere else. */
#include "base/secret.h"

#include "base/guarded_pool.h"

#include <stdlib.h>

struct secret_slab {
    char *bytes; /* from the guarded pool: bytes only, alignment is not promised */
    size_t capacity;
    size_t used;
};

struct secret_slab *secret_slab_new(size_t capacity)
{
    struct secret_slab *slab = NULL;

    if (capacity > UINT32_MAX) /* offsets have 32 bits */
        return NULL;
    slab = calloc(1, sizeof(*slab));
    if (slab == NULL)
        return NULL;
    slab->bytes = guarded_pool_take(capacity);
    slab->capacity = capacity;
    if (slab->bytes == NULL) {
        free(slab);
        return NULL;
    }
    return slab;
}

void secret_slab_free(struct secret_slab *slab)
{
    if (slab == NULL)
        return;
    guarded_pool_give(slab->bytes, slab->capacity);
    free(slab);
}

size_t secret_slab_room(const struct secret_slab *slab)
{
    return slab->capacity - slab->used;
}

enum error secret_slab_reserve(struct secret_slab *slab, size_t len, char **out_room,
                               struct secret *out)
{
    if (len > secret_slab_room(slab) || slab->used + len > UINT32_MAX)
        return ERR_TOO_LARGE;
    *out_room = slab->bytes + slab->used;
    *out = (struct secret){slab, (uint32_t)slab->used, (uint32_t)len};
    slab->used += len;
    return OK;
}

enum error secret_slab_add(struct secret_slab *slab, struct slice value, struct secret *out)
{
    char *room;

    TRY(secret_slab_reserve(slab, value.len, &room, out));
    if (value.len > 0)
        memcpy(room, value.data, value.len);
    return OK;
}

struct secret secret_part(const struct secret *whole, struct slice part)
{
    size_t at = part.len > 0 ? (size_t)(part.data - whole->slab->bytes) : whole->offset;

    return (struct secret){whole->slab, (uint32_t)at, (uint32_t)part.len};
}

struct slice secret_reveal(const struct secret *secret)
{
    return slice_of(secret->slab->bytes + secret->offset, secret->len);
}
