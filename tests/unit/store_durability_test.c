/* SPDX-License-Identifier: Apache-2.0 */
/* Every acknowledged write survives SIGKILL of the process that wrote. */

#include "store_fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

enum { WRITES = 200, ROUNDS = 4 };

/* The child's whole life: write, then acknowledge with one byte, until it is killed. */
static NORETURN void write_and_acknowledge(struct fixture *f, struct slice store_id, int fd)
{
    for (unsigned i = 0; i < WRITES; i++) {
        char name[32];
        snprintf(name, sizeof name, "KEY_%u", i);
        const struct secret_entry_new given = {f->org,     store_id, TEXT(name),
                                               TEXT(name), NO_TEXTS, NO_TEXTS};
        struct secret_set_outcome outcome;
        if (secrets_set(f->store, &given, &outcome) != OK || write(fd, "x", 1) != 1)
            _exit(1);
    }
    pause();
    _exit(2);
}

/* Its death comes wherever it happens to be after `enough` writes; returns how many it had
 * acknowledged by then. */
static unsigned kill_after(pid_t child, int fd, unsigned enough)
{
    unsigned acknowledged = 0;
    char byte;
    while (acknowledged < enough) {
        assert_int_equal(read(fd, &byte, 1), 1);
        acknowledged++;
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    while (read(fd, &byte, 1) == 1)
        acknowledged++;

    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return acknowledged;
}

static unsigned run_writer(struct fixture *f, struct slice store_id, unsigned enough)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    store_close(TAKE(f->store)); /* no connection may cross fork() */

    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        if (store_open(SLICE("sqlite"), TEXT(f->folder), NULL, &f->store) != OK)
            _exit(3);
        write_and_acknowledge(f, store_id, ends[1]);
    }
    close(ends[1]);
    unsigned acknowledged = kill_after(child, ends[0], enough);
    close(ends[0]);
    return acknowledged;
}

/* Neither a secret without its token, nor a write that is there by half. */
static void assert_whole(struct fixture *f, struct slice box, unsigned acknowledged)
{
    struct view_data data = view_of(f, box);
    assert_true(data.secret_count >= acknowledged && data.secret_count <= acknowledged + 1);
    assert_int_equal(secrets_at_rest(f), data.secret_count);
    for (unsigned i = 0; i < acknowledged; i++) {
        char name[32];
        snprintf(name, sizeof name, "KEY_%u", i);
        const struct view_data_secret *secret = secret_in(f, box, name);
        assert_non_null(secret);
        assert_slice(secret->sealed, TEXT(name));
    }
}

static void every_acknowledged_write_survives_a_kill(void **state)
{
    struct fixture *f = *state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        char name[32];
        snprintf(name, sizeof name, "store-%u", round);
        struct slice store_id = make_store(f, name);
        struct slice box = make_sandbox(f, TEXTS(store_id));

        unsigned acknowledged = run_writer(f, store_id, 10 + round * 50);
        fixture_open(f);
        assert_whole(f, box, acknowledged);
        delete_sandbox(f, box);
        delete_store(f, store_id);
        assert_int_equal(secrets_at_rest(f), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_acknowledged_write_survives_a_kill, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
