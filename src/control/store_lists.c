/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the lists of a store against one another. Never decides what is enforced: that is for
 * policy/. */

#include "control/store_lists.h"

#include "control/output.h"

enum { QUOTED_MAX = 128 };

enum error store_lists_read(struct api_call *call, struct store_lists *out)
{
    TRY(input_patterns(call, "egressAllowlist", &out->egress));
    TRY(input_patterns(call, "passthroughHosts", &out->passthrough));
    TRY(input_hosts(call, "privateHosts", &out->private_hosts));
    if (out->private_hosts.given && !call->is_admin)
        return api_refuse(call, API_FORBIDDEN,
                          "\"privateHosts\" opens the operator's own network: only an admin key, "
                          "the local socket or a declared store may set it");
    return OK;
}

static enum error fill(struct host_list *list, const struct text_list *texts)
{
    if (list == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < texts->count; i++)
        TRY(host_list_add(list, texts->items[i], NULL));
    return OK;
}

static enum error check_secret(struct api_call *call, const struct host_list *passthrough,
                               const struct secret_entry *secret)
{
    struct host_pattern pattern;
    for (size_t i = 0; i < secret->hosts.count; i++) {
        struct slice host = secret->hosts.items[i];
        TRY(host_pattern_parse(host, &pattern, NULL));
        if (host_list_covers(passthrough, &pattern))
            return api_refuse(call, API_BAD_REQUEST,
                              "\"%.*s\" is both in \"passthroughHosts\" of the store and in "
                              "\"allowedHosts\" of its secret %.*s: what passes without "
                              "interception can carry no secret",
                              SLICE_ARG(slice_take(host, QUOTED_MAX)),
                              SLICE_ARG(slice_take(secret->name, QUOTED_MAX)));
    }
    return OK;
}

enum error store_lists_check_secrets(struct api_call *call, const struct text_list *passthrough,
                                     const struct secret_entry_list *secrets)
{
    OWNED_STRUCT(host_list) *list = host_list_new();
    TRY(fill(list, passthrough));
    for (size_t i = 0; i < secrets->count; i++)
        TRY(check_secret(call, list, &secrets->items[i]));
    return OK;
}

/* A private host is named without the port that it is reached on. */
static bool is_reachable(const struct text_list *egress, struct slice host, bool on_any_port)
{
    struct host_pattern wanted, allowed;
    if (host_pattern_parse(host, &wanted, NULL) != OK)
        return true;
    if (on_any_port)
        wanted.port = HOST_PATTERN_PORT_ANY;
    for (size_t i = 0; i < egress->count; i++) {
        if (host_pattern_parse(egress->items[i], &allowed, NULL) == OK &&
            host_pattern_overlaps(&wanted, &allowed))
            return true;
    }
    return egress->count == 0;
}

static void warn_about(json_t **warnings, const struct secret_store *store,
                       const struct text_list *hosts)
{
    bool are_private = hosts == &store->private_hosts;
    for (size_t i = 0; i < hosts->count; i++) {
        struct slice host = slice_take(hosts->items[i], QUOTED_MAX);
        if (is_reachable(&store->egress, hosts->items[i], are_private))
            continue;
        output_append(warnings,
                      json_sprintf("\"%.*s\" is in \"%s\" but not in \"egressAllowlist\": "
                                   "this store alone does not allow it",
                                   SLICE_ARG(host),
                                   are_private ? "privateHosts" : "passthroughHosts"));
        return; /* one is enough to look */
    }
}

json_t *store_lists_warnings(const struct secret_store *store)
{
    json_t *warnings = json_array();
    warn_about(&warnings, store, &store->passthrough);
    warn_about(&warnings, store, &store->private_hosts);
    if (json_array_size(warnings) > 0)
        return warnings;
    json_decref(warnings);
    return NULL;
}
