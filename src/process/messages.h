/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Every message that crosses processes: one table, from which the structs, the encoder and the
 * decoder are made. Whatever a decoder accepts, it has checked: lengths, ranges, host names, codes.
 * Which messages a process accepts from which peer is its table of handlers (peer.h). */

#include "base/buffer.h"
#include "base/host_name.h"
#include "policy/refusal_code.h"
#include "process/channel.h"

enum process_role {
    PROCESS_SUPERVISOR,
    PROCESS_KEYHOLDER,
    PROCESS_DIALER,
    PROCESS_CONTROL,
    PROCESS_WORKER,
    PROCESS_ROLE_COUNT,
};

enum listener_kind {
    LISTENER_PROXY,
    LISTENER_TRANSPARENT,
    LISTENER_DNS_UDP,
    LISTENER_DNS_TCP,
    LISTENER_CONTROL,
    LISTENER_CONTROL_SOCKET,
    LISTENER_KIND_COUNT,
};

enum {
    MESSAGE_TEXT_MAX = 4096,
    MESSAGE_BYTES_MAX = 256 * 1024, /* a sealed value, certificates, a list in its encoding */
    MESSAGE_LIST_MAX = 16384,       /* items in a list */
    MESSAGE_ADDRESSES_MAX = 16,
    MESSAGE_KEY_SIZE = 32,
    MESSAGE_TICKET_KEY_SIZE = 80,
};

/* Strings in order. Of a decoded message: its own, freed by message_clear(). */
struct message_list {
    const struct slice *items;
    size_t count;
};

/* None of them empty. */
struct message_addresses {
    struct ip_address items[MESSAGE_ADDRESSES_MAX];
    size_t count;
};

/* Kinds of field: u32, u64, flag; text, bytes, blob (slices, by their limits); list; host
 * (host_name); authority; address (ip_address, may be empty); addresses; endpoint (ip_endpoint, may
 * be empty); role; listener; error (enum error); refusal (enum refusal_code); key, ticket_key (raw
 * bytes); fd (a descriptor; -1 or 0: none). */

#define NO_FIELDS(F)

/* supervisor to each child, at its start and again when it changes. `data_dir` is resolved;
 * `route_tag` is another one when the way to origins is (upstream_files_route_tag()). */
#define CONFIGURATION_FIELDS(F) F(text, path) F(blob, text) F(text, data_dir) F(u64, route_tag)
/* `sealgate run`: the configuration that follows serves one sandbox, see config_make_private() */
#define PRIVATE_FIELDS(F)                                                                          \
    F(flag, default_deny) F(flag, hints_name_flags) F(text, ca_path) F(text, upstream_proxy)
#define TOPOLOGY_FIELDS(F) F(u32, worker_count) F(u32, owner_uid)
/* to keyholder, dialer and control alone: what views are authenticated with */
#define VIEW_KEY_FIELDS(F) F(key, key)
#define SHARED_PAGES_FIELDS(F) F(fd, metrics) F(fd, counts)
/* `sandbox_id`: the one sandbox that the socket was made for; empty: any. */
#define LISTENER_FIELDS(F) F(listener, kind) F(endpoint, address) F(text, sandbox_id) F(fd, socket)
/* to workers: where to write; to control: where to read */
#define AUDIT_FIELDS(F) F(flag, is_datagram) F(fd, file)
/* to control, when the API speaks TLS: the files that only the supervisor may be able to open */
#define CONTROL_TLS_FIELDS(F) F(fd, certificate) F(fd, key)
/* to the dialer, before a configuration that names them: credentials for upstream.proxy */
#define PROXY_CREDENTIALS_FIELDS(F) F(bytes, value)
/* to workers, likewise: who we trust and who we are toward the hosts of a pattern; PEM */
#define HOST_ROOTS_FIELDS(F) F(text, hosts) F(blob, roots)
#define CLIENT_CERTIFICATE_FIELDS(F)                                                               \
    F(text, hosts) F(list, stores) F(bytes, certificate) F(bytes, key)
/* A channel to another process; replaces an earlier one to the same role and index. */
#define PEER_FIELDS(F) F(role, role) F(u32, index) F(u64, generation) F(fd, channel)
/* child to supervisor: that channel broke; when both still live they get a fresh one. */
#define PEER_LOST_FIELDS(F) F(role, role) F(u32, index) F(u64, generation)
#define ALL_READY_FIELDS(F) F(flag, is_ready)
/* supervisor to control: declared stores; control answers END with DECLARED. A secret belongs to
 * the store before it, a value to the secret before it. */
#define DECLARE_STORE_FIELDS(F)                                                                    \
    F(text, name)                                                                                  \
    F(list, egress) F(flag, redact_responses) F(list, passthrough) F(list, private_hosts)
#define DECLARE_SECRET_FIELDS(F) F(text, name) F(list, hosts) F(list, places)
#define DECLARE_VALUE_FIELDS(F) F(bytes, value)
/* control to supervisor, which alone may write in DATA_DIR itself: ca.pem and ca-bundle.pem, 0644
 */
#define PUBLISH_FIELDS(F) F(text, name) F(blob, content)
/* and the first API key, for DATA_DIR/api-key, 0600 */
#define FIRST_KEY_FIELDS(F) F(text, key)
#define DECLARED_FIELDS(F) F(error, error) F(text, store)

/* supervisor to control, for `sealgate run`, and back: a sandbox with these stores, the variables
 * of its environment ("NAME=VALUE"), the certificates that it is to trust (PEM) and our root alone
 */
#define CREATE_SANDBOX_FIELDS(F) F(list, stores)
#define SANDBOX_CREATED_FIELDS(F)                                                                  \
    F(error, error) F(text, sandbox_id) F(list, environment) F(blob, bundle) F(blob, root)

/* worker to control, and back */
#define VIEW_REQUEST_FIELDS(F) F(u64, ticket) F(text, sandbox_id) F(address, source)
#define SANDBOX_FIELDS(F) F(text, sandbox_id)
/* ERR_NOT_FOUND: there is no such sandbox; ERR_UNAVAILABLE: ask again later */
#define VIEW_FIELDS(F) F(u64, ticket) F(error, error) F(blob, view) F(key, mac)
#define VIEW_PUSH_FIELDS(F) F(u64, push) F(blob, view) F(key, mac)
#define VIEW_GONE_FIELDS(F) F(u64, push) F(text, sandbox_id)
/* Another sandbox belongs to this address than before; answered like a pushed view. */
#define SOURCE_CHANGED_FIELDS(F) F(u64, push) F(address, source)
#define VIEW_TAKEN_FIELDS(F) F(u64, push)

/* worker to keyholder and dialer: a view that control authenticated (view_mac.h), under a handle of
 * the worker's choice. A view that does not verify closes the channel. */
#define PRESENT_VIEW_FIELDS(F) F(u64, handle) F(blob, view) F(key, mac)
#define FORGET_VIEW_FIELDS(F) F(u64, handle)

/* keyholder and dialer to worker, instead of an answer to what it asked under a view: that view is
 * not honoured any more, ask again under a newer one. */
#define VIEW_OUTDATED_FIELDS(F) F(u64, ticket)
/* control to keyholder and dialer, which answer with REPLY and VIEW_TAKEN: no view of these
 * sandboxes (none named: of any) is to be honoured that has this generation or an older one. */
#define OUTDATE_VIEWS_FIELDS(F) F(u64, call) F(u64, generation) F(list, sandboxes)

/* worker to keyholder, and back */
#define LEAF_KEY_FIELDS(F) F(bytes, public_key) /* SubjectPublicKeyInfo, DER */
#define MINT_FIELDS(F) F(u64, ticket) F(host, host)
#define MINTED_FIELDS(F) F(u64, ticket) F(error, error) F(bytes, certificate)
#define OPEN_VALUES_FIELDS(F) F(u64, ticket) F(u64, handle) F(authority, target)
#define VALUE_FIELDS(F) F(u64, ticket) F(u32, secret_index) F(bytes, value)
#define VALUES_DONE_FIELDS(F) F(u64, ticket) F(error, error)
#define TICKET_KEY_FIELDS(F) F(ticket_key, key)
/* keyholder to worker, before the first ticket key and after a rotation: our root and the one
 * before it, PEM */
#define OWN_CA_FIELDS(F) F(bytes, certificates)

/* worker to dialer, and back */
#define DIAL_FIELDS(F) F(u64, ticket) F(u64, handle) F(authority, target)
/* `socket` is connected when `code` is REFUSAL_NONE, else -1; by the configuration of `route_tag`
 */
#define DIALED_FIELDS(F)                                                                           \
    F(u64, ticket)                                                                                 \
    F(refusal, code) F(endpoint, address) F(text, detail) F(u64, route_tag) F(fd, socket)
/* For the DNS gate: the addresses that a sandbox may be told. With REFUSAL_NONE and not `exists`
 * there is no such name; one that has no address of this family has an empty list. */
#define LOOKUP_FIELDS(F) F(u64, ticket) F(u64, handle) F(host, host) F(flag, wants_ipv6)
#define LOOKED_UP_FIELDS(F)                                                                        \
    F(u64, ticket) F(refusal, code) F(flag, exists) F(addresses, addresses) F(u32, ttl_s)

/* control to dialer, and back */
#define RESOLVE_FIELDS(F) F(u64, ticket) F(authority, target) F(flag, is_private_target)
#define RESOLVED_FIELDS(F)                                                                         \
    F(u64, ticket) F(refusal, code) F(endpoint, address) F(flag, is_proxied) F(text, detail)

/* control to keyholder; each is answered with one REPLY that brings `call` back */
#define CALL_FIELDS(F) F(u64, call)
#define CHECK_BOX_FIELDS(F) F(u64, call) F(bytes, sealed) F(text, org) F(text, store) F(text, name)
#define RESEAL_FIELDS(F)                                                                           \
    F(u64, call)                                                                                   \
    F(bytes, sealed) F(text, org) F(text, store) F(text, name) F(list, places) F(list, hosts)
/* What the keyholder vouches for in a store (seal/seal.h): answered with its MAC; with one, with
 * ERR_FORBIDDEN unless it is that. */
#define SIGN_STORE_FIELDS(F)                                                                       \
    F(u64, call)                                                                                   \
    F(text, org)                                                                                   \
    F(text, store)                                                                                 \
    F(list, egress) F(list, passthrough) F(list, private_hosts) F(flag, redact_responses)
#define VERIFY_STORE_FIELDS(F) SIGN_STORE_FIELDS(F) F(key, mac)
/* What a sandbox is bound to (sandbox_mac.h): answered with its MAC. */
#define SIGN_SANDBOX_FIELDS(F)                                                                     \
    F(u64, call)                                                                                   \
    F(text, org) F(text, sandbox) F(key, proxy_token_hash) F(address, source) F(list, layers)
/* ERR_CONFLICT once `is_done` was said, ever. */
#define TAKE_OVER_FIELDS(F) F(u64, call) F(flag, is_done)
/* `bytes` is what the call returns: 32 of a public key or a MAC, a box, a binding, PEM */
#define REPLY_FIELDS(F) F(u64, call) F(error, error) F(bytes, bytes)

/* type, member of struct message, fields, secrecy */
#define MESSAGE_TABLE(M)                                                                           \
    M(MESSAGE_CONFIGURATION, configuration, CONFIGURATION_FIELDS, CHANNEL_MAY_USE_FILE)            \
    M(MESSAGE_PRIVATE, private, PRIVATE_FIELDS, CHANNEL_MAY_USE_FILE)                              \
    M(MESSAGE_TOPOLOGY, topology, TOPOLOGY_FIELDS, CHANNEL_MAY_USE_FILE)                           \
    M(MESSAGE_VIEW_KEY, view_key, VIEW_KEY_FIELDS, CHANNEL_INLINE_ONLY)                            \
    M(MESSAGE_SHARED_PAGES, shared_pages, SHARED_PAGES_FIELDS, CHANNEL_MAY_USE_FILE)               \
    M(MESSAGE_LISTENER, listener, LISTENER_FIELDS, CHANNEL_MAY_USE_FILE)                           \
    M(MESSAGE_AUDIT, audit, AUDIT_FIELDS, CHANNEL_MAY_USE_FILE)                                    \
    M(MESSAGE_PEER, peer, PEER_FIELDS, CHANNEL_MAY_USE_FILE)                                       \
    M(MESSAGE_PEER_LOST, peer_lost, PEER_LOST_FIELDS, CHANNEL_MAY_USE_FILE)                        \
    M(MESSAGE_BEGIN, begin, NO_FIELDS, CHANNEL_MAY_USE_FILE)                                       \
    M(MESSAGE_READY, ready, NO_FIELDS, CHANNEL_MAY_USE_FILE)                                       \
    M(MESSAGE_ALL_READY, all_ready, ALL_READY_FIELDS, CHANNEL_MAY_USE_FILE)                        \
    M(MESSAGE_DRAIN, drain, NO_FIELDS, CHANNEL_MAY_USE_FILE)                                       \
    M(MESSAGE_DRAINED, drained, NO_FIELDS, CHANNEL_MAY_USE_FILE)                                   \
    M(MESSAGE_DECLARE_BEGIN, declare_begin, NO_FIELDS, CHANNEL_MAY_USE_FILE)                       \
    M(MESSAGE_DECLARE_STORE, declare_store, DECLARE_STORE_FIELDS, CHANNEL_MAY_USE_FILE)            \
    M(MESSAGE_DECLARE_SECRET, declare_secret, DECLARE_SECRET_FIELDS, CHANNEL_MAY_USE_FILE)         \
    M(MESSAGE_DECLARE_VALUE, declare_value, DECLARE_VALUE_FIELDS, CHANNEL_INLINE_ONLY)             \
    M(MESSAGE_DECLARE_END, declare_end, NO_FIELDS, CHANNEL_MAY_USE_FILE)                           \
    M(MESSAGE_DECLARED, declared, DECLARED_FIELDS, CHANNEL_MAY_USE_FILE)                           \
    M(MESSAGE_CREATE_SANDBOX, create_sandbox, CREATE_SANDBOX_FIELDS, CHANNEL_MAY_USE_FILE)         \
    M(MESSAGE_SANDBOX_CREATED, sandbox_created, SANDBOX_CREATED_FIELDS, CHANNEL_MAY_USE_FILE)      \
    M(MESSAGE_PUBLISH, publish, PUBLISH_FIELDS, CHANNEL_MAY_USE_FILE)                              \
    M(MESSAGE_FIRST_KEY, first_key, FIRST_KEY_FIELDS, CHANNEL_INLINE_ONLY)                         \
    M(MESSAGE_VIEW_REQUEST, view_request, VIEW_REQUEST_FIELDS, CHANNEL_MAY_USE_FILE)               \
    M(MESSAGE_VIEW_RELEASE, view_release, SANDBOX_FIELDS, CHANNEL_MAY_USE_FILE)                    \
    M(MESSAGE_ACTIVITY, activity, SANDBOX_FIELDS, CHANNEL_MAY_USE_FILE)                            \
    M(MESSAGE_VIEW, view, VIEW_FIELDS, CHANNEL_MAY_USE_FILE)                                       \
    M(MESSAGE_VIEW_PUSH, view_push, VIEW_PUSH_FIELDS, CHANNEL_MAY_USE_FILE)                        \
    M(MESSAGE_VIEW_GONE, view_gone, VIEW_GONE_FIELDS, CHANNEL_MAY_USE_FILE)                        \
    M(MESSAGE_SOURCE_CHANGED, source_changed, SOURCE_CHANGED_FIELDS, CHANNEL_MAY_USE_FILE)         \
    M(MESSAGE_VIEW_TAKEN, view_taken, VIEW_TAKEN_FIELDS, CHANNEL_MAY_USE_FILE)                     \
    M(MESSAGE_PRESENT_VIEW, present_view, PRESENT_VIEW_FIELDS, CHANNEL_MAY_USE_FILE)               \
    M(MESSAGE_FORGET_VIEW, forget_view, FORGET_VIEW_FIELDS, CHANNEL_MAY_USE_FILE)                  \
    M(MESSAGE_LEAF_KEY, leaf_key, LEAF_KEY_FIELDS, CHANNEL_MAY_USE_FILE)                           \
    M(MESSAGE_MINT, mint, MINT_FIELDS, CHANNEL_MAY_USE_FILE)                                       \
    M(MESSAGE_MINTED, minted, MINTED_FIELDS, CHANNEL_MAY_USE_FILE)                                 \
    M(MESSAGE_LEAVES_STALE, leaves_stale, NO_FIELDS, CHANNEL_MAY_USE_FILE)                         \
    M(MESSAGE_OPEN_VALUES, open_values, OPEN_VALUES_FIELDS, CHANNEL_MAY_USE_FILE)                  \
    M(MESSAGE_VALUE, value, VALUE_FIELDS, CHANNEL_INLINE_ONLY)                                     \
    M(MESSAGE_VALUES_DONE, values_done, VALUES_DONE_FIELDS, CHANNEL_MAY_USE_FILE)                  \
    M(MESSAGE_TICKET_KEY, ticket_key, TICKET_KEY_FIELDS, CHANNEL_INLINE_ONLY)                      \
    M(MESSAGE_DIAL, dial, DIAL_FIELDS, CHANNEL_MAY_USE_FILE)                                       \
    M(MESSAGE_DIALED, dialed, DIALED_FIELDS, CHANNEL_MAY_USE_FILE)                                 \
    M(MESSAGE_LOOKUP, lookup, LOOKUP_FIELDS, CHANNEL_MAY_USE_FILE)                                 \
    M(MESSAGE_LOOKED_UP, looked_up, LOOKED_UP_FIELDS, CHANNEL_MAY_USE_FILE)                        \
    M(MESSAGE_RESOLVE, resolve, RESOLVE_FIELDS, CHANNEL_MAY_USE_FILE)                              \
    M(MESSAGE_RESOLVED, resolved, RESOLVED_FIELDS, CHANNEL_MAY_USE_FILE)                           \
    M(MESSAGE_CURRENT_KEY, current_key, CALL_FIELDS, CHANNEL_MAY_USE_FILE)                         \
    M(MESSAGE_CHECK_BOX, check_box, CHECK_BOX_FIELDS, CHANNEL_MAY_USE_FILE)                        \
    M(MESSAGE_RESEAL, reseal, RESEAL_FIELDS, CHANNEL_MAY_USE_FILE)                                 \
    M(MESSAGE_SIGN_STORE, sign_store, SIGN_STORE_FIELDS, CHANNEL_MAY_USE_FILE)                     \
    M(MESSAGE_ROTATE_KEY, rotate_key, CALL_FIELDS, CHANNEL_MAY_USE_FILE)                           \
    M(MESSAGE_RETIRE_KEYS, retire_keys, CALL_FIELDS, CHANNEL_MAY_USE_FILE)                         \
    M(MESSAGE_CA_CERTIFICATES, ca_certificates, CALL_FIELDS, CHANNEL_MAY_USE_FILE)                 \
    M(MESSAGE_ROTATE_CA, rotate_ca, CALL_FIELDS, CHANNEL_MAY_USE_FILE)                             \
    M(MESSAGE_REPLY, reply, REPLY_FIELDS, CHANNEL_MAY_USE_FILE)                                    \
    M(MESSAGE_CONTROL_TLS, control_tls, CONTROL_TLS_FIELDS, CHANNEL_MAY_USE_FILE)                  \
    M(MESSAGE_PROXY_CREDENTIALS, proxy_credentials, PROXY_CREDENTIALS_FIELDS, CHANNEL_INLINE_ONLY) \
    M(MESSAGE_HOST_ROOTS, host_roots, HOST_ROOTS_FIELDS, CHANNEL_MAY_USE_FILE)                     \
    M(MESSAGE_CLIENT_CERTIFICATE, client_certificate, CLIENT_CERTIFICATE_FIELDS,                   \
      CHANNEL_INLINE_ONLY)                                                                         \
    M(MESSAGE_SIGN_SANDBOX, sign_sandbox, SIGN_SANDBOX_FIELDS, CHANNEL_MAY_USE_FILE)               \
    M(MESSAGE_TAKE_OVER, take_over, TAKE_OVER_FIELDS, CHANNEL_MAY_USE_FILE)                        \
    M(MESSAGE_OWN_CA, own_ca, OWN_CA_FIELDS, CHANNEL_MAY_USE_FILE)                                 \
    M(MESSAGE_VIEW_OUTDATED, view_outdated, VIEW_OUTDATED_FIELDS, CHANNEL_MAY_USE_FILE)            \
    M(MESSAGE_OUTDATE_VIEWS, outdate_views, OUTDATE_VIEWS_FIELDS, CHANNEL_MAY_USE_FILE)            \
    M(MESSAGE_VERIFY_STORE, verify_store, VERIFY_STORE_FIELDS, CHANNEL_MAY_USE_FILE)

#define MESSAGE_ENUM(type, member, fields, secrecy) type,
enum message_type { MESSAGE_TABLE(MESSAGE_ENUM) MESSAGE_COUNT };
#undef MESSAGE_ENUM

#define MESSAGE_FIELD_u32(name) uint32_t name;
#define MESSAGE_FIELD_u64(name) uint64_t name;
#define MESSAGE_FIELD_flag(name) bool name;
#define MESSAGE_FIELD_text(name) struct slice name;
#define MESSAGE_FIELD_bytes(name) struct slice name;
#define MESSAGE_FIELD_blob(name) struct slice name;
#define MESSAGE_FIELD_list(name) struct message_list name;
#define MESSAGE_FIELD_host(name) struct host_name name;
#define MESSAGE_FIELD_authority(name) struct authority name;
#define MESSAGE_FIELD_address(name) struct ip_address name;
#define MESSAGE_FIELD_addresses(name) struct message_addresses name;
#define MESSAGE_FIELD_endpoint(name) struct ip_endpoint name;
#define MESSAGE_FIELD_role(name) enum process_role name;
#define MESSAGE_FIELD_listener(name) enum listener_kind name;
#define MESSAGE_FIELD_error(name) enum error name;
#define MESSAGE_FIELD_refusal(name) enum refusal_code name;
#define MESSAGE_FIELD_key(name) uint8_t name[MESSAGE_KEY_SIZE];
#define MESSAGE_FIELD_ticket_key(name) uint8_t name[MESSAGE_TICKET_KEY_SIZE];
#define MESSAGE_FIELD_fd(name) int name;

#define MESSAGE_MEMBER(kind, name) MESSAGE_FIELD_##kind(name)
#define MESSAGE_STRUCT(type, member, fields, secrecy)                                              \
    struct message_##member {                                                                      \
        fields(MESSAGE_MEMBER)                                                                     \
    };
MESSAGE_TABLE(MESSAGE_STRUCT)
#undef MESSAGE_STRUCT
#undef MESSAGE_MEMBER

/* `(struct message){.type = MESSAGE_MINT, .mint = {.ticket = 7, .host = *host}}` */
struct message {
    enum message_type type;
    union {
#define MESSAGE_UNION(type, member, fields, secrecy) struct message_##member member;
        MESSAGE_TABLE(MESSAGE_UNION)
#undef MESSAGE_UNION
    };
};

/* "MESSAGE_MINT", for the log. */
const char *message_name(enum message_type type);
enum channel_secrecy message_secrecy(enum message_type type);

/* Appends the encoding; `descriptors` gets those that are not -1, in order, still the caller's.
 * ERR_TOO_LARGE when a field is over its limit. */
MUST_USE enum error message_encode(const struct message *message, struct buffer *out,
                                   int descriptors[CHANNEL_DESCRIPTORS_MAX], size_t *count);
/* Slices point into `bytes`. Descriptors move into the message: those entries become -1. ERR_SYNTAX
 * for anything but what message_encode() writes; descriptors that had moved are closed then. */
MUST_USE enum error message_decode(struct slice bytes, int *descriptors, size_t count,
                                   struct message *out);
/* Frees the lists of a decoded message, closes descriptors that nobody took, wipes it. */
void message_clear(struct message *message);
/* Gives a descriptor field away: `fd = message_take_fd(&message->dialed.socket)`. */
int message_take_fd(int *field);
