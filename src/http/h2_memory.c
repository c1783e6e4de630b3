/* SPDX-License-Identifier: Apache-2.0 */
/* nghttp2's allocator. Never gives a byte back to the heap unwiped. */
#include "http/h2_memory.h"

#include <sodium.h>
#include <stdlib.h>

struct allocation {
    size_t size;
    _Alignas(max_align_t) char bytes[];
};

static struct allocation *allocation_of(void *bytes)
{
    return CONTAINER_OF(bytes, struct allocation, bytes);
}

static void *on_malloc(size_t size, void *user_data)
{
    struct h2_memory *memory = user_data;

    if (memory->used > memory->limit || size > memory->limit - memory->used)
        return NULL;
    struct allocation *allocation = malloc(sizeof(*allocation) + size);
    if (allocation == NULL)
        return NULL;
    allocation->size = size;
    memory->used += size;
    return allocation->bytes;
}

static void on_free(void *bytes, void *user_data)
{
    struct h2_memory *memory = user_data;

    if (bytes == NULL)
        return;
    struct allocation *allocation = allocation_of(bytes);
    memory->used -= allocation->size;
    sodium_memzero(allocation->bytes, allocation->size);
    free(allocation);
}

static void *on_calloc(size_t count, size_t size, void *user_data)
{
    size_t total;

    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    void *bytes = on_malloc(total, user_data);
    if (bytes != NULL)
        memset(bytes, 0, total);
    return bytes;
}

/* Never realloc(): it would leave the old bytes in the heap. */
static void *on_realloc(void *old, size_t size, void *user_data)
{
    void *bytes = on_malloc(size, user_data);

    if (bytes == NULL || old == NULL)
        return bytes;
    size_t kept = allocation_of(old)->size < size ? allocation_of(old)->size : size;
    memcpy(bytes, old, kept);
    on_free(old, user_data);
    return bytes;
}

nghttp2_mem h2_memory_functions(struct h2_memory *memory)
{
    return (nghttp2_mem){memory, on_malloc, on_free, on_calloc, on_realloc};
}
