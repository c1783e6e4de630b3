/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Values of secrets in guarded memory (base/guarded_pool.h): locked, not dumped, wiped on free. One
 * slab holds all values of one owner. secret_reveal() is the single reader: grep for it to find
 * every use. */

#include "base/compiler.h"
#include "base/error.h"
#include "base/slice.h"

enum { SECRET_VALUE_MAX = 16 * 1024 };

struct secret_slab; /* opaque */

/* A value inside a slab. Valid as long as the slab. */
struct secret {
    const struct secret_slab *slab; /* borrowed */
    uint32_t offset;
    uint32_t len;
};

/* NULL when out of (lockable) memory. */
struct secret_slab *secret_slab_new(size_t capacity);
void secret_slab_free(struct secret_slab *slab);
DEFINE_OWNED_STRUCT(secret_slab, secret_slab_free)

/* Copies `value` in. ERR_TOO_LARGE when the slab is full. */
MUST_USE enum error secret_slab_add(struct secret_slab *slab, struct slice value,
                                    struct secret *out);
/* Room for `len` bytes that the caller fills at once through `out_room`: for decrypting straight
 * into the slab. ERR_TOO_LARGE when the slab is full. */
MUST_USE enum error secret_slab_reserve(struct secret_slab *slab, size_t len, char **out_room,
                                        struct secret *out);
size_t secret_slab_room(const struct secret_slab *slab);
/* `part` points into what secret_reveal(whole) gave: the same bytes as a value of their own. */
struct secret secret_part(const struct secret *whole, struct slice part);

struct slice secret_reveal(const struct secret *secret);
