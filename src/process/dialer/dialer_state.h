/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the dialer process share; private to them. */

#include "process/child.h"
#include "process/dialer/dial.h"
#include "process/dialer/dialer_quota.h"
#include "process/dialer/lookup.h"
#include "process/presented_views.h"
#include "process/view_floor.h"

#include <sys/queue.h>
#include <time.h>

/* A process that asks: a worker or control. */
struct dialer_client {
    LIST_ENTRY(dialer_client) next;
    struct dialer *dialer; /* borrowed: the owner */
    struct peer peer;
    struct presented_views views;
    LIST_HEAD(, dialer_request) requests;
    size_t probes;
};

struct dialer_request {
    LIST_ENTRY(dialer_request) next;
    struct dialer_client *client; /* borrowed: the owner */
    struct dialer_quota *quota;   /* NULL: a probe of control's */
    uint64_t ticket;
    uint64_t route_tag;    /* of the configuration that it began under */
    struct dial *dial;     /* one of the two */
    struct lookup *lookup; /* for the DNS gate */
};

struct dialer {
    struct child *child;
    struct dial_means means; /* no resolver before on_begin */
    LIST_HEAD(, dialer_client) clients;
    struct table quotas; /* dials and look-ups */
    struct view_floor floor;
    struct proxy_credentials *coming_credentials; /* in force with the next configuration */
    time_t interfaces_read;
};

/* Its answer was sent, or its client has gone. */
void dialer_end_request(struct dialer_request *request);
/* The guard knows the addresses of the machine, as of a few seconds ago. */
void dialer_follow_interfaces(struct dialer *dialer);
/* The view that a request names; NULL: it has been answered, because there is none or it does not
 * count any more. Borrowed. */
const struct view *dialer_view(struct dialer_client *client, uint64_t handle, uint64_t ticket);
struct decision_settings dialer_settings(const struct dialer *dialer);

/* dialer_lookup.c */
void dialer_lookup_on_message(struct peer *peer, struct message *message);
