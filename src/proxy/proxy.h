/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The data path of one worker: listeners in, exchanges through, refusals and audit out. The only
 * header of proxy/ that others include, but for upstream_rules.h. */

#include "observe/audit.h"
#include "proxy/services.h"
#include "proxy/shared_counts.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

struct event_base;
struct proxy;
struct own_ca;
struct session_tickets;
struct upstream_rules;

enum proxy_listener_kind { PROXY_EXPLICIT, PROXY_TRANSPARENT, PROXY_DNS_UDP, PROXY_DNS_TCP };

/* Times in milliseconds, sizes in bytes. */
struct proxy_settings {
    struct decision_settings decision;
    bool hints_name_flags; /* whoever reads a refusal started `sealgate run` */
    uint32_t connections_per_sandbox, streams_per_sandbox;
    struct shared_rate requests; /* per sandbox */
    uint32_t header_bytes, header_fields, uri_bytes;
    uint64_t body_bytes; /* 0: any */
    uint32_t connect_timeout_ms, header_timeout_ms, idle_timeout_ms, drain_timeout_ms;
    uint32_t upstream_idle_timeout_ms;
    uint32_t body_rate; /* bytes per second that a client must move; 0: any */
    uint64_t route_tag; /* another number, another way to origins: addresses, nameservers, proxy */
};

struct proxy_resources {
    struct event_base *base; /* borrowed */
    struct proxy_services services;
    EVP_PKEY *leaf_key;                    /* a reference is taken */
    X509_STORE *upstream_trust;            /* a reference is taken */
    struct upstream_rules *upstream_rules; /* taken, also on failure */
    int audit_fd;                          /* -1: none; borrowed */
    bool audit_is_datagram;
    struct shared_counts_seat seat;
    struct session_tickets *tickets; /* borrowed */
    const struct own_ca *own_ca;     /* borrowed; what it says may change */
};

MUST_USE enum error proxy_new(const struct proxy_settings *settings,
                              const struct proxy_resources *resources, struct proxy **out);
void proxy_free(struct proxy *proxy);

/* Takes the listening socket. `sandbox_id`: what comes in through it belongs to that sandbox;
 * empty: the client has to say, or its address does. */
MUST_USE enum error proxy_listen(struct proxy *proxy, int fd, enum proxy_listener_kind kind,
                                 struct slice sandbox_id);
/* New settings for new connections; exchanges under way keep theirs. Spare connections to origins
 * that were made under another route_tag are closed. */
void proxy_reconfigure(struct proxy *proxy, const struct proxy_settings *settings);
/* Takes the rules (upstream_rules.h) for connections from now on. Spare ones that were made under
 * others are closed. */
void proxy_set_upstream_rules(struct proxy *proxy, struct upstream_rules *rules);
void proxy_set_audit(struct proxy *proxy, int fd, bool is_datagram);
/* The root was rotated: forget the leaves; certificate sessions go on. */
void proxy_forget_leaves(struct proxy *proxy);
/* Stops accepting, closes idle connections, gives exchanges drain_timeout; `done` when all are
 * gone. */
void proxy_drain(struct proxy *proxy, void (*done)(void *argument), void *argument);

/* Answers to proxy_services. */
void proxy_on_view(struct proxy *proxy, uint64_t ticket, enum error error, struct view *view);
/* A store changed: requests from now on see this view. Takes no reference of the caller's. */
void proxy_on_view_update(struct proxy *proxy, struct view *view);
/* The sandbox was deleted: its connections close, its values are wiped. */
void proxy_on_view_gone(struct proxy *proxy, struct slice sandbox_id);
/* Another sandbox belongs to this address than before: control is asked again. */
void proxy_on_source_changed(struct proxy *proxy, const struct ip_address *address);
struct proxy_dialed {
    enum refusal_code code;     /* REFUSAL_NONE: connected */
    int fd;                     /* is taken; -1 when it is not connected */
    struct ip_endpoint address; /* that it is connected to */
    uint64_t route_tag;         /* of the settings that the dialer went by */
    struct slice detail;        /* for the client, with a code */
};
void proxy_on_dialed(struct proxy *proxy, uint64_t ticket, const struct proxy_dialed *answer);
/* `code` REFUSAL_NONE: looked up; without `exists` there is no such name. */
struct proxy_looked_up {
    enum refusal_code code;
    bool exists;
    const struct ip_address *addresses; /* of the family that was asked for */
    size_t count;
    uint32_t ttl_s;
};
void proxy_on_looked_up(struct proxy *proxy, uint64_t ticket, const struct proxy_looked_up *answer);
void proxy_on_minted(struct proxy *proxy, uint64_t ticket, enum error error, X509 *leaf);
/* Any number of values, then done. */
void proxy_on_value(struct proxy *proxy, uint64_t ticket, uint32_t secret_index,
                    struct slice value);
void proxy_on_values_done(struct proxy *proxy, uint64_t ticket, enum error error);
/* For the memory ceiling and the doctor: sandbox ids whose views the worker holds, for
 * resynchronising after control restarted: calls services.request_view for each with ticket 0; the
 * answers come as proxy_on_view_update() or proxy_on_view_gone(). */
void proxy_resynchronise(struct proxy *proxy);
