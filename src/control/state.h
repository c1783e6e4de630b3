/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of control/ share: the parts of the one struct control. */

#include "control/control.h"
#include "store/store.h"

struct ca_files;
struct declared;
struct explain_waits;
struct http_server;
struct idle;
struct propagation;
struct rotation;
struct store_signatures;

struct control {
    struct event_base *base;          /* borrowed */
    struct store *store;              /* borrowed */
    struct control_services services; /* its context is borrowed */
    struct control_settings settings; /* slices into settings_memory */
    struct arena settings_memory, memory;
    struct slice default_org; /* its id, in `memory` */
    struct http_server *server;
    struct propagation *propagation;
    struct explain_waits *explain_waits;
    struct rotation *rotation;
    struct idle *idle;
    struct ca_files *ca_files;
    struct declared *declared;
    struct store_signatures *signatures;
    uint64_t generation;       /* of the last view that was built */
    bool lacks_processes;      /* control_set_ready(false) */
    bool has_taken_over;       /* sandbox_signature_take_over() */
    uint64_t unready_until_ms; /* readiness is not asked for again before */
};
