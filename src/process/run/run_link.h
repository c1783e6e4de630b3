/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What `sealgate run` and the first process of the command's namespaces say to each other, over one
 * SOCK_SEQPACKET pair. The inner side is as trustworthy as the command: what it says is checked,
 * and decides nothing but how the command seems to have ended. */

#include "base/compiler.h"
#include "base/error.h"

enum run_link_kind {
    RUN_LINK_CAPTURED,   /* outwards: the sockets are `fds`, `number` says which (a bit each) */
    RUN_LINK_FAILED,     /* outwards: `text` could not be done, `reason` is the errno */
    RUN_LINK_WEAKER,     /* outwards: the same, but the command can go on without */
    RUN_LINK_NO_COMMAND, /* outwards: the command was not started, `reason` is the errno */
    RUN_LINK_STOPPED,    /* outwards: the command was stopped by the signal `number` */
    RUN_LINK_EXITED,     /* outwards: the command has ended, `number` is what waitpid() said */
    RUN_LINK_START,      /* inwards: `fds` are memory files: environment, certificates, our root */
    RUN_LINK_SIGNAL,     /* inwards: `number` is for the command */
    RUN_LINK_KIND_COUNT,
};

enum { RUN_LINK_FDS_MAX = 12, RUN_LINK_TEXT_MAX = 160 };

struct run_link_message {
    enum run_link_kind kind;
    int number, reason;
    char text[RUN_LINK_TEXT_MAX]; /* NUL-terminated */
    int fds[RUN_LINK_FDS_MAX];
    size_t fd_count;
};

MUST_USE enum error run_link_pair(int out[2]);
/* The descriptors stay the caller's. ERR_CLOSED, ERR_SYSTEM. */
MUST_USE enum error run_link_send(int link, const struct run_link_message *message);
/* Descriptors, close-on-exec, are the caller's afterwards. ERR_CLOSED: the other side is gone;
 * ERR_SYNTAX: it sent what no side sends; ERR_SYSTEM with EMFILE: there is no room for its
 * descriptors. Waits unless the descriptor is non-blocking: ERR_AGAIN.
 */
MUST_USE enum error run_link_receive(int link, struct run_link_message *out);
