/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The files that `upstream:` of the configuration names and only the supervisor may be able to
 * open. It reads them at the start and with every reload, keeps what is secret in guarded memory,
 * and tells the processes that need it, again whenever one of them has started. */

#include "process/config/config.h"
#include "process/peer.h"

struct upstream_files; /* opaque */

/* Something about a file. */
struct upstream_complaint {
    unsigned line;   /* of the configuration; 0: unknown */
    const char *key; /* "upstream.client_cert.api.example.com.key" */
    struct slice path;
    const char *why;
    bool is_fatal;  /* false: a warning */
    bool is_absent; /* it could not be opened here: perhaps another account can */
};

struct upstream_listener {
    void *context;
    void (*on_complaint)(void *context, const struct upstream_complaint *complaint);
};

/* Reads all of them, complaining of each that is wrong. ERR_CONFIG: one complaint was fatal.
 * ERR_NO_MEMORY. */
MUST_USE enum error upstream_files_read(const struct config *config,
                                        const struct upstream_listener *listener,
                                        struct upstream_files **out);
/* For processes without a person at the other end: complaints go to the log. */
MUST_USE enum error upstream_files_read_logging(const struct config *config,
                                                struct upstream_files **out);
/* None but credentials for upstream.proxy, which no file holds. Copies. ERR_SYNTAX: they are not
 * "user:password"; ERR_NO_MEMORY. */
MUST_USE enum error upstream_files_new(struct slice credentials, struct upstream_files **out);
/* Wipes. NULL is fine. */
void upstream_files_free(struct upstream_files *files);
DEFINE_OWNED_STRUCT(upstream_files, upstream_files_free)

/* Another number, another way to origins: config_route_tag(), and what the credentials are. Under a
 * key of the supervisor's, so that it says nothing about them to who has no key. */
uint64_t upstream_files_route_tag(const struct upstream_files *files, const struct config *config,
                                  const uint8_t key[MESSAGE_KEY_SIZE]);
/* To be followed by the configuration that they were read for, which is the same here. */
void upstream_files_send(const struct upstream_files *files, const struct config *config,
                         struct peer *child);
