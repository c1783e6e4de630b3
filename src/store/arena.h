/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Memory for results: whatever is read from the store is copied into an arena that the caller
 * gives, and lives until that is cleared. One arena per API request is the intended use. */

#include "base/compiler.h"
#include "base/error.h"
#include "base/slice.h"

struct arena_chunk;

/* All zero is an empty one. */
struct arena {
    struct arena_chunk *newest;
};

/* `OWNED_ARENA scratch = {NULL};` is cleared on every way out of the scope. */
#define OWNED_ARENA __attribute__((cleanup(arena_clear))) struct arena

void arena_init(struct arena *arena);
/* Frees everything at once; the arena stays usable. */
void arena_clear(struct arena *arena);
/* Zeroed, aligned for any type; NULL when out of memory. A size of 0 is fine. */
void *arena_alloc(struct arena *arena, size_t size);
/* `count` things of `size` bytes each, without overflow. */
void *arena_alloc_array(struct arena *arena, size_t count, size_t size);
/* Room for one more behind `count` things of `size` bytes: `items` (NULL at first), or a larger
 * copy of it. For lists whose length is not known before; each must grow by this function alone. */
void *arena_grow(struct arena *arena, void *items, size_t count, size_t size);
/* The copy has a NUL behind it that its length does not count. */
MUST_USE enum error arena_copy(struct arena *arena, struct slice bytes, struct slice *out);
