/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Plain reading and writing of a descriptor that blocks. */

#include "base/buffer.h"

/* All of it, however often write() stops half-way. False: errno says why. */
bool descriptor_write_all(int fd, struct slice bytes);
/* Appends what is left to read. ERR_TOO_LARGE: more than the buffer may hold. ERR_SYSTEM: errno
 * says why. */
MUST_USE enum error descriptor_read_all(int fd, struct buffer *out);
