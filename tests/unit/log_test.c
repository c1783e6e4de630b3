/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines: one per event, on standard error, whatever the fields say. */
#include "observe/log.h"

#include "base/compiler.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

enum { TIME_LEN = 24 };

static int read_end = -1, real_stderr = -1;

static int capture(void **state)
{
    int fds[2];

    (void)state;
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
        return -1;
    read_end = fds[0];
    real_stderr = dup(STDERR_FILENO);
    dup2(fds[1], STDERR_FILENO);
    close(fds[1]);
    log_open("worker 0", LEVEL_INFO);
    return 0;
}

static int release(void **state)
{
    (void)state;
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(read_end);
    return 0;
}

/* The line without its time; a read takes what one write gave, since each test writes once. */
static struct slice logged(void)
{
    static char room[65536];
    ssize_t len = read(read_end, room, sizeof(room));

    return len > TIME_LEN ? slice_of(room + TIME_LEN, (size_t)len - TIME_LEN) : SLICE_NONE;
}

static void assert_logged(const char *expected)
{
    struct slice line = logged();

    assert_int_equal(line.len, strlen(expected));
    assert_memory_equal(line.data, expected, line.len);
}

static void a_line_has_level_process_event_and_fields(void **state)
{
    (void)state;
    LOG(LEVEL_WARN, "upstream_untrusted", .sandbox = SLICE("sb-1"), .host = SLICE("api.example"),
        .error = ERR_TLS_UNTRUSTED, .number = -7, .has_number = true, .name = "dialer",
        .system_error = ENOENT);
    assert_logged(" warn \"worker 0\" upstream_untrusted name=dialer error=ERR_TLS_UNTRUSTED "
                  "system_error=\"No such file or directory\" number=-7 sandbox=sb-1 "
                  "host=api.example\n");
}

static void lines_below_the_level_are_dropped(void **state)
{
    (void)state;
    LOG(LEVEL_DEBUG, "noise");
    assert_int_equal(logged().len, 0);
    LOG(LEVEL_INFO, "news");
    assert_logged(" info \"worker 0\" news\n");
}

static void hostile_bytes_are_quoted_and_escaped(void **state)
{
    (void)state;
    LOG(LEVEL_INFO, "event", .path = SLICE("/a b\"\\=\n\r\x1b[0m\xff\0"));
    assert_logged(" info \"worker 0\" event path=\"/a b\\\"\\\\=\\x0a\\x0d\\x1b[0m\\xff\\x00\"\n");
}

static void a_line_is_bounded_and_whole_even_when_every_field_is_huge(void **state)
{
    static char huge[60000];
    struct slice text = slice_of(huge, sizeof(huge));

    (void)state;
    memset(huge, '\n', sizeof(huge));
    LOG(LEVEL_ERROR, "event", .sandbox = text, .host = text, .path = text, .address = text,
        .detail = text);
    struct slice line = logged();
    assert_in_range(line.len, 3000, 4096 - TIME_LEN);
    assert_int_equal(slice_find(line, '\n'), line.len - 1);
    assert_true(slice_find_slice(line, SLICE(" detail=\"\\x0a")) < line.len);
    assert_true(slice_find_slice(line, SLICE("...\"\n")) < line.len);
}

static void errno_survives_logging(void **state)
{
    (void)state;
    errno = EPIPE;
    LOG(LEVEL_INFO, "event");
    assert_int_equal(errno, EPIPE);
    assert_true(logged().len > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_has_level_process_event_and_fields, capture,
                                        release),
        cmocka_unit_test_setup_teardown(lines_below_the_level_are_dropped, capture, release),
        cmocka_unit_test_setup_teardown(hostile_bytes_are_quoted_and_escaped, capture, release),
        cmocka_unit_test_setup_teardown(a_line_is_bounded_and_whole_even_when_every_field_is_huge,
                                        capture, release),
        cmocka_unit_test_setup_teardown(errno_survives_logging, capture, release),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
