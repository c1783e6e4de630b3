/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What happened during a run, out of its audit records: what was refused, each with the flag that
 * would allow it, and for --learn what it needed. Bounded, whatever the command does. */

#include "base/compiler.h"
#include "base/error.h"
#include "base/slice.h"
#include "policy/host_list.h"

#include <stdio.h>

struct run_summary; /* opaque */

/* NULL when out of memory. */
struct run_summary *run_summary_new(void);
void run_summary_free(struct run_summary *summary);
/* Bytes of the audit stream, cut anywhere. */
void run_summary_add(struct run_summary *summary, struct slice bytes);

/* One line each, with the flag that would allow it where `names_flags`; nothing when nothing was
 * refused. Bytes of a peer are escaped. */
void run_summary_print_refusals(const struct run_summary *summary, bool names_flags, FILE *out);
/* YAML: a store for the configuration, under `stores:`. Of the hosts that were reached, those in
 * `private_hosts` (NULL: none) stand under `privateHosts` too. */
void run_summary_print_learned(const struct run_summary *summary,
                               const struct host_list *private_hosts, FILE *out);
