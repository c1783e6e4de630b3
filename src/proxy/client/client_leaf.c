/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves on demand. Never has two mintings of one host under way. */
#include "proxy/client/client_leaf.h"

#include "observe/metrics.h"

#include <stdlib.h>
#include <time.h>

struct minting {
    struct table_entry entry;
    struct proxy *proxy;
    struct host_name host;
    struct ticket ticket;
    struct waitlist waiting;
    bool has_failed;
};

static void minting_free(struct minting *minting)
{
    ticket_cancel(minting->proxy, &minting->ticket);
    waitlist_wake(&minting->waiting, &minting->proxy->tasks);
    table_remove(&minting->proxy->mintings, &minting->entry);
    free(minting);
}

static struct minting *minting_find(struct proxy *proxy, const struct host_name *host)
{
    struct table_entry *entry = table_find(&proxy->mintings, host_name_view(host));

    return entry != NULL ? CONTAINER_OF(entry, struct minting, entry) : NULL;
}

static struct minting *minting_start(struct proxy *proxy, const struct host_name *host)
{
    struct minting *minting = calloc(1, sizeof(*minting));

    if (minting == NULL)
        return NULL;
    minting->proxy = proxy;
    minting->host = *host;
    waitlist_init(&minting->waiting);
    if (table_insert(&proxy->mintings, &minting->entry, host_name_view(&minting->host)) != OK) {
        free(minting);
        return NULL;
    }
    uint64_t ticket = ticket_open(proxy, &minting->ticket, TICKET_MINT, minting);
    proxy->services.mint(proxy->services.context, ticket, host);
    return minting_find(proxy, host); /* NULL when the answer came at once */
}

enum client_leaf_state client_leaf_get(struct proxy *proxy, const struct host_name *host,
                                       struct waiter *waiter, X509 **out)
{
    *out = leaf_cache_find(proxy->leaves, host, time(NULL));
    if (*out != NULL)
        return CLIENT_LEAF_READY;

    struct minting *minting = minting_find(proxy, host);
    if (minting == NULL)
        minting = minting_start(proxy, host);
    if (minting == NULL || minting->has_failed) {
        if (minting != NULL)
            minting_free(minting);
        *out = leaf_cache_find(proxy->leaves, host, time(NULL));
        return *out != NULL ? CLIENT_LEAF_READY : CLIENT_LEAF_FAILED;
    }
    if (waiter != NULL)
        waitlist_add(&minting->waiting, waiter);
    return CLIENT_LEAF_ASKED;
}

void client_leaf_on_minted(struct proxy *proxy, uint64_t ticket, enum error error, X509 *leaf)
{
    struct minting *minting = ticket_take(proxy, ticket, TICKET_MINT);

    if (minting == NULL)
        return;
    if (error == OK)
        error = leaf_cache_put(proxy->leaves, &minting->host, leaf);
    if (error != OK) {
        minting->has_failed = true;
        waitlist_wake(&minting->waiting, &proxy->tasks);
        return;
    }
    metrics_add(METRIC_LEAVES_MINTED, 1);
    minting_free(minting);
}

void client_leaf_free_all(struct proxy *proxy)
{
    struct table_entry *entry;

    while ((entry = table_first(&proxy->mintings)) != NULL)
        minting_free(CONTAINER_OF(entry, struct minting, entry));
    table_clear(&proxy->mintings);
}
