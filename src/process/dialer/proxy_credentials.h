/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* "user:password" for the proxy of upstream.proxy, in guarded memory. A shared snapshot: a dial
 * that began before a reload says to the former proxy what was meant for that one. */

#include "base/buffer.h"

enum { PROXY_CREDENTIALS_MAX = 1024 };

struct proxy_credentials;

/* Copies. `value` has a colon and no control character: ERR_SYNTAX. ERR_NO_MEMORY. */
MUST_USE enum error proxy_credentials_new(struct slice value, struct proxy_credentials **out);
/* Both take NULL. */
struct proxy_credentials *proxy_credentials_ref(struct proxy_credentials *credentials);
void proxy_credentials_unref(struct proxy_credentials *credentials);

/* Appends "Basic …", the value of a Proxy-Authorization field (RFC 7617). The caller wipes it. */
MUST_USE enum error proxy_credentials_write(const struct proxy_credentials *credentials,
                                            struct buffer *out);
