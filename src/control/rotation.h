/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A new sealing key: everything that is sealed or signed is done again with it, a page at a time
 * between other work; then the workers get their views anew; only then the old keys go. */

#include "control/state.h"

struct rotation;

/* NULL when out of memory. */
struct rotation *rotation_new(struct control *control);
/* Frees the call that waits, unanswered. */
void rotation_free(struct rotation *rotation);
