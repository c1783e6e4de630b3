/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Guarded memory in small pieces: carved from few large areas of sodium_malloc (locked, not dumped,
 * fenced by guard pages), because an area per piece runs into the kernel's limit on mappings. One
 * pool per process; not for threads. */

#include <stddef.h>

/* NULL when out of memory. What it points to may hold anything; alignment is not promised. */
char *guarded_pool_take(size_t size);
/* Wipes and takes back; `size` as it was taken. NULL is fine. An area without pieces goes back to
 * the system, but for the last one. */
void guarded_pool_give(char *bytes, size_t size);
/* How many areas there are now, for tests. */
size_t guarded_pool_areas(void);
