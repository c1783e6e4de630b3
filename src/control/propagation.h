/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which worker holds which view, and how a change reaches them: a change is written first, then
 * keyholder and dialer are told that the views before it do not count any more, then the new ones
 * are pushed; a call that caused it is answered when everybody has taken it, or after a second. */

#include "control/api.h"

struct propagation;

enum {
    PROPAGATION_WORKERS_MAX = 256,
    PROPAGATION_DIALER = PROPAGATION_WORKERS_MAX, /* who takes a push, beside the workers */
    PROPAGATION_WAIT_MS = 1000,
};

/* NULL when out of memory. `control` is borrowed. */
struct propagation *propagation_new(struct control *control);
/* Frees the calls that wait, unanswered. */
void propagation_free(struct propagation *propagation);

/* What happens to a call once its change is everywhere. */
struct propagation_then {
    struct api_call *call;        /* taken; NULL: nobody waits */
    int status;                   /* 204: an answer without a body */
    json_t *value;                /* taken */
    void (*done)(void *argument); /* instead of an answer */
    void *argument;
};

/* Pushes the views of these sandboxes, as they are now, to whoever holds them. To be called with
 * every sandbox that a change concerns, held or not: somebody may have kept an old view. */
void propagation_push(struct propagation *propagation, const struct text_list *sandbox_ids,
                      const struct propagation_then *then);
/* Everything that any worker holds. */
void propagation_push_all(struct propagation *propagation, const struct propagation_then *then);

/* Tells every worker that another sandbox belongs to this address than before: they remember also
 * that none did. */
void propagation_push_source(struct propagation *propagation, const struct ip_address *source,
                             const struct propagation_then *then);

/* A new one holds nothing yet. */
void propagation_on_worker_ready(struct propagation *propagation, unsigned worker);
void propagation_on_worker_gone(struct propagation *propagation, unsigned worker);
void propagation_on_dialer_gone(struct propagation *propagation);
/* `worker` may be PROPAGATION_DIALER. */
void propagation_on_taken(struct propagation *propagation, unsigned worker, uint64_t push);
void propagation_on_request(struct propagation *propagation, unsigned worker, uint64_t ticket,
                            struct slice sandbox_id);
void propagation_on_release(struct propagation *propagation, unsigned worker,
                            struct slice sandbox_id);
