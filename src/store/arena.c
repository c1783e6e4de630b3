/* SPDX-License-Identifier: Apache-2.0 */
/* A bump allocator for results. Never moves what it has given out, and never gives it back to the
 * heap unwiped: a request that has a value in a wrong place, such as its path, is copied here. */

#include "store/arena.h"

#include <sodium.h>
#include <stdalign.h>
#include <stdlib.h>

enum { CHUNK_MIN = 4096, FIRST_GROWTH = 8 };

struct arena_chunk {
    struct arena_chunk *older;
    size_t used, size;
    alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *arena)
{
    arena->newest = NULL;
}

void arena_clear(struct arena *arena)
{
    while (arena->newest != NULL) {
        struct arena_chunk *chunk = arena->newest;
        arena->newest = chunk->older;
        sodium_memzero(chunk->bytes, chunk->used);
        free(chunk);
    }
}

/* Chunks double, so that a large result takes few of them. */
static size_t next_chunk_size(const struct arena *arena, size_t wanted)
{
    size_t size = arena->newest == NULL ? CHUNK_MIN : arena->newest->size;
    if (size <= SIZE_MAX / 4 && arena->newest != NULL)
        size *= 2;
    return wanted > size ? wanted : size;
}

static struct arena_chunk *add_chunk(struct arena *arena, size_t wanted)
{
    size_t size = next_chunk_size(arena, wanted);
    if (size > SIZE_MAX - sizeof(struct arena_chunk))
        return NULL;

    struct arena_chunk *chunk = malloc(sizeof *chunk + size);
    if (chunk == NULL)
        return NULL;
    *chunk = (struct arena_chunk){.older = arena->newest, .size = size};
    arena->newest = chunk;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t alignment = alignof(max_align_t);
    if (size > SIZE_MAX - alignment)
        return NULL;
    size = (size + alignment - 1) / alignment * alignment;

    struct arena_chunk *chunk = arena->newest;
    if (chunk == NULL || chunk->size - chunk->used < size)
        chunk = add_chunk(arena, size);
    if (chunk == NULL)
        return NULL;

    void *place = chunk->bytes + chunk->used;
    chunk->used += size;
    return memset(place, 0, size);
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    return arena_alloc(arena, total);
}

static bool is_power_of_two(size_t n)
{
    return (n & (n - 1)) == 0;
}

void *arena_grow(struct arena *arena, void *items, size_t count, size_t size)
{
    if (items == NULL)
        return arena_alloc_array(arena, FIRST_GROWTH, size);
    if (count < FIRST_GROWTH || !is_power_of_two(count))
        return items;

    void *larger = count > SIZE_MAX / 2 ? NULL : arena_alloc_array(arena, count * 2, size);
    return larger == NULL ? NULL : memcpy(larger, items, count * size);
}

enum error arena_copy(struct arena *arena, struct slice bytes, struct slice *out)
{
    char *copy = bytes.len == SIZE_MAX ? NULL : arena_alloc(arena, bytes.len + 1);
    if (copy == NULL)
        return ERR_NO_MEMORY;

    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    *out = slice_of(copy, bytes.len);
    return OK;
}
