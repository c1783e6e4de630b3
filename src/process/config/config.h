/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The configuration: sealgate.yaml as a value. Every process of a node parses the same text with
 * this code. It never holds the value of a secret, only where to take one from. */

#include "process/config/config_upstream.h"

enum {
    CONFIG_TEXT_MAX = 4 * 1024 * 1024,
    CONFIG_WORKERS_MAX = 256,
    CONFIG_NAMESERVERS_MAX = 16,
    CONFIG_LISTEN_MAX = 64, /* per kind */
};

struct config_endpoints {
    struct ip_endpoint *items;
    size_t count;
};

/* upstream.resolve: exempt from the address check, because the operator said so. */
struct config_resolve {
    struct host_name host;
    struct ip_endpoint to; /* port 0: the port that the client asked for */
};
struct config_resolves {
    struct config_resolve *items;
    size_t count;
};

/* A command stands only on the command line of `sealgate run`, never in a file. */
enum config_source { CONFIG_SOURCE_ENV, CONFIG_SOURCE_FILE, CONFIG_SOURCE_COMMAND };

struct config_secret {
    struct slice name;
    enum config_source source_kind;
    struct slice source; /* the variable's name, a path, a command; NUL-terminated */
    struct config_strings hosts, places;
};
struct config_store {
    struct slice name;
    struct config_strings egress, passthrough, private_hosts;
    bool redact_responses;
    struct config_secret *secrets;
    size_t secret_count;
};
struct config_stores {
    struct config_store *items;
    size_t count;
};

enum config_audit_kind {
    CONFIG_AUDIT_FILE,
    CONFIG_AUDIT_JOURNALD,
    CONFIG_AUDIT_STDOUT,
    CONFIG_AUDIT_NONE,
};

struct config_memory; /* everything that the slices and lists point into */

struct config {
    struct slice data_dir;
    uint64_t workers; /* 0: one per core */
    struct config_endpoints listen_proxy, listen_transparent, listen_dns, listen_control;
    struct authority advertise;             /* port 0: none */
    struct slice sandbox_ca_path;           /* empty: DATA_DIR/ca-bundle.pem */
    struct slice control_cert, control_key; /* PEM files; both empty or both set */
    bool trust_system;                      /* the system's roots are trusted upstream */
    struct config_strings trust_files;      /* and the certificates in these PEM files */
    struct config_resolves resolve;         /* no two for one host */
    struct config_networks allow_addresses;
    struct config_endpoints nameservers; /* empty: the system's */
    struct config_upstream_proxy upstream_proxy;
    struct config_client_certs client_certs;
    struct config_host_trusts host_trusts;
    bool default_deny;
    uint64_t connections_per_sandbox, streams_per_sandbox;
    uint64_t requests_per_second, request_burst; /* 0 per second: any number */
    uint64_t header_bytes, header_fields, uri_bytes;
    uint64_t body_bytes; /* 0: any */
    uint64_t body_rate;  /* bytes per second, 0: any */
    uint64_t drain_timeout_ms, connect_timeout_ms, header_timeout_ms, idle_timeout_ms;
    uint64_t upstream_idle_timeout_ms;
    enum config_audit_kind audit_kind;
    struct slice audit_file; /* as written, may start with "DATA_DIR/": see config_audit_path() */
    struct config_stores stores;
    bool hints_name_flags; /* see config_make_private() */
    struct config_memory *memory;
};

/* What is wrong, for a person. */
struct config_error {
    unsigned line;     /* from 1; 0: of the file as a whole */
    char key[160];     /* "limits.header_timeout"; empty: of the file as a whole */
    char message[640]; /* "sealgate.yaml:12: limits.header_timeout: expected …"; no newline */
};

/* Empty text is the configuration of defaults. ERR_CONFIG with `*error` filled, ERR_NO_MEMORY. */
MUST_USE enum error config_parse(struct slice text, struct slice file_name, struct config **out,
                                 struct config_error *error);
void config_free(struct config *config);
DEFINE_OWNED_STRUCT(config, config_free)

/* What --data-dir does: replaces data_dir by an absolute path. ERR_SYNTAX when it is not one. */
MUST_USE enum error config_override_data_dir(struct config *config, struct slice data_dir);

/* What `sealgate run` makes of it: one worker, no data directory (everything stays in memory), no
 * listening sockets, no declared stores and no audit file of its own; `ca_path` is where the bundle
 * lies for the command; refusals name flags of the command line. `upstream_proxy` ("host:port", or
 * empty) takes the place of what `upstream` says of proxies, names and addresses: everything goes
 * through it. ERR_SYNTAX, ERR_NO_MEMORY. */
struct config_private {
    bool default_deny, hints_name_flags;
    struct slice ca_path, upstream_proxy;
};
MUST_USE enum error config_make_private(struct config *config,
                                        const struct config_private *settings);

/* The audit file, with DATA_DIR replaced, NUL-terminated; "" unless the kind is FILE.
 * ERR_TOO_LARGE. */
MUST_USE enum error config_audit_path(const struct config *config, char *out, size_t size);

/* The entry of upstream.resolve for this host, or NULL. */
const struct config_resolve *config_find_resolve(const struct config *config,
                                                 const struct host_name *host);
/* Whether upstream.proxy is the way there. */
bool config_goes_through_proxy(const struct config *config, const struct authority *target);

/* The same number for configurations that lead to the same addresses: resolve, allow_addresses,
 * nameservers and proxy of `upstream`. */
uint64_t config_route_tag(const struct config *config);

/* Every key with its default, as YAML: what config_parse() starts from. Static. */
const char *config_defaults(void);
