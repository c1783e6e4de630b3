/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Unix sockets cross network namespaces, so the command must not find those of the machine: the
 * folders where they live are empty for it, and every other one that there is now is covered. */

#include "base/compiler.h"
#include "base/error.h"
#include "base/slice.h"

#include <sys/types.h>

enum { RUN_PLACES_SHARED_MAX = 64 };

struct run_places {
    uid_t uid;
    const char *const *more; /* folders to be empty, beside the known ones; absolute */
    size_t more_count;
    const char *const *shared; /* paths that stay as they are; absolute */
    size_t shared_count;
    struct slice sockets; /* the text of /proc/net/unix, read outside */
};

/* In the command's mount namespace. `failed` gets the place that could not be hidden, with errno:
 * ERR_SYSTEM. */
MUST_USE enum error run_places_hide(const struct run_places *places, char *failed, size_t size);
