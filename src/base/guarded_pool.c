/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of guarded areas. Never hands out a byte that somebody still holds, never keeps one that
 * was given back unwiped. */
#include "base/guarded_pool.h"

#include "base/compiler.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum { BLOCK_SIZE = 64, AREA_SIZE = 256 * 1024 };

struct area {
    TAILQ_ENTRY(area) link;
    char *bytes;
    size_t block_count, used_count;
    uint8_t is_used[]; /* by block */
};

static TAILQ_HEAD(, area) areas = TAILQ_HEAD_INITIALIZER(areas);

static size_t blocks_for(size_t size)
{
    return size / BLOCK_SIZE + 1;
}

static struct area *area_new(size_t block_count)
{
    struct area *area = calloc(1, sizeof(*area) + block_count);

    if (area == NULL)
        return NULL;
    area->bytes = sodium_malloc(block_count * BLOCK_SIZE);
    if (area->bytes == NULL) {
        free(area);
        return NULL;
    }
    area->block_count = block_count;
    TAILQ_INSERT_HEAD(&areas, area, link);
    return area;
}

static void area_free(struct area *area)
{
    TAILQ_REMOVE(&areas, area, link);
    sodium_free(area->bytes);
    free(area);
}

/* The first run of free blocks that is long enough; block_count when there is none. */
static size_t find_run(const struct area *area, size_t blocks)
{
    size_t run = 0;

    if (area->block_count - area->used_count < blocks)
        return area->block_count;
    for (size_t i = 0; i < area->block_count; i++) {
        run = area->is_used[i] ? 0 : run + 1;
        if (run == blocks)
            return i + 1 - blocks;
    }
    return area->block_count;
}

static char *take_from(struct area *area, size_t blocks)
{
    size_t first = find_run(area, blocks);

    if (first == area->block_count)
        return NULL;
    memset(area->is_used + first, 1, blocks);
    area->used_count += blocks;
    return area->bytes + first * BLOCK_SIZE;
}

char *guarded_pool_take(size_t size)
{
    size_t blocks = blocks_for(size), least = AREA_SIZE / BLOCK_SIZE;
    struct area *area;

    TAILQ_FOREACH(area, &areas, link)
    {
        char *bytes = take_from(area, blocks);
        if (bytes != NULL)
            return bytes;
    }
    area = area_new(blocks > least ? blocks : least);
    return area != NULL ? take_from(area, blocks) : NULL;
}

static struct area *area_of(const char *bytes)
{
    struct area *area;

    TAILQ_FOREACH(area, &areas, link)
    if (bytes >= area->bytes && bytes < area->bytes + area->block_count * BLOCK_SIZE)
        return area;
    abort(); /* not ours: the heap is no longer to be trusted */
}

void guarded_pool_give(char *bytes, size_t size)
{
    size_t blocks = blocks_for(size);

    if (bytes == NULL)
        return;
    struct area *area = area_of(bytes);
    sodium_memzero(bytes, blocks * BLOCK_SIZE);
    memset(area->is_used + (size_t)(bytes - area->bytes) / BLOCK_SIZE, 0, blocks);
    area->used_count -= blocks;
    if (area->used_count == 0 && guarded_pool_areas() > 1)
        area_free(area);
}

size_t guarded_pool_areas(void)
{
    struct area *area;
    size_t count = 0;

    TAILQ_FOREACH(area, &areas, link)
    count++;
    return count;
}
