/* SPDX-License-Identifier: Apache-2.0 */
/* Authorizes unix socket peers by the kernel's word alone. Never by anything that the peer sent. */

#include "control/peer.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static bool peer_shares_namespace(pid_t pid, int proc_fd)
{
    char path[64];
    snprintf(path, sizeof path, "%ld/ns/user", (long)pid);
    struct stat ours, theirs;
    if (fstatat(proc_fd, "self/ns/user", &ours, 0) != 0)
        return true; /* a kernel without user namespaces */
    if (pid <= 0 || fstatat(proc_fd, path, &theirs, 0) != 0)
        return false;
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
    if (proc_fd < 0 || peer_shares_namespace(peer.pid, proc_fd))
        return true;
    /* Root of this namespace whose /proc we may not read; root of a namespace below is never uid 0
     * here unless we are that uid ourselves. */
    return peer.uid == 0 && geteuid() != 0;
}
