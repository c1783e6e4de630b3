/* SPDX-License-Identifier: Apache-2.0 */
/* Authorizes unix socket peers by the kernel's word alone. Never by anything that the peer sent. */

#include "control/peer.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAP_TEXT_MAX = 4096, PATH_TEXT_MAX = 64 };

static ssize_t read_map(int proc_fd, const char *path, char text[MAP_TEXT_MAX])
{
    int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t len = read(fd, text, MAP_TEXT_MAX);
    close(fd);
    return len;
}

/* For peers of another uid, whose namespace we may not look at: everybody may read how its ids are
 * mapped, and only real root could map all of them onto themselves in a namespace below. */
static bool peer_shares_map(pid_t pid, int proc_fd)
{
    char path[PATH_TEXT_MAX], ours[MAP_TEXT_MAX], theirs[MAP_TEXT_MAX];
    snprintf(path, sizeof path, "%ld/uid_map", (long)pid);
    ssize_t len = read_map(proc_fd, "self/uid_map", ours);
    if (len < 0)
        return true; /* a kernel without user namespaces, or no /proc for us */
    return read_map(proc_fd, path, theirs) == len && memcmp(ours, theirs, (size_t)len) == 0;
}

static bool peer_shares_namespace(pid_t pid, int proc_fd)
{
    char path[PATH_TEXT_MAX];
    snprintf(path, sizeof path, "%ld/ns/user", (long)pid);
    struct stat ours, theirs;
    if (fstatat(proc_fd, "self/ns/user", &ours, 0) != 0 || fstatat(proc_fd, path, &theirs, 0) != 0)
        return peer_shares_map(pid, proc_fd);
    return ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

bool peer_is_owner(int fd, int proc_fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || size != sizeof peer)
        return false;
    if (peer.uid != 0 && peer.uid != geteuid())
        return false;
    return proc_fd < 0 || (peer.pid > 0 && peer_shares_namespace(peer.pid, proc_fd));
}
