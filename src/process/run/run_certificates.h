/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the command trusts: the machine's certificates and our root, where programs look for them,
 * with or without the variables that name the bundle. In its own mount namespace alone. */

#include "base/compiler.h"
#include "base/error.h"
#include "base/slice.h"

/* Where the bundle will lie: what the variables of the environment name. Static. */
const char *run_certificates_path(void);

/* PEM: `bundle` with everything, `root` alone. ERR_SYSTEM with errno: not everywhere. */
MUST_USE enum error run_certificates_lay(struct slice bundle, struct slice root);
