/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The stores of a run: those of the configuration that the command line names, then one made of
 * its --secret and --allow. Or one of what a server allows, which passes all of it on unopened. */

#include "process/config/config.h"
#include "process/process.h"

struct run_stores {
    struct config_stores stores; /* to be declared; slices into the configuration and the options */
    struct slice *names;         /* of the same, base first */
    bool is_restricted;          /* what no list allows is denied */
    struct slice *memory;        /* of the last store's lists */
    struct config_secret *secrets;
};

/* ERR_NOT_FOUND: the configuration has no such store, which it has said on standard error. */
MUST_USE enum error run_stores_build(const struct process_run_options *options,
                                     const struct config *config, struct run_stores *out);
MUST_USE enum error run_stores_build_for_server(const struct process_run_server *server,
                                                struct run_stores *out);
/* What any of them names. */
MUST_USE enum error run_stores_private_hosts(const struct run_stores *stores,
                                             struct host_list **out);
void run_stores_clear(struct run_stores *stores);
