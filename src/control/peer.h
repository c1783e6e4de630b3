/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who is at the other end of a unix socket, and whether that is an administrator of this machine.
 */

#include <stdbool.h>

/* Root, or the uid of this process, in the user namespace of this process. `proc_fd` is /proc (-1:
 * there is none; then, and when /proc may not be read, only the uid decides). */
bool peer_is_owner(int fd, int proc_fd);
