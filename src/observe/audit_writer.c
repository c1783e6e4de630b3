/* SPDX-License-Identifier: Apache-2.0 */
/* Audit lines to a descriptor. Never tears a line that fits, never waits for a full one. */
#include "observe/audit.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PENDING_LIMIT = 256 * 1024 };

void audit_writer_init(struct audit_writer *writer, int fd, bool is_datagram)
{
    *writer = (struct audit_writer){.fd = fd, .is_datagram = is_datagram};
    buffer_init(&writer->pending, PENDING_LIMIT);
}

void audit_writer_clear(struct audit_writer *writer)
{
    buffer_clear(&writer->pending);
    writer->fd = -1;
}

enum error audit_write(struct audit_writer *writer, const struct audit_record *record)
{
    if (writer->fd < 0)
        return OK;

    enum error error = audit_format(record, &writer->pending);
    if (error != ERR_TOO_LARGE)
        return error;
    enum error flushed = audit_flush(writer);
    TRY(audit_format(record, &writer->pending));
    return flushed == ERR_TOO_LARGE ? flushed : OK; /* an earlier line was lost, this one is not */
}

static enum error error_of_write(void)
{
    return errno == EAGAIN || errno == ENOBUFS ? ERR_AGAIN : ERR_SYSTEM;
}

static enum error flush_stream(struct audit_writer *writer)
{
    while (buffer_len(&writer->pending) > 0) {
        struct slice rest = buffer_view(&writer->pending);
        ssize_t written = write(writer->fd, rest.data, rest.len);

        if (written >= 0)
            buffer_consume(&writer->pending, (size_t)written);
        else if (errno != EINTR)
            return error_of_write();
    }
    return OK;
}

static struct iovec piece(struct slice bytes)
{
    return (struct iovec){(void *)(uintptr_t)bytes.data, bytes.len};
}

/* The native protocol of systemd's journal: one field per line, no escape needed because a line of
 * ours has no newline in it. */
static enum error send_line(int fd, struct slice line)
{
    struct iovec pieces[] = {piece(SLICE("MESSAGE=")), piece(line),
                             piece(SLICE("\nPRIORITY=6\nSYSLOG_IDENTIFIER=sealgate\n"))};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = ARRAY_LEN(pieces)};
    ssize_t sent;

    do
        sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return OK;
    return errno == EMSGSIZE ? ERR_TOO_LARGE : error_of_write();
}

static enum error flush_datagrams(struct audit_writer *writer)
{
    enum error first_dropped = OK;

    while (buffer_len(&writer->pending) > 0) {
        struct slice rest = buffer_view(&writer->pending);
        struct slice line = slice_take(rest, slice_find(rest, '\n'));
        enum error error = send_line(writer->fd, line);

        if (error != OK && error != ERR_TOO_LARGE)
            return error;
        if (error != OK)
            first_dropped = error;
        buffer_consume(&writer->pending, line.len + 1);
    }
    return first_dropped;
}

enum error audit_flush(struct audit_writer *writer)
{
    if (writer->fd < 0)
        return OK;
    return writer->is_datagram ? flush_datagrams(writer) : flush_stream(writer);
}
