/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What `upstream:` of the configuration says beyond addresses: another proxy to go through. Part of
 * config.h, which others include. */

#include "policy/policy.h"

struct config_strings {
    struct slice *items; /* each NUL-terminated after its length */
    size_t count;
};
struct config_networks {
    struct ip_network *items;
    size_t count;
};
/* Without a port of its own, a pattern under `upstream:` is for every port. */
struct config_patterns {
    struct host_pattern *items;
    size_t count;
};

/* upstream.proxy: everything goes through it but what `upstream.resolve` and `except` name. */
struct config_upstream_proxy {
    struct authority address; /* port 0: there is none */
    struct slice credentials; /* the file with one line, user:password; empty: none */
    struct config_patterns except_hosts;
    struct config_networks except_networks; /* for targets that are address literals */
};
