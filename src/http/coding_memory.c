/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of the decoders. Never gives a byte back to the heap unwiped. */
#include "http/coding_engine.h"

#include <sodium.h>
#include <stdlib.h>

/* A window of 8 MiB and what zstd adds to it: its largest block, twice. */
enum { ALLOCATION_MAX = 9 * 1024 * 1024 };

struct allocation {
    size_t size;
    _Alignas(max_align_t) char memory[];
};

void *coding_memory_alloc(void *opaque, size_t size)
{
    (void)opaque;
    if (size > ALLOCATION_MAX)
        return NULL;

    struct allocation *allocation = malloc(sizeof(*allocation) + size);
    if (allocation == NULL)
        return NULL;
    allocation->size = size;
    return allocation->memory;
}

void coding_memory_free(void *opaque, void *memory)
{
    (void)opaque;
    if (memory == NULL)
        return;

    struct allocation *allocation = CONTAINER_OF(memory, struct allocation, memory);
    sodium_memzero(allocation->memory, allocation->size);
    free(allocation);
}
