/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whom we believe upstream: `upstream.trust` of the configuration. */

#include "process/config/config.h"

#include <openssl/x509.h>

/* It has logged which file cannot be used. ERR_CONFIG, ERR_NO_MEMORY. */
MUST_USE enum error trust_store_load(const struct config *config, X509_STORE **out);
