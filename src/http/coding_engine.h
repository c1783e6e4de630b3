/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What zlib, brotli and zstd look like to coding.c: one step of decoding with whatever input and
 * room there is. */

#include "http/coding.h"

enum coding_result {
    CODING_MORE,    /* wants more input or more room */
    CODING_END,     /* a member or frame is complete; input may be left over */
    CODING_CORRUPT, /* or a window too large */
};

struct coding_step {
    struct slice input; /* advanced past what was used */
    char *out;          /* advanced past what was written */
    size_t room;
};

struct coding_engine {
    enum coding_result (*step)(struct coding_engine *engine, struct coding_step *step);
    void (*free)(struct coding_engine *engine);
    bool takes_members; /* after CODING_END another may follow */
};

/* NULL when out of memory. */
struct coding_engine *coding_zlib_new(enum coding_kind kind);
struct coding_engine *coding_brotli_new(void);
struct coding_engine *coding_zstd_new(void);

/* The libraries' memory, which may come to hold a value: wiped when it is freed. NULL also for more
 * than a window of 8 MiB can need, which is how brotli's are bounded. `opaque` is not used. */
void *coding_memory_alloc(void *opaque, size_t size);
void coding_memory_free(void *opaque, void *memory);
