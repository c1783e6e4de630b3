/* SPDX-License-Identifier: Apache-2.0 */
/* The allocator that jansson uses here. Never lets go of bytes that it has not wiped. */

#include "control/json_memory.h"

#include <jansson.h>
#include <malloc.h>
#include <sodium.h>
#include <stdlib.h>

/* By usable size, so that blocks from before the installation are fine too. */
static void free_wiped(void *block)
{
    if (block != NULL)
        sodium_memzero(block, malloc_usable_size(block));
    free(block);
}

void json_memory_install(void)
{
    json_set_alloc_funcs(malloc, free_wiped);
}
