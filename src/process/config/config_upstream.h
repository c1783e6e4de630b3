/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What `upstream:` of the configuration says beyond addresses: another proxy to go through, and
 * what differs from host to host. Part of config.h, which others include. */

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
    unsigned line;
};

/* upstream.client_cert: who we are toward these hosts. */
struct config_client_cert {
    struct slice name;            /* the pattern as it was written */
    struct slice hosts;           /* and in canonical form; no two are the same */
    struct slice cert, key;       /* PEM files */
    struct config_strings stores; /* ids: for sandboxes that have one of them; empty: for all */
    unsigned line;
};
struct config_client_certs {
    struct config_client_cert *items;
    size_t count;
};

/* upstream.trust_for: these hosts are verified with these roots instead of upstream.trust. */
struct config_host_trust {
    struct slice name, hosts; /* like above */
    bool system;
    struct config_strings files; /* PEM */
    unsigned line;
};
struct config_host_trusts {
    struct config_host_trust *items;
    size_t count;
};

enum { CONFIG_HOST_RULES_MAX = 256, CONFIG_TRUST_FILES_MAX = 64 };
