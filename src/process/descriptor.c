/* SPDX-License-Identifier: Apache-2.0 */
/* Writes everything. Never for a descriptor that does not block. */
#include "process/descriptor.h"

#include <errno.h>
#include <unistd.h>

bool descriptor_write_all(int fd, struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t written = write(fd, bytes.data, bytes.len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes = slice_skip(bytes, (size_t)written);
    }
    return true;
}
