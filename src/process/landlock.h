/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What of the file system, the network and other processes a process may still reach, by the
 * kernel's Landlock; as much of it as this kernel knows. */

#include "base/compiler.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum landlock_access {
    LANDLOCK_READ,   /* a file, or what lies below a folder */
    LANDLOCK_REPLACE /* also write, make and remove regular files there */
};

/* One that is not there is left out. */
struct landlock_place {
    const char *path;
    enum landlock_access access;
};

/* The version of the kernel's interface; 0: it has none, or it is switched off. */
int landlock_version(void);
/* For good: only these places, no abstract unix socket and no signal outside of what is confined
 * together, no TCP port to listen on, and none to connect to unless `may_connect`. Needs
 * no-new-privs. OK, with nothing done, where landlock_version() is 0. ERR_SYSTEM. */
MUST_USE enum error landlock_confine(const struct landlock_place *places, size_t count,
                                     bool may_connect);
