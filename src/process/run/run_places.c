/* SPDX-License-Identifier: Apache-2.0 */
/* Hides where the machine's services listen. Never hides a place that was shared by name. */
#include "process/run/run_places.h"

#include "process/run/run_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Folders that belong to services: empty even where a socket will only come later. */
static const char *const folders[] = {
    "/run/user",       "/run/dbus",      "/run/systemd",      "/run/nscd",
    "/run/docker",     "/run/podman",    "/run/containerd",   "/run/crio",
    "/run/containers", "/run/k3s",       "/run/libvirt",      "/run/lxd",
    "/run/incus",      "/run/buildkit",  "/run/avahi-daemon", "/run/cups",
    "/run/pcscd",      "/run/snapd",     "/run/screen",       "/run/tmux",
    "/run/gdm3",       "/run/gdm",       "/run/sddm",         "/run/dockershim",
    "/tmp/.X11-unix",  "/tmp/.ICE-unix", "/tmp/.font-unix",   "/var/lib/sealgate",
};

/* The same without a folder of their own. */
static const char *const files[] = {
    "/run/docker.sock",         "/run/snapd.socket",
    "/run/snapd-snap.socket",   "/run/acpid.socket",
    "/run/rpcbind.sock",        "/var/run/docker.sock",
    "/run/cri-dockerd.sock",    "/dev/log",
    "/var/lib/lxd/unix.socket", "/var/snap/lxd/common/lxd/unix.socket",
};

static bool is_shared(const struct run_places *places, const char *path)
{
    for (size_t i = 0; i < places->shared_count; i++) {
        if (strcmp(places->shared[i], path) == 0)
            return true;
    }
    return false;
}

static enum error note_failure(enum error error, const char *path, char *failed, size_t size)
{
    if (error == OK || error == ERR_NOT_FOUND)
        return OK;
    snprintf(failed, size, "%s", path);
    return error;
}

static enum error empty_folder(const struct run_places *places, const char *path, char *failed,
                               size_t size)
{
    if (is_shared(places, path))
        return OK;
    return note_failure(run_mount_empty(path, "0755"), path, failed, size);
}

static enum error empty_folders(const struct run_places *places, char *failed, size_t size)
{
    char sessions[64];

    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        TRY(empty_folder(places, folders[i], failed, size));
    for (size_t i = 0; i < places->more_count; i++)
        TRY(empty_folder(places, places->more[i], failed, size));
    snprintf(sessions, sizeof(sessions), "/tmp/tmux-%u", (unsigned)places->uid);
    return empty_folder(places, sessions, failed, size);
}

static bool is_file(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0 && !S_ISDIR(status.st_mode) && !S_ISCHR(status.st_mode);
}

static enum error cover_file(const struct run_places *places, const char *path, char *failed,
                             size_t size)
{
    if (is_shared(places, path) || !is_file(path))
        return OK;
    return note_failure(run_mount_cover(path), path, failed, size);
}

/* The path of a line of /proc/net/unix: what comes after seven fields; empty: none, or abstract. */
static struct slice socket_path(struct slice line)
{
    struct slice rest = line;

    for (int field = 0; field < 7; field++) {
        slice_split(&rest, ' ');
        while (rest.len > 0 && rest.data[0] == ' ')
            rest = slice_skip(rest, 1);
    }
    return slice_starts_with(rest, SLICE("/")) ? rest : SLICE_NONE;
}

static enum error cover_sockets(const struct run_places *places, char *failed, size_t size)
{
    struct slice rest = places->sockets;
    char path[PATH_MAX];

    while (rest.len > 0) {
        struct slice found = socket_path(slice_split(&rest, '\n'));

        if (found.len == 0 || found.len >= sizeof(path))
            continue;
        snprintf(path, sizeof(path), "%.*s", SLICE_ARG(found));
        TRY(cover_file(places, path, failed, size));
    }
    return OK;
}

/* XDG_RUNTIME_DIR is there, and empty. */
static void make_runtime_folder(const struct run_places *places)
{
    char path[64];

    snprintf(path, sizeof(path), "/run/user/%u", (unsigned)places->uid);
    (void)mkdir(path, 0700);
}

/* What is shared was opened before its folder became empty. */
static enum error put_one_back(int kept, const char *path)
{
    struct stat status;

    if (kept < 0 || fstat(kept, &status) != 0 || access(path, F_OK) == 0)
        return OK; /* there is none, or it was not hidden */
    TRY(run_mount_make_parents(path));
    if (!S_ISDIR(status.st_mode))
        TRY(run_mount_write(path, SLICE_NONE));
    else if (mkdir(path, 0755) != 0)
        return ERR_SYSTEM;
    return run_mount_at(kept, path);
}

static enum error put_back(const struct run_places *places, const int *kept, char *failed,
                           size_t size)
{
    for (size_t i = 0; i < places->shared_count; i++)
        TRY(note_failure(put_one_back(kept[i], places->shared[i]), places->shared[i], failed,
                         size));
    return OK;
}

static enum error hide_all(const struct run_places *places, char *failed, size_t size)
{
    TRY(empty_folders(places, failed, size));
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        TRY(cover_file(places, files[i], failed, size));
    return cover_sockets(places, failed, size);
}

enum error run_places_hide(const struct run_places *places, char *failed, size_t size)
{
    int kept[RUN_PLACES_SHARED_MAX];

    for (size_t i = 0; i < places->shared_count; i++)
        kept[i] = open(places->shared[i], O_PATH | O_CLOEXEC);
    enum error error = hide_all(places, failed, size);
    if (error == OK) {
        make_runtime_folder(places);
        error = put_back(places, kept, failed, size);
    }
    int reason = errno;
    for (size_t i = 0; i < places->shared_count; i++) {
        if (kept[i] >= 0)
            close(kept[i]);
    }
    errno = reason;
    return error;
}
