/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* TLS for the API's TCP listeners: `control_tls` of the configuration. */

#include "process/config.h"

#include <openssl/ssl.h>

/* NULL in `*out`: plain HTTP. It has logged which file cannot be used: ERR_CONFIG. */
MUST_USE enum error control_tls_load(const struct config *config, SSL_CTX **out);
