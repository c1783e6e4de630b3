/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A URL as a sandbox would ask for it: scheme and authority; the rest decides nothing. */

#include "base/host_name.h"

struct explain_url {
    bool is_https;
    struct authority authority;
};

/* "http://" or "https://", any case; userinfo, white space and controls are refused. ERR_SYNTAX. */
MUST_USE enum error explain_url_parse(struct slice text, struct explain_url *out);
