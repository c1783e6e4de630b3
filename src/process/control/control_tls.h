/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* TLS for the API's TCP listeners: `control_tls` of the configuration. */

#include "base/compiler.h"
#include "base/error.h"

#include <openssl/ssl.h>

/* From the PEM files behind two open descriptors, which stay the caller's: a chain, leaf first, and
 * its key. It has logged which cannot be used: ERR_CONFIG. */
MUST_USE enum error control_tls_load(int certificate_fd, int key_fd, SSL_CTX **out);
