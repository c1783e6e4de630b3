/* SPDX-License-Identifier: Apache-2.0 */
/* Audit lines on their way to a descriptor: whole, in order, bounded. */
#include "observe/audit.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct pair {
    int ours, theirs;
};

static struct pair open_pair(int type)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    return (struct pair){fds[0], fds[1]};
}

static void close_pair(struct pair pair)
{
    close(pair.ours);
    close(pair.theirs);
}

static void write_record(struct audit_writer *writer, struct slice path)
{
    assert_int_equal(audit_write(writer, &(struct audit_record){.path = path}), OK);
}

/* What one read gives; empty when there is nothing. */
static struct slice receive(int fd, char *room, size_t size)
{
    ssize_t len = read(fd, room, size);

    return slice_of(room, len > 0 ? (size_t)len : 0);
}

static void lines_are_written_whole_on_flush(void **state)
{
    struct pair pair = open_pair(SOCK_STREAM);
    struct audit_writer writer;
    char room[1024];

    (void)state;
    audit_writer_init(&writer, pair.ours, false);
    write_record(&writer, SLICE("/one"));
    write_record(&writer, SLICE("/two"));
    assert_int_equal(receive(pair.theirs, room, sizeof(room)).len, 0);
    assert_int_equal(audit_flush(&writer), OK);
    struct slice rest = receive(pair.theirs, room, sizeof(room));
    struct slice one = slice_split(&rest, '\n'), two = slice_split(&rest, '\n');
    assert_true(slice_find_slice(one, SLICE("\"/one\"")) < one.len);
    assert_true(slice_find_slice(two, SLICE("\"/two\"")) < two.len);
    assert_int_equal(rest.len, 0);
    audit_writer_clear(&writer);
    close_pair(pair);
}

static void without_a_descriptor_nothing_is_kept(void **state)
{
    struct audit_writer writer;

    (void)state;
    audit_writer_init(&writer, -1, false);
    write_record(&writer, SLICE("/"));
    assert_int_equal(buffer_len(&writer.pending), 0);
    assert_int_equal(audit_flush(&writer), OK);
    audit_writer_clear(&writer);
}

static void a_datagram_is_one_line_in_the_form_of_the_journal(void **state)
{
    struct pair pair = open_pair(SOCK_DGRAM);
    struct audit_writer writer;
    char room[1024];

    (void)state;
    audit_writer_init(&writer, pair.ours, true);
    write_record(&writer, SLICE("/one\nPRIORITY=0\n"));
    write_record(&writer, SLICE("/two"));
    assert_int_equal(audit_flush(&writer), OK);
    struct slice rest = receive(pair.theirs, room, sizeof(room));
    struct slice message = slice_split(&rest, '\n');
    assert_true(slice_starts_with(message, SLICE("MESSAGE={\"time\":\"")));
    assert_true(slice_find_slice(message, SLICE("/one\\u000aPRIORITY=0")) < message.len);
    assert_true(slice_equals(rest, SLICE("PRIORITY=6\nSYSLOG_IDENTIFIER=sealgate\n")));
    assert_true(receive(pair.theirs, room, sizeof(room)).len > 0);
    assert_int_equal(receive(pair.theirs, room, sizeof(room)).len, 0);
    audit_writer_clear(&writer);
    close_pair(pair);
}

/* Writes until the reader, who does not read, has taken all it can. */
static enum error write_until_full(struct audit_writer *writer, int *written)
{
    enum error error = OK;

    while (error == OK && *written < 100000) {
        error = audit_write(writer, &(struct audit_record){.path = SLICE("/x")});
        *written += error == OK;
    }
    return error;
}

static int count_lines(int fd, struct audit_writer *writer)
{
    static char room[1 << 16];
    struct slice some;
    int lines = 0;

    do {
        (void)!audit_flush(writer);
        some = receive(fd, room, sizeof(room));
        for (size_t i = 0; i < some.len; i++)
            lines += some.data[i] == '\n';
    } while (some.len > 0);
    return lines;
}

static void a_reader_that_stops_loses_only_what_was_refused(void **state)
{
    struct pair pair = open_pair(SOCK_STREAM);
    struct audit_writer writer;
    int written = 0;

    (void)state;
    audit_writer_init(&writer, pair.ours, false);
    assert_int_equal(write_until_full(&writer, &written), ERR_TOO_LARGE);
    assert_true(writer.pending.capacity <= 256 * 1024);
    assert_int_equal(count_lines(pair.theirs, &writer), written);
    audit_writer_clear(&writer);
    close_pair(pair);
}

static void a_line_too_long_for_a_datagram_is_dropped_and_said(void **state)
{
    struct pair pair = open_pair(SOCK_DGRAM);
    const int small = 1024; /* the kernel makes it 4,608 */
    struct audit_writer writer;
    char path[2048], room[1024];
    struct slice secrets[40];

    (void)state;
    memset(path, 'a', sizeof(path));
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        secrets[i] = slice_of(path, 500);
    assert_int_equal(setsockopt(pair.ours, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
    audit_writer_init(&writer, pair.ours, true);
    assert_int_equal(
        audit_write(&writer, &(struct audit_record){.secrets = secrets, .secret_count = 40}), OK);
    write_record(&writer, SLICE("/short"));
    assert_int_equal(audit_flush(&writer), ERR_TOO_LARGE);
    struct slice got = receive(pair.theirs, room, sizeof(room));
    assert_true(slice_find_slice(got, SLICE("/short")) < got.len);
    assert_int_equal(buffer_len(&writer.pending), 0);
    audit_writer_clear(&writer);
    close_pair(pair);
}

static void a_descriptor_that_fails_keeps_what_is_pending(void **state)
{
    struct audit_writer writer;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

    (void)state;
    assert_true(full >= 0);
    audit_writer_init(&writer, full, false);
    write_record(&writer, SLICE("/"));
    size_t pending = buffer_len(&writer.pending);
    assert_int_equal(audit_flush(&writer), ERR_SYSTEM);
    assert_int_equal(buffer_len(&writer.pending), pending);
    audit_writer_clear(&writer);
    close(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_written_whole_on_flush),
        cmocka_unit_test(without_a_descriptor_nothing_is_kept),
        cmocka_unit_test(a_datagram_is_one_line_in_the_form_of_the_journal),
        cmocka_unit_test(a_reader_that_stops_loses_only_what_was_refused),
        cmocka_unit_test(a_line_too_long_for_a_datagram_is_dropped_and_said),
        cmocka_unit_test(a_descriptor_that_fails_keeps_what_is_pending),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
