/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Makes the command's surroundings, step by step, inside its new namespaces and with their
 * privileges. */

#include "process/run/run_link.h"
#include "process/run/run_places.h"

#include <limits.h>

struct run_inside {
    int link; /* to the supervisor; borrowed */
    uid_t uid;
    gid_t gid;
    struct run_places places;
    char resolver_file[PATH_MAX]; /* what /etc/resolv.conf is in truth */
};

/* Identity, network, hidden places; the sockets go out as RUN_LINK_CAPTURED. What could not be done
 * was said as RUN_LINK_FAILED. */
MUST_USE enum error run_inside_prepare(struct run_inside *inside);
/* Certificates, names, processes: the rest. */
MUST_USE enum error run_inside_finish(struct run_inside *inside, struct slice bundle,
                                      struct slice root);
/* For the step `what` and errno: sends RUN_LINK_FAILED and returns ERR_SYSTEM. */
MUST_USE enum error run_inside_fail(int link, const char *what);
