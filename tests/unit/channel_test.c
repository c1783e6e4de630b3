/* SPDX-License-Identifier: Apache-2.0 */
/* Channels between two ends of one process: order, size, descriptors, queueing, and what a hostile
 * other side may send. */
#include "process/channel.h"

#include "base/buffer.h"
#include "process/peer.h"

#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { LARGE = 3 * 1024 * 1024 };

/* One end, and what has happened to it. */
struct end {
    struct channel *channel;
    size_t frames, closed, drained;
    struct buffer last;
    int taken; /* the first descriptor of the last frame, -1: none or not wanted */
    bool takes, closes_itself;
};

struct fixture {
    struct event_base *base;
    int raw[2];
    struct end a, b;
};

static void on_frame(void *context, struct slice bytes, int *descriptors, size_t count)
{
    struct end *end = context;

    end->frames++;
    buffer_reset(&end->last);
    assert_int_equal(buffer_append(&end->last, bytes), OK);
    if (end->takes && count > 0) {
        end->taken = descriptors[0];
        descriptors[0] = -1;
    } else if (count > 0) {
        end->taken = descriptors[0]; /* the number alone */
    }
    if (end->closes_itself) {
        channel_close(end->channel);
        end->channel = NULL;
    }
}

static void on_closed(void *context)
{
    struct end *end = context;

    end->closed++;
    channel_close(end->channel);
    end->channel = NULL;
}

static void on_drained(void *context)
{
    ((struct end *)context)->drained++;
}

static void end_open(struct fixture *fixture, struct end *end, int fd)
{
    const struct channel_events events = {end, on_frame, on_closed, on_drained};

    end->taken = -1;
    buffer_init(&end->last, CHANNEL_FRAME_MAX);
    assert_int_equal(channel_open(fixture->base, fd, &events, &end->channel), OK);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture->base = event_base_new();
    assert_int_equal(channel_pair(fixture->raw), OK);
    end_open(fixture, &fixture->a, fixture->raw[0]);
    end_open(fixture, &fixture->b, fixture->raw[1]);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    channel_close(fixture->a.channel);
    channel_close(fixture->b.channel);
    buffer_clear(&fixture->a.last);
    buffer_clear(&fixture->b.last);
    event_base_free(fixture->base);
    free(fixture);
    return 0;
}

/* Until nothing more happens. */
static void settle(struct fixture *fixture)
{
    size_t before;

    do {
        before = fixture->a.frames + fixture->b.frames + fixture->a.closed + fixture->b.closed +
                 fixture->a.drained + fixture->b.drained;
        event_base_loop(fixture->base, EVLOOP_NONBLOCK);
    } while (before != fixture->a.frames + fixture->b.frames + fixture->a.closed +
                           fixture->b.closed + fixture->a.drained + fixture->b.drained);
}

static enum error send_bytes(struct end *end, struct slice bytes)
{
    return channel_send(end->channel, bytes, CHANNEL_MAY_USE_FILE, NULL, 0);
}

static struct slice large_bytes(void)
{
    static char bytes[LARGE];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 31 + i / 4096);
    return slice_of(bytes, sizeof(bytes));
}

static void frames_arrive_whole_and_in_order(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(send_bytes(&fixture->a, SLICE("one")), OK);
    assert_int_equal(channel_wait(fixture->b.channel, 1000), OK);
    assert_true(slice_equals(buffer_view(&fixture->b.last), SLICE("one")));
    assert_int_equal(send_bytes(&fixture->a, SLICE("two")), OK);
    assert_int_equal(send_bytes(&fixture->a, SLICE("three")), OK);
    settle(fixture);
    assert_int_equal(fixture->b.frames, 3);
    assert_true(slice_equals(buffer_view(&fixture->b.last), SLICE("three")));
}

static void a_large_frame_arrives_in_a_file(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(send_bytes(&fixture->a, large_bytes()), OK);
    settle(fixture);
    assert_int_equal(fixture->b.frames, 1);
    assert_true(slice_equals(buffer_view(&fixture->b.last), large_bytes()));
}

static void a_value_is_never_put_into_a_file(void **state)
{
    struct fixture *fixture = *state;
    struct slice most = slice_take(large_bytes(), CHANNEL_INLINE_MAX);
    struct slice over = slice_take(large_bytes(), CHANNEL_INLINE_MAX + 1);

    assert_int_equal(channel_send(fixture->a.channel, over, CHANNEL_INLINE_ONLY, NULL, 0),
                     ERR_TOO_LARGE);
    assert_int_equal(channel_send(fixture->a.channel, most, CHANNEL_INLINE_ONLY, NULL, 0), OK);
    settle(fixture);
    assert_int_equal(fixture->b.frames, 1);
    assert_true(slice_equals(buffer_view(&fixture->b.last), most));
}

static void a_descriptor_arrives_with_its_frame(void **state)
{
    struct fixture *fixture = *state;
    int pipe_ends[2];
    char byte = 0;

    assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
    fixture->b.takes = true;
    assert_int_equal(
        channel_send(fixture->a.channel, SLICE("fd"), CHANNEL_MAY_USE_FILE, &pipe_ends[1], 1), OK);
    settle(fixture);
    assert_true(fixture->b.taken >= 0);
    assert_int_equal(fcntl(fixture->b.taken, F_GETFD), FD_CLOEXEC);
    assert_int_equal(write(fixture->b.taken, "x", 1), 1);
    close(fixture->b.taken);
    assert_int_equal(read(pipe_ends[0], &byte, 1), 1);
    assert_int_equal(read(pipe_ends[0], &byte, 1), 0); /* the sender keeps no copy */
    close(pipe_ends[0]);
}

static void a_descriptor_goes_with_a_large_frame_too(void **state)
{
    struct fixture *fixture = *state;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    fixture->b.takes = true;
    assert_int_equal(
        channel_send(fixture->a.channel, large_bytes(), CHANNEL_MAY_USE_FILE, &null, 1), OK);
    settle(fixture);
    assert_int_equal(buffer_len(&fixture->b.last), LARGE);
    assert_int_equal(close(fixture->b.taken), 0);
}

static void a_descriptor_that_nobody_takes_is_closed(void **state)
{
    struct fixture *fixture = *state;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    assert_int_equal(channel_send(fixture->a.channel, SLICE("fd"), CHANNEL_MAY_USE_FILE, &null, 1),
                     OK);
    settle(fixture);
    assert_true(fixture->b.taken >= 0);
    assert_int_equal(fcntl(fixture->b.taken, F_GETFD), -1);
}

static void what_does_not_fit_into_the_socket_waits_its_turn(void **state)
{
    struct fixture *fixture = *state;
    struct slice piece = slice_take(large_bytes(), 60 * 1024);
    size_t sent = 0;

    while (channel_is_drained(fixture->a.channel)) {
        assert_int_equal(send_bytes(&fixture->a, piece), OK);
        sent++;
    }
    assert_int_equal(send_bytes(&fixture->a, SLICE("last")), OK);
    settle(fixture);
    assert_int_equal(fixture->b.frames, sent + 1);
    assert_true(slice_equals(buffer_view(&fixture->b.last), SLICE("last")));
    assert_int_equal(fixture->a.drained, 1);
    assert_true(channel_is_drained(fixture->a.channel));
}

static void a_queue_that_never_drains_ends_the_channel(void **state)
{
    struct fixture *fixture = *state;
    struct slice piece = slice_take(large_bytes(), CHANNEL_INLINE_MAX);
    enum error error = OK;

    channel_pause(fixture->b.channel);
    for (size_t i = 0; i < 2 * CHANNEL_QUEUE_MAX / CHANNEL_INLINE_MAX && error == OK; i++)
        error = send_bytes(&fixture->a, piece);
    assert_int_equal(error, ERR_CLOSED);
    assert_int_equal(fixture->a.closed, 0); /* not from within the call */
    settle(fixture);
    assert_int_equal(fixture->a.closed, 1);
}

static void a_paused_channel_reads_nothing(void **state)
{
    struct fixture *fixture = *state;

    channel_pause(fixture->b.channel);
    assert_int_equal(send_bytes(&fixture->a, SLICE("later")), OK);
    settle(fixture);
    assert_int_equal(fixture->b.frames, 0);
    channel_resume(fixture->b.channel);
    settle(fixture);
    assert_int_equal(fixture->b.frames, 1);
}

static void the_death_of_the_other_side_is_told_once(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(send_bytes(&fixture->a, SLICE("farewell")), OK);
    channel_close(fixture->a.channel);
    fixture->a.channel = NULL;
    settle(fixture);
    assert_int_equal(fixture->b.frames, 1);
    assert_int_equal(fixture->b.closed, 1);
}

static void a_channel_may_be_closed_while_it_delivers(void **state)
{
    struct fixture *fixture = *state;

    fixture->b.closes_itself = true;
    assert_int_equal(send_bytes(&fixture->a, SLICE("one")), OK);
    assert_int_equal(send_bytes(&fixture->a, SLICE("two")), OK);
    settle(fixture);
    assert_int_equal(fixture->b.frames, 1);
    assert_int_equal(fixture->a.closed, 1);
}

static void waiting_ends_with_the_time_or_with_the_other_side(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(channel_wait(fixture->b.channel, 1), ERR_TIMEOUT);
    channel_close(fixture->a.channel);
    fixture->a.channel = NULL;
    assert_int_equal(channel_wait(fixture->b.channel, 1000), ERR_CLOSED);
    assert_int_equal(fixture->b.closed, 1);
}

/* Past the channel, what only a hostile process sends. Descriptors stay the caller's. */
static void send_raw(int fd, struct slice packet, const int *descriptors, size_t count)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))] = {0};
    struct iovec vector = {(void *)(uintptr_t)packet.data, packet.len};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

    if (count > 0) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
    }
    assert_int_equal(sendmsg(fd, &message, 0), packet.len);
}

static size_t count_descriptors(void)
{
    size_t count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void expect_refused(struct fixture *fixture, struct slice packet, const int *descriptors,
                           size_t count)
{
    size_t before = count_descriptors();

    send_raw(fixture->raw[0], packet, descriptors, count);
    settle(fixture);
    assert_int_equal(fixture->b.frames, 0);
    assert_int_equal(fixture->b.closed, 1);
    assert_int_equal(fixture->a.closed, 1);
    assert_int_equal(count_descriptors(), before - 2); /* both ends' own, and none has leaked */
}

static void a_packet_that_had_to_be_cut_is_refused(void **state)
{
    static char packet[CHANNEL_INLINE_MAX + 2];

    expect_refused(*state, slice_of(packet, sizeof(packet)), NULL, 0);
}

static void a_packet_of_no_known_kind_is_refused(void **state)
{
    expect_refused(*state, SLICE("\x07"), NULL, 0);
}

static void a_file_packet_without_a_file_is_refused(void **state)
{
    expect_refused(*state, SLICE("\x01"), NULL, 0);
}

static void more_descriptors_than_allowed_are_refused(void **state)
{
    const int descriptors[6] = {0, 0, 0, 0, 0, 0};

    expect_refused(*state, slice_of("\0x", 2), descriptors, 6);
}

static void one_descriptor_over_the_limit_is_refused(void **state)
{
    const int descriptors[5] = {0, 0, 0, 0, 0};

    expect_refused(*state, slice_of("\0x", 2), descriptors, 5);
}

static void a_file_that_can_still_change_is_refused(void **state)
{
    int file = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    assert_int_equal(write(file, "bytes", 5), 5);
    assert_int_equal(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SEAL), 0);
    expect_refused(*state, SLICE("\x01"), &file, 1); /* it can still shrink */
    close(file);
}

static void an_ordinary_file_is_refused(void **state)
{
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    expect_refused(*state, SLICE("\x01"), &file, 1);
    close(file);
}

struct listener_of_peer {
    size_t handled, gone;
};

static void on_activity(struct peer *peer, struct message *message)
{
    struct listener_of_peer *seen = peer->context;

    assert_true(slice_equals(message->activity.sandbox_id, SLICE("sb-1")));
    seen->handled++;
}

static void on_peer_gone(struct peer *peer)
{
    ((struct listener_of_peer *)peer->context)->gone++;
}

static message_handler *const handlers[MESSAGE_COUNT] = {[MESSAGE_ACTIVITY] = on_activity};

/* A peer on one end, a bare channel on the other. */
static void send_message(struct fixture *fixture, const struct message *message)
{
    struct buffer bytes;
    int descriptors[CHANNEL_DESCRIPTORS_MAX];
    size_t count;

    buffer_init(&bytes, CHANNEL_FRAME_MAX);
    assert_int_equal(message_encode(message, &bytes, descriptors, &count), OK);
    assert_int_equal(send_bytes(&fixture->a, buffer_view(&bytes)), OK);
    buffer_clear(&bytes);
    settle(fixture);
}

static void a_peer_accepts_what_it_has_a_handler_for_and_nothing_else(void **state)
{
    struct fixture *fixture = *state;
    struct listener_of_peer seen = {0};
    struct peer peer = {.context = &seen, .handlers = handlers, .on_gone = on_peer_gone};
    int pair[2];

    channel_close(fixture->a.channel);
    assert_int_equal(channel_pair(pair), OK);
    end_open(fixture, &fixture->a, pair[0]);
    assert_int_equal(peer_open(&peer, fixture->base, pair[1]), OK);
    send_message(fixture, &(struct message){.type = MESSAGE_ACTIVITY,
                                            .activity = {.sandbox_id = SLICE("sb-1")}});
    assert_int_equal(seen.handled, 1);
    assert_true(peer_is_open(&peer));
    send_message(fixture, &(struct message){.type = MESSAGE_ROTATE_KEY});
    assert_int_equal(seen.gone, 1);
    assert_false(peer_is_open(&peer));
    assert_int_equal(peer_send(&peer, &(struct message){.type = MESSAGE_READY}), ERR_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames_arrive_whole_and_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(a_large_frame_arrives_in_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(a_value_is_never_put_into_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(a_descriptor_arrives_with_its_frame, setup, teardown),
        cmocka_unit_test_setup_teardown(a_descriptor_goes_with_a_large_frame_too, setup, teardown),
        cmocka_unit_test_setup_teardown(a_descriptor_that_nobody_takes_is_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(what_does_not_fit_into_the_socket_waits_its_turn, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_queue_that_never_drains_ends_the_channel, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_paused_channel_reads_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(the_death_of_the_other_side_is_told_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_channel_may_be_closed_while_it_delivers, setup, teardown),
        cmocka_unit_test_setup_teardown(waiting_ends_with_the_time_or_with_the_other_side, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_packet_that_had_to_be_cut_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_packet_of_no_known_kind_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_packet_without_a_file_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(more_descriptors_than_allowed_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(one_descriptor_over_the_limit_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_can_still_change_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(an_ordinary_file_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_peer_accepts_what_it_has_a_handler_for_and_nothing_else,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
