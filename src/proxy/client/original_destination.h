/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whom a transparent client wanted to reach. */

#include "base/ip_address.h"

/* From the kernel's connection tracking (REDIRECT, DNAT), else the socket's own address (TPROXY, or
 * a namespace where every address is local). */
bool original_destination(int fd, struct ip_endpoint *out);
