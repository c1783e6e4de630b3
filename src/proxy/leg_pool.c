/* SPDX-License-Identifier: Apache-2.0 */
/* Which legs keep buffers. Never takes one away that holds a byte. */
#include "proxy/leg_pool.h"

#include "proxy/leg.h"

#include <sodium.h>
#include <stdlib.h>

enum error leg_pool_open(struct leg_pool *pool)
{
    TAILQ_INIT(&pool->holders);
    pool->scratch = malloc(LEG_READ_SIZE);
    return pool->scratch != NULL ? OK : ERR_NO_MEMORY;
}

void leg_pool_close(struct leg_pool *pool)
{
    if (pool->scratch != NULL)
        sodium_memzero(pool->scratch, LEG_READ_SIZE);
    free(pool->scratch);
    pool->scratch = NULL;
}

/* Not left to SSL_MODE_RELEASE_BUFFERS, which first wipes all 17 KiB, after each record: what was
 * read from them SSL_read() has wiped already, because of the same option. */
static void release_buffers(SSL *ssl)
{
    if (SSL_has_pending(ssl) || !SSL_is_init_finished(ssl))
        return;
    uint64_t wipes = SSL_get_options(ssl) & SSL_OP_CLEANSE_PLAINTEXT;
    SSL_clear_options(ssl, SSL_OP_CLEANSE_PLAINTEXT);
    (void)SSL_free_buffers(ssl); /* refuses while they hold anything */
    SSL_set_options(ssl, wipes);
}

void leg_pool_forget(struct leg *leg)
{
    if (!leg->is_holder)
        return;
    leg->is_holder = false;
    TAILQ_REMOVE(&leg->pool->holders, leg, holder_link);
    leg->pool->holder_count--;
}

void leg_pool_hold(struct leg *leg)
{
    struct leg_pool *pool = leg->pool;

    if (TAILQ_FIRST(&pool->holders) == leg)
        return;
    leg_pool_forget(leg);
    leg->is_holder = true;
    TAILQ_INSERT_HEAD(&pool->holders, leg, holder_link);
    if (++pool->holder_count <= LEG_POOL_HOLDERS_MAX)
        return;
    struct leg *oldest = TAILQ_LAST(&pool->holders, leg_list);
    leg_pool_forget(oldest);
    release_buffers(oldest->ssl);
}
