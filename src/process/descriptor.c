/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes everything. Never for a descriptor that does not block. */
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

/* ERR_AGAIN: there is more. */
static enum error read_piece(int fd, struct buffer *out)
{
    enum { PIECE = 4096 };
    char *room;
    size_t left = out->limit - buffer_len(out);

    if (left == 0) {
        char extra;
        return read(fd, &extra, 1) == 0 ? OK : ERR_TOO_LARGE;
    }
    TRY(buffer_reserve(out, left < PIECE ? left : PIECE, &room));
    ssize_t got = read(fd, room, left < PIECE ? left : PIECE);
    if (got > 0)
        buffer_commit(out, (size_t)got);
    if (got < 0)
        return errno == EINTR ? ERR_AGAIN : ERR_SYSTEM;
    return got == 0 ? OK : ERR_AGAIN;
}

enum error descriptor_read_all(int fd, struct buffer *out)
{
    enum error error = ERR_AGAIN;

    while (error == ERR_AGAIN)
        error = read_piece(fd, out);
    return error;
}
