/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is enforced for one sandbox at one moment: identity, layers, tokens, hosts. Immutable,
 * counted. Control makes it (view_builder), every other process decodes what control encoded and
 * signed. */

#include "policy/host_list.h"
#include "policy/place.h"
#include "policy/token.h"

struct buffer;

enum {
    VIEW_MAC_SIZE = 32,
    VIEW_HASH_SIZE = 32,
    VIEW_LAYERS_MAX = 16,
    VIEW_SECRETS_MAX = 16384,
    VIEW_ENCODED_MAX = 64 * 1024 * 1024,
    VIEW_TEXT_MAX = 1024,      /* of an id or a name */
    VIEW_BOX_MAX = 128 * 1024, /* of one sealed value */
};

enum view_status { VIEW_SUSPENDED, VIEW_EXPIRED, VIEW_RUNNING };

struct view_layer {
    struct slice store_id, store_name;
    struct host_list *allowlist;     /* its own list; may be empty */
    uint8_t mac[VIEW_MAC_SIZE];      /* made by the keyholder over org, store and what follows */
    struct host_list *passthrough;   /* its TLS is not opened */
    struct host_list *private_hosts; /* single hosts, without ports */
    bool redact_responses;
};

struct view_secret {
    struct slice name;
    uint16_t layer;          /* the layer that wins */
    bool redact;             /* of its layer; not encoded */
    struct host_list *hosts; /* empty: the merged egress allowlist */
    struct place *places;    /* at least one */
    size_t place_count;
    struct slice box; /* the sealed value */
};

struct view_token {
    struct token token;
    uint32_t secret; /* index into secrets */
};

struct view {
    unsigned references;
    uint64_t generation;  /* when it was built: nanoseconds of the monotonic clock, or a bit more */
    uint64_t sandbox_seq; /* a small number, unique to the sandbox: a slot for counters */
    struct slice sandbox_id, org_id;
    enum view_status status;
    uint8_t proxy_token_hash[VIEW_HASH_SIZE]; /* BLAKE2b of the proxy token */
    uint8_t sandbox_mac[VIEW_MAC_SIZE]; /* made by the keyholder over who this is and its layers */
    struct ip_address source;           /* len 0: not registered by address */
    bool reaches_nothing;      /* a fork whose inherited layers are all gone, with none named */
    struct view_layer *layers; /* surviving layers, base first */
    size_t layer_count;
    struct view_secret *secrets; /* the winners, sorted by name */
    size_t secret_count;
    struct view_token *tokens; /* sorted by token */
    size_t token_count;
    /* The merged lists, made when the view is decoded. */
    struct host_list *egress, *passthrough, *private_hosts;
    char *storage; /* what the slices point into */
};

/* One reference, the caller's. The bytes are copied. ERR_SYNTAX for anything but what view_encode()
 * writes: wrong order, indexes out of range, patterns that do not parse, trailing bytes.
 * ERR_NO_MEMORY. */
MUST_USE enum error view_decode(struct slice encoded, struct view **out);
/* The canonical encoding; the merged lists and `references` are derived and not part of it. A list
 * that is NULL counts as empty. The caller has sorted secrets and tokens and kept the limits above;
 * what breaks them encodes, but does not decode. */
MUST_USE enum error view_encode(const struct view *view, struct buffer *out);
struct view *view_ref(struct view *view);
void view_unref(struct view *view); /* NULL is fine */
DEFINE_OWNED_STRUCT(view, view_unref)

/* NULL when the sandbox has no such (live) token. */
const struct view_secret *view_find_token(const struct view *view, const struct token *token);
/* NULL when no layer has it. */
const struct view_secret *view_find_secret(const struct view *view, struct slice name);
/* The last surviving layer's name, or empty: `secretStore` of the API. */
struct slice view_primary_store(const struct view *view);
/* The one before it, or empty: `baseSecretStore`. */
struct slice view_base_store(const struct view *view);
