/* SPDX-License-Identifier: Apache-2.0 */
/* The command's surroundings. Never goes on when a step that confines it has failed. */
#include "process/run/run_inside.h"

#include "process/descriptor.h"
#include "process/run/run_certificates.h"
#include "process/run/run_mount.h"
#include "process/run/run_network.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESOLVER_FILE "/etc/resolv.conf"
#define SCRATCH_FILE "/dev/shm/.sealgate-resolv.conf"

static enum error report(int link, enum run_link_kind kind, const char *what)
{
    struct run_link_message message = {.kind = kind, .reason = errno};

    snprintf(message.text, sizeof(message.text), "%s", what);
    return run_link_send(link, &message);
}

enum error run_inside_fail(int link, const char *what)
{
    TRY(report(link, RUN_LINK_FAILED, what));
    return ERR_SYSTEM;
}

/* `error` of a step without which the command is confined all the same. */
static enum error note_weakness(const struct run_inside *inside, enum error error, const char *what)
{
    return error == OK || error == ERR_NOT_FOUND ? OK : report(inside->link, RUN_LINK_WEAKER, what);
}

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool is_written = fd >= 0 && descriptor_write_all(fd, slice_from_string(text));
    int reason = errno;

    if (fd >= 0)
        close(fd);
    errno = reason;
    return is_written;
}

/* Ourselves, and nobody else. */
static bool map_identity(const struct run_inside *inside)
{
    char users[64], groups[64];

    snprintf(users, sizeof(users), "%u %u 1", (unsigned)inside->uid, (unsigned)inside->uid);
    snprintf(groups, sizeof(groups), "%u %u 1", (unsigned)inside->gid, (unsigned)inside->gid);
    return write_file("/proc/self/setgroups", "deny") && write_file("/proc/self/uid_map", users) &&
           write_file("/proc/self/gid_map", groups);
}

static enum error listen_everywhere(struct run_link_message *captured)
{
    for (size_t i = 0; i < RUN_NETWORK_SOCKETS; i++) {
        enum error error = run_network_listen(i, &captured->fds[captured->fd_count]);

        if (error == ERR_UNSUPPORTED)
            continue;
        TRY(error);
        captured->fd_count++;
        captured->number |= 1 << i;
    }
    return OK;
}

static void close_all(const struct run_link_message *message)
{
    for (size_t i = 0; i < message->fd_count; i++)
        close(message->fds[i]);
}

static enum error capture(const struct run_inside *inside)
{
    struct run_link_message captured = {.kind = RUN_LINK_CAPTURED};

    if (run_network_capture() != OK)
        return run_inside_fail(inside->link, "make every address its own");
    enum error error = listen_everywhere(&captured);
    if (error == OK)
        error = run_link_send(inside->link, &captured);
    else
        error = run_inside_fail(inside->link, "listen in its network");
    close_all(&captured);
    return error;
}

static enum error hide_places(const struct run_inside *inside)
{
    char what[RUN_LINK_TEXT_MAX] = "hide ";

    if (run_places_hide(&inside->places, what + 5, sizeof(what) - 5) != OK)
        return run_inside_fail(inside->link, what);
    /* Shared memory has names that cross network namespaces too. */
    enum error error = run_mount_empty("/dev/shm", "1777");
    return error == OK || error == ERR_NOT_FOUND ? OK
                                                 : run_inside_fail(inside->link, "hide /dev/shm");
}

enum error run_inside_prepare(struct run_inside *inside)
{
    if (!map_identity(inside))
        return run_inside_fail(inside->link, "map the user");
    if (run_mount_separate() != OK)
        return run_inside_fail(inside->link, "separate the mounts");
    TRY(capture(inside));
    if (realpath(RESOLVER_FILE, inside->resolver_file) == NULL)
        inside->resolver_file[0] = '\0'; /* then the C library asks 127.0.0.1 anyway */
    return hide_places(inside);
}

/* Any address is answered; this one is also what the C library asks without a file. */
static enum error lay_resolver_file(const struct run_inside *inside)
{
    const char *path = inside->resolver_file;

    if (path[0] == '\0')
        return OK;
    if (access(path, F_OK) != 0) { /* in a folder that is empty now */
        TRY(run_mount_make_parents(path));
        return run_mount_write(path, SLICE("nameserver 127.0.0.1\n"));
    }
    TRY(run_mount_write(SCRATCH_FILE, SLICE("nameserver 127.0.0.1\n")));
    int fd = open(SCRATCH_FILE, O_PATH | O_CLOEXEC);
    enum error error = fd < 0 ? ERR_SYSTEM : run_mount_at(fd, path);
    int reason = errno;
    unlink(SCRATCH_FILE);
    if (fd >= 0)
        close(fd);
    errno = reason;
    return error;
}

/* What root may write there without any capability reaches the whole machine. */
static enum error protect_from_root(const struct run_inside *inside)
{
    static const char *const places[] = {"/proc/sys", "/proc/sysrq-trigger", "/proc/irq",
                                         "/proc/bus", "/sys"};
    char what[RUN_LINK_TEXT_MAX];

    for (size_t i = 0; inside->uid == 0 && i < ARRAY_LEN(places); i++) {
        snprintf(what, sizeof(what), "make %s read-only for a command that runs as root",
                 places[i]);
        TRY(note_weakness(inside, run_mount_read_only(places[i]), what));
    }
    return OK;
}

enum error run_inside_finish(struct run_inside *inside, struct slice bundle, struct slice root)
{
    TRY(note_weakness(inside, run_certificates_lay(bundle, root),
                      "lay our certificate over the system's, so programs that ignore the "
                      "variables will not trust it"));
    TRY(note_weakness(inside, lay_resolver_file(inside), "lay " RESOLVER_FILE " over"));
    TRY(note_weakness(inside, run_mount_processes(),
                      "hide the list of the machine's processes, which stays visible in /proc"));
    return protect_from_root(inside);
}
