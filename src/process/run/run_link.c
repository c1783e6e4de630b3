/* SPDX-License-Identifier: Apache-2.0 */
/* Small fixed messages with descriptors. Never leaks a descriptor of a message that it refuses. */
#include "process/run/run_link.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* As it travels: both sides are the same program. */
struct frame {
    uint32_t kind;
    int32_t number, reason;
    char text[RUN_LINK_TEXT_MAX];
};

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * RUN_LINK_FDS_MAX)];
};

enum error run_link_pair(int out[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, out) == 0 ? OK : ERR_SYSTEM;
}

static void attach(struct msghdr *header, union control *control,
                   const struct run_link_message *message)
{
    size_t size = sizeof(int) * message->fd_count;

    header->msg_control = control;
    header->msg_controllen = CMSG_SPACE(size);
    struct cmsghdr *part = CMSG_FIRSTHDR(header);
    *part = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(size), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(part), message->fds, size);
}

enum error run_link_send(int link, const struct run_link_message *message)
{
    struct frame frame = {
        .kind = message->kind, .number = message->number, .reason = message->reason};
    struct iovec part = {&frame, sizeof(frame)};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    union control control = {.bytes = {0}};

    memcpy(frame.text, message->text, sizeof(frame.text));
    if (message->fd_count > 0)
        attach(&header, &control, message);
    while (sendmsg(link, &header, MSG_NOSIGNAL) < 0) {
        if (errno != EINTR)
            return errno == EPIPE || errno == ECONNRESET ? ERR_CLOSED : ERR_SYSTEM;
    }
    return OK;
}

static void detach(struct msghdr *header, struct run_link_message *out)
{
    struct cmsghdr *part = CMSG_FIRSTHDR(header);

    if (part == NULL || part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
        return;
    out->fd_count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(out->fds, CMSG_DATA(part), out->fd_count * sizeof(int));
}

static void drop_descriptors(struct run_link_message *message)
{
    while (message->fd_count > 0)
        close(message->fds[--message->fd_count]);
}

static enum error take(const struct frame *frame, bool is_whole, struct run_link_message *out)
{
    if (!is_whole || frame->kind >= RUN_LINK_KIND_COUNT) {
        drop_descriptors(out);
        return ERR_SYNTAX;
    }
    out->kind = frame->kind;
    out->number = frame->number;
    out->reason = frame->reason;
    memcpy(out->text, frame->text, sizeof(out->text));
    out->text[sizeof(out->text) - 1] = '\0';
    return OK;
}

enum error run_link_receive(int link, struct run_link_message *out)
{
    struct frame frame;
    struct iovec part = {&frame, sizeof(frame)};
    union control control;
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof(control)};
    ssize_t len;

    do {
        len = recvmsg(link, &header, MSG_CMSG_CLOEXEC);
    } while (len < 0 && errno == EINTR);
    if (len < 0)
        return errno == EAGAIN ? ERR_AGAIN : errno == ECONNRESET ? ERR_CLOSED : ERR_SYSTEM;
    if (len == 0)
        return ERR_CLOSED;
    *out = (struct run_link_message){.fd_count = 0};
    detach(&header, out);
    if ((header.msg_flags & MSG_CTRUNC) != 0) {
        drop_descriptors(out);
        errno = EMFILE;
        return ERR_SYSTEM;
    }
    return take(&frame, len == sizeof(frame) && (header.msg_flags & MSG_TRUNC) == 0, out);
}
