/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Bytes in a memory file that nobody can change any more (memfd_create(2), F_ADD_SEALS): how a
 * process hands another one more than fits into a message. Never for a value of a secret. */

#include "base/compiler.h"
#include "base/error.h"
#include "base/slice.h"

MUST_USE enum error sealed_file_create(struct slice bytes, int *out_fd);
/* Maps the whole file, read-only. ERR_FORBIDDEN unless every seal is set, so that its maker can
 * neither change nor cut it while it is read; ERR_TOO_LARGE over `limit`. */
MUST_USE enum error sealed_file_map(int fd, size_t limit, struct slice *out);
void sealed_file_unmap(struct slice mapped);
