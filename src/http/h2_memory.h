/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The memory that nghttp2 works in: counted, bounded, and wiped when it is freed, because header
 * fields that carry a value pass through it. */

#include "http/head.h"

#include <nghttp2/nghttp2.h>

struct h2_memory {
    size_t used;  /* bytes that the library holds now */
    size_t limit; /* beyond it the library is out of memory, which ends the session */
};

/* `memory` is borrowed and must outlive what was allocated. */
nghttp2_mem h2_memory_functions(struct h2_memory *memory);
