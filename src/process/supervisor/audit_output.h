/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where audit lines go, opened by the supervisor: a file (O_APPEND, 0640), standard output, the
 * journal's socket, or nowhere. Workers get a descriptor to write to, control one to read. */

#include "process/config/config.h"

struct audit_output {
    int write_fd; /* -1: none */
    int read_fd;  /* -1: cannot be read back */
    bool is_datagram;
};

/* It has logged what went wrong. ERR_SYSTEM, ERR_TOO_LARGE. */
MUST_USE enum error audit_output_open(const struct config *config, struct audit_output *out);
void audit_output_close(struct audit_output *output);
