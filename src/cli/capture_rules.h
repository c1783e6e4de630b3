/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What `nft list ruleset` says about capture, as far as it matters to listen.transparent. */

#include "base/slice.h"

struct capture_rules {
    bool redirects;    /* REDIRECT or DNAT to the port */
    bool uses_tproxy;  /* TPROXY to it */
    bool refuses;      /* a chain at the forward hook drops or rejects something */
    bool guards_input; /* likewise at the input hook, or in a chain that one there jumps to */
    bool checks_paths; /* source addresses are checked against the interface */
};

struct capture_rules capture_rules_read(struct slice ruleset, uint16_t port);
