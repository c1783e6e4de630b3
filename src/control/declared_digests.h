/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the declared secrets were when they were sealed, so that one that is declared the same again
 * keeps its box, and with it the connections that use it. For as long as this process lives. */

#include "base/compiler.h"
#include "seal/seal.h"

struct declared_digests;

/* NULL when out of memory. */
struct declared_digests *declared_digests_new(void);
void declared_digests_free(struct declared_digests *digests);

/* Whether `sealed` is the box that was made for just this value and binding. */
bool declared_digests_has(struct declared_digests *digests, const struct seal_binding *binding,
                          struct slice value, struct slice sealed);
void declared_digests_note(struct declared_digests *digests, const struct seal_binding *binding,
                           struct slice value, struct slice sealed);
/* The whole configuration has been declared: forgets what is in it no more. */
void declared_digests_end_round(struct declared_digests *digests);
