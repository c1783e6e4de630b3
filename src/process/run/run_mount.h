/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Small steps in the command's own mount namespace: nothing of it is seen outside. Errors are
 * ERR_SYSTEM with errno; ERR_NOT_FOUND: there is no such place, or the command cannot get there. */

#include "base/compiler.h"
#include "base/error.h"
#include "base/slice.h"

/* What is mounted from now on stays here, and what is mounted outside later does not come in. */
MUST_USE enum error run_mount_separate(void);
/* An empty file system over a folder; `mode` as in "0700". */
MUST_USE enum error run_mount_empty(const char *folder, const char *mode);
/* An empty device over a file or socket: it can be connected to no more. */
MUST_USE enum error run_mount_cover(const char *file);
/* What `descriptor` refers to (O_PATH, opened in this namespace), at `path`. */
MUST_USE enum error run_mount_at(int descriptor, const char *path);
/* The processes of the new PID namespace instead of the machine's. */
MUST_USE enum error run_mount_processes(void);
/* What is at `path`, and below, can only be read. */
MUST_USE enum error run_mount_read_only(const char *path);

/* A file with this content, made or replaced; readable by all. */
MUST_USE enum error run_mount_write(const char *path, struct slice content);
/* The folders above `path`, where they are missing. */
MUST_USE enum error run_mount_make_parents(const char *path);
