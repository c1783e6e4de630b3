/* SPDX-License-Identifier: Apache-2.0 */
/* Rules for upstream connections, from the supervisor's messages to the data path. Never puts half
 * of a configuration's rules in force. */
#include "process/supervisor/upstream_pem.h"
#include "process/worker/worker_state.h"

#include "observe/log.h"

static bool begin(struct worker_upstream *upstream)
{
    if (upstream->coming != NULL)
        return true;
    crypto_generichash_init(&upstream->digest, NULL, 0, crypto_generichash_BYTES);
    upstream->coming = upstream_rules_new();
    return upstream->coming != NULL;
}

static void note(struct worker_upstream *upstream, struct slice text)
{
    uint64_t len = text.len;

    crypto_generichash_update(&upstream->digest, (const unsigned char *)&len, sizeof(len));
    crypto_generichash_update(&upstream->digest, (const unsigned char *)text.data, text.len);
}

static enum error add_roots(struct worker_upstream *upstream,
                            const struct message_host_roots *message)
{
    struct host_pattern hosts;
    X509_STORE *store = NULL;

    note(upstream, message->hosts);
    note(upstream, message->roots);
    TRY(host_pattern_parse(message->hosts, &hosts, NULL));
    store = X509_STORE_new();
    if (store == NULL)
        return ERR_NO_MEMORY;
    enum error error = upstream_pem_add_roots(message->roots, store);
    if (error == OK)
        error = upstream_rules_add_roots(upstream->coming, &hosts, store);
    X509_STORE_free(store);
    return error;
}

static enum error add_certificate(struct worker_upstream *upstream,
                                  const struct message_client_certificate *message)
{
    struct upstream_pem_identity identity = {NULL, NULL, NULL};
    struct host_pattern hosts;
    const char *why = NULL;
    bool is_about_key;

    note(upstream, message->hosts);
    for (size_t i = 0; i < message->stores.count; i++)
        note(upstream, message->stores.items[i]);
    note(upstream, message->certificate);
    note(upstream, message->key);
    TRY(host_pattern_parse(message->hosts, &hosts, NULL));
    TRY(upstream_pem_read_identity(message->certificate, message->key, &identity, &why,
                                   &is_about_key));
    enum error error = upstream_rules_add_certificate(
        upstream->coming, &(struct upstream_certificate){.hosts = &hosts,
                                                         .stores = message->stores.items,
                                                         .store_count = message->stores.count,
                                                         .leaf = identity.leaf,
                                                         .key = identity.key,
                                                         .chain = identity.chain});
    upstream_pem_clear(&identity);
    return error;
}

bool worker_upstream_take(struct worker *worker, const struct message *message)
{
    struct worker_upstream *upstream = &worker->upstream;
    enum error error = ERR_FORBIDDEN;

    if (!begin(upstream))
        error = ERR_NO_MEMORY;
    else if (message->type == MESSAGE_HOST_ROOTS)
        error = add_roots(upstream, &message->host_roots);
    else if (message->type == MESSAGE_CLIENT_CERTIFICATE)
        error = add_certificate(upstream, &message->client_certificate);
    if (error != OK)
        LOG(LEVEL_ERROR, "upstream_rule_unusable", .error = error);
    return error == OK;
}

/* `*is_new`: they differ from those that were in force until now. */
static struct upstream_rules *take_coming(struct worker *worker, bool *is_new)
{
    struct worker_upstream *upstream = &worker->upstream;
    uint8_t digest[crypto_generichash_BYTES] = {0};

    if (!begin(upstream))
        return NULL;
    crypto_generichash_final(&upstream->digest, digest, sizeof(digest));
    *is_new = sodium_memcmp(digest, upstream->in_force, sizeof(digest)) != 0;
    memcpy(upstream->in_force, digest, sizeof(digest));
    return TAKE(upstream->coming);
}

struct upstream_rules *worker_upstream_begin(struct worker *worker)
{
    bool is_new;

    return take_coming(worker, &is_new);
}

void worker_upstream_reconfigure(struct worker *worker)
{
    bool is_new = false;
    struct upstream_rules *rules = take_coming(worker, &is_new);

    if (rules != NULL && is_new)
        proxy_set_upstream_rules(worker->proxy, rules);
    else
        upstream_rules_free(rules);
}

void worker_upstream_clear(struct worker *worker)
{
    upstream_rules_free(TAKE(worker->upstream.coming));
}
