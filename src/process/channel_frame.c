/* SPDX-License-Identifier: Apache-2.0 */
/* Frames through a socket, with descriptors. Never accepts a packet that the kernel had to cut. */
#include "process/channel_frame.h"

#include "process/sealed_file.h"

#include <errno.h>
#include <sodium.h>
#include <stdalign.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PACKET_INLINE = 0, PACKET_FILE = 1 };
enum { PACKET_DESCRIPTORS_MAX = CHANNEL_DESCRIPTORS_MAX + 1 };
enum { CONTROL_SIZE = CMSG_SPACE(sizeof(int) * PACKET_DESCRIPTORS_MAX) };

static void close_all(const int *descriptors, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (descriptors[i] >= 0)
            close(descriptors[i]);
    }
}

void channel_frame_free(struct channel_frame *frame)
{
    close_all(frame->descriptors, frame->count);
    buffer_clear(&frame->packet);
    free(frame);
}

static enum error frame_put_file(struct channel_frame *frame, struct slice bytes)
{
    TRY(buffer_append_byte(&frame->packet, PACKET_FILE));
    TRY(sealed_file_create(bytes, &frame->descriptors[0]));
    frame->cost += bytes.len;
    return OK;
}

static enum error frame_put_inline(struct channel_frame *frame, struct slice bytes)
{
    TRY(buffer_append_byte(&frame->packet, PACKET_INLINE));
    return buffer_append(&frame->packet, bytes);
}

static enum error frame_check(struct slice bytes, enum channel_secrecy secrecy, size_t count)
{
    size_t limit = secrecy == CHANNEL_INLINE_ONLY ? CHANNEL_INLINE_MAX : CHANNEL_FRAME_MAX;

    return bytes.len > limit || count > CHANNEL_DESCRIPTORS_MAX ? ERR_TOO_LARGE : OK;
}

enum error channel_frame_new(struct slice bytes, enum channel_secrecy secrecy,
                             const int *descriptors, size_t count, struct channel_frame **out)
{
    struct channel_frame *frame = calloc(1, sizeof(*frame));
    enum error error = frame == NULL ? ERR_NO_MEMORY : frame_check(bytes, secrecy, count);

    if (error != OK) {
        close_all(descriptors, count);
        free(frame);
        return error;
    }
    bool in_file = bytes.len > CHANNEL_INLINE_MAX;
    buffer_init(&frame->packet, CHANNEL_PACKET_MAX);
    frame->cost = sizeof(*frame) + (in_file ? 0 : bytes.len);
    frame->descriptors[0] = -1;
    frame->count = count + in_file;
    for (size_t i = 0; i < count; i++)
        frame->descriptors[i + in_file] = descriptors[i];

    error = in_file ? frame_put_file(frame, bytes) : frame_put_inline(frame, bytes);
    if (error != OK) {
        channel_frame_free(frame);
        return error;
    }
    *out = frame;
    return OK;
}

static void attach_descriptors(struct msghdr *message, char *control,
                               const struct channel_frame *frame)
{
    size_t size = sizeof(int) * frame->count;

    message->msg_control = control;
    message->msg_controllen = CMSG_SPACE(size);
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(header), frame->descriptors, size);
}

enum error channel_frame_send(int fd, const struct channel_frame *frame)
{
    alignas(struct cmsghdr) char control[CONTROL_SIZE] = {0};
    struct slice packet = buffer_view(&frame->packet);
    struct iovec vector = {(void *)(uintptr_t)packet.data, packet.len};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

    if (frame->count > 0)
        attach_descriptors(&message, control, frame);
    for (;;) {
        if (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            return OK;
        if (errno == EAGAIN)
            return ERR_AGAIN;
        if (errno != EINTR)
            return ERR_CLOSED;
    }
}

static void take_descriptors(struct msghdr *message, struct channel_packet *packet)
{
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        if (count > PACKET_DESCRIPTORS_MAX - packet->all_count)
            abort(); /* the kernel was given room for no more */
        memcpy(packet->all + packet->all_count, CMSG_DATA(header), count * sizeof(int));
        packet->all_count += count;
    }
}

/* The bytes of the packet, or those in its file. */
static enum error packet_open(struct channel_packet *packet, const char *storage)
{
    packet->descriptors = packet->all;
    packet->count = packet->all_count;
    if (storage[0] == PACKET_INLINE && packet->count <= CHANNEL_DESCRIPTORS_MAX) {
        packet->bytes = slice_of(storage + 1, packet->received_len - 1);
        return OK;
    }
    if (storage[0] != PACKET_FILE || packet->received_len != 1 || packet->count == 0)
        return ERR_SYNTAX;
    packet->descriptors++;
    packet->count--;
    if (sealed_file_map(packet->all[0], CHANNEL_FRAME_MAX, &packet->mapped) != OK)
        return ERR_SYNTAX;
    packet->bytes = packet->mapped;
    return OK;
}

static enum error receive(int fd, struct msghdr *message, size_t *out_len)
{
    for (;;) {
        ssize_t received = recvmsg(fd, message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

        if (received > 0) {
            *out_len = (size_t)received;
            return OK;
        }
        if (received == 0 || (errno != EINTR && errno != EAGAIN))
            return ERR_CLOSED;
        if (errno == EAGAIN)
            return ERR_AGAIN;
    }
}

enum error channel_packet_receive(int fd, char *storage, struct channel_packet *out)
{
    alignas(struct cmsghdr) char control[CONTROL_SIZE];
    struct iovec vector = {storage, CHANNEL_PACKET_MAX};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             /* not CONTROL_SIZE: its padding has room for one more */
                             .msg_controllen = CMSG_LEN(sizeof(int) * PACKET_DESCRIPTORS_MAX)};
    struct channel_packet packet = {0};

    TRY(receive(fd, &message, &packet.received_len));
    take_descriptors(&message, &packet);
    bool is_cut = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    if (is_cut || packet_open(&packet, storage) != OK) {
        channel_packet_clear(&packet, storage);
        return ERR_SYNTAX;
    }
    size_t own_file = packet.all_count - packet.count;
    *out = packet;
    out->descriptors = out->all + own_file;
    return OK;
}

void channel_packet_clear(struct channel_packet *packet, char *storage)
{
    close_all(packet->all, packet->all_count);
    sealed_file_unmap(packet->mapped);
    sodium_memzero(storage, packet->received_len);
}
