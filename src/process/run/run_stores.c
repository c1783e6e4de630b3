/* SPDX-License-Identifier: Apache-2.0 */
/* What the command may reach, and with which secrets. Never widens where a secret may go: with
 * --learn, one that was bound by its store's list is bound to the same hosts by a list of its own.
 */
#include "process/run/run_stores.h"

#include <stdio.h>
#include <stdlib.h>

#define OWN_STORE "sealgate-run"

static const struct config_store *find_store(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->stores.count; i++) {
        if (slice_equals(config->stores.items[i].name, slice_from_string(name)))
            return &config->stores.items[i];
    }
    return NULL;
}

/* Nothing is denied while learning, but a secret goes only where it always went. */
static void open_up(struct config_store *store)
{
    for (size_t i = 0; i < store->secret_count; i++) {
        if (store->secrets[i].hosts.count == 0)
            store->secrets[i].hosts = store->egress;
    }
    store->egress = (struct config_strings){NULL, 0};
}

static enum error add_named(const struct process_run_options *options, const struct config *config,
                            struct run_stores *out)
{
    for (size_t i = 0; i < options->stores.count; i++) {
        const struct config_store *store = find_store(config, options->stores.items[i]);

        if (store == NULL) {
            fprintf(stderr,
                    "sealgate: the configuration has no store named %s, and there is no server to "
                    "ask: name one with --url or SEALGATE_URL\n",
                    options->stores.items[i]);
            return ERR_NOT_FOUND;
        }
        struct config_store *copy = &out->stores.items[out->stores.count++];
        *copy = *store;
        if (options->learns)
            open_up(copy);
    }
    return OK;
}

/* Whom a flag names, it may reach. */
static size_t count_hosts(const struct process_run_options *options)
{
    size_t count = options->allow.count + options->passthrough.count + options->private_hosts.count;

    for (size_t i = 0; i < options->secret_count; i++)
        count += options->secrets[i].hosts.count;
    return count;
}

static struct config_strings take_strings(struct slice **room,
                                          const struct process_run_strings *strings)
{
    struct config_strings taken = {*room, strings->count};

    for (size_t i = 0; i < strings->count; i++)
        taken.items[i] = slice_from_string(strings->items[i]);
    *room += strings->count;
    return taken;
}

/* All hosts join the allowlist: they lie in one array. */
static void fill_own(const struct process_run_options *options, struct run_stores *out,
                     struct config_store *own)
{
    static struct slice places[] = {SLICE_INIT("header")};
    struct slice *room = out->memory;

    *own = (struct config_store){.name = SLICE(OWN_STORE), .redact_responses = true};
    own->secrets = out->secrets;
    own->secret_count = options->secret_count;
    for (size_t i = 0; i < options->secret_count; i++) {
        const struct process_run_secret *secret = &options->secrets[i];

        out->secrets[i] = (struct config_secret){.name = slice_from_string(secret->name),
                                                 .source_kind = secret->source_kind,
                                                 .source = slice_from_string(secret->source),
                                                 .hosts = take_strings(&room, &secret->hosts),
                                                 .places = {places, 1}};
    }
    take_strings(&room, &options->allow);
    own->passthrough = take_strings(&room, &options->passthrough);
    own->private_hosts = take_strings(&room, &options->private_hosts);
    if (out->is_restricted)
        own->egress = (struct config_strings){out->memory, count_hosts(options)};
}

static enum error take_memory(size_t stores, size_t hosts, size_t secrets, struct run_stores *out)
{
    out->stores.items = calloc(stores, sizeof(*out->stores.items));
    out->names = calloc(stores, sizeof(*out->names));
    out->memory = calloc(hosts + 1, sizeof(*out->memory));
    out->secrets = calloc(secrets + 1, sizeof(*out->secrets));
    bool is_there = out->stores.items != NULL && out->names != NULL && out->memory != NULL &&
                    out->secrets != NULL;
    return is_there ? OK : ERR_NO_MEMORY;
}

enum error run_stores_build(const struct process_run_options *options, const struct config *config,
                            struct run_stores *out)
{
    TRY(take_memory(options->stores.count + 1, count_hosts(options), options->secret_count, out));
    TRY(add_named(options, config, out));
    out->is_restricted = !options->learns &&
                         options->stores.count + options->secret_count + options->allow.count > 0;
    fill_own(options, out, &out->stores.items[out->stores.count]);
    out->stores.count++;
    for (size_t i = 0; i < out->stores.count; i++)
        out->names[i] = out->stores.items[i].name;
    return OK;
}

enum error run_stores_build_for_server(const struct process_run_server *server,
                                       struct run_stores *out)
{
    static struct slice everything[] = {SLICE_INIT("*")};

    TRY(take_memory(1, server->allowed.count, 0, out));
    struct slice *room = out->memory;
    struct config_store *own = &out->stores.items[out->stores.count++];
    *own = (struct config_store){.name = SLICE(OWN_STORE)};
    own->egress = take_strings(&room, &server->allowed);
    out->is_restricted = own->egress.count > 0;
    own->passthrough = out->is_restricted ? own->egress : (struct config_strings){everything, 1};
    out->names[0] = own->name;
    return OK;
}

static enum error add_private_hosts(const struct config_store *store, struct host_list *list)
{
    for (size_t i = 0; i < store->private_hosts.count; i++)
        TRY(host_list_add(list, store->private_hosts.items[i], NULL));
    return OK;
}

enum error run_stores_private_hosts(const struct run_stores *stores, struct host_list **out)
{
    OWNED_STRUCT(host_list) *list = host_list_new();

    if (list == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < stores->stores.count; i++)
        TRY(add_private_hosts(&stores->stores.items[i], list));
    *out = TAKE(list);
    return OK;
}

void run_stores_clear(struct run_stores *stores)
{
    free(stores->stores.items);
    free(stores->names);
    free(stores->memory);
    free(stores->secrets);
}
