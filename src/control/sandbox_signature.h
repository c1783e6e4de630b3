/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The keyholder's word that a sandbox has these stores, this proxy token and this source: who can
 * write the database alone cannot bind it to others. */

#include "policy/view.h"
#include "store/sandboxes.h"

struct control;

/* The parts of the view that say who the sandbox is. ERR_SYNTAX: its source is no address. */
MUST_USE enum error sandbox_signature_identify(const struct sandbox *sandbox, struct view *out);
/* For struct sandbox_new: asks the keyholder. */
struct sandbox_signer sandbox_signature_signer(struct control *control);
/* Signs what an older version left unsigned. Once: the keyholder then says that there is nothing to
 * take over any more, so whoever removes a signature later has a sandbox without values. */
void sandbox_signature_take_over(struct control *control);
