/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who is asking, and what they may do. */

#include "control/api.h"
#include "control/http_server.h"

enum auth_right {
    AUTH_NONE,  /* anybody */
    AUTH_ORG,   /* a key of an org */
    AUTH_ADMIN, /* an admin key, or the local socket */
};

/* Fills in call->org and call->is_admin. A local peer is an administrator; it acts for the default
 * org, or for the one that its X-Sealgate-Org field names (by id or name). */
MUST_USE enum error auth_identify(struct api_call *call, const struct http_message *message);
/* After auth_identify(). */
MUST_USE enum error auth_require(struct api_call *call, enum auth_right right);
/* A new API key: "sgk_" and 43 random characters. */
enum { AUTH_KEY_SIZE = 48 };
struct slice auth_make_key(char text[AUTH_KEY_SIZE]);
