/* SPDX-License-Identifier: Apache-2.0 */
/* The way to origins, as one number. Never leaves out a key that says which address is dialled, or
 * may be. */
#include "process/config/config.h"

#include <sodium.h>
#include <string.h>

static void add_number(crypto_generichash_state *state, uint64_t number)
{
    crypto_generichash_update(state, (const unsigned char *)&number, sizeof(number));
}

/* With its length: no two lists run into one another. */
static void add_bytes(crypto_generichash_state *state, const void *bytes, size_t len)
{
    add_number(state, len);
    crypto_generichash_update(state, bytes, len);
}

static void add_host(crypto_generichash_state *state, const struct host_name *host)
{
    add_bytes(state, host->text, host->len);
}

static void add_endpoint(crypto_generichash_state *state, const struct ip_endpoint *endpoint)
{
    add_bytes(state, endpoint->address.bytes, endpoint->address.len);
    add_number(state, endpoint->port);
}

static void add_networks(crypto_generichash_state *state, const struct config_networks *networks)
{
    add_number(state, networks->count);
    for (size_t i = 0; i < networks->count; i++) {
        add_bytes(state, networks->items[i].address.bytes, networks->items[i].address.len);
        add_number(state, networks->items[i].prefix_len);
    }
}

static void add_proxy(crypto_generichash_state *state, const struct config_upstream_proxy *proxy)
{
    const struct config_patterns *except = &proxy->except_hosts;

    add_host(state, &proxy->address.host);
    add_number(state, proxy->address.port);
    add_bytes(state, proxy->credentials.data, proxy->credentials.len);
    add_number(state, except->count);
    for (size_t i = 0; i < except->count; i++) {
        add_number(state, except->items[i].kind);
        add_host(state, &except->items[i].host);
        add_number(state, except->items[i].port);
    }
    add_networks(state, &proxy->except_networks);
}

uint64_t config_route_tag(const struct config *config)
{
    unsigned char digest[crypto_generichash_BYTES_MIN];
    crypto_generichash_state state;
    uint64_t tag;

    crypto_generichash_init(&state, NULL, 0, sizeof(digest));
    add_number(&state, config->resolve.count);
    for (size_t i = 0; i < config->resolve.count; i++) {
        add_host(&state, &config->resolve.items[i].host);
        add_endpoint(&state, &config->resolve.items[i].to);
    }
    add_networks(&state, &config->allow_addresses);
    add_number(&state, config->nameservers.count);
    for (size_t i = 0; i < config->nameservers.count; i++)
        add_endpoint(&state, &config->nameservers.items[i]);
    add_proxy(&state, &config->upstream_proxy);
    crypto_generichash_final(&state, digest, sizeof(digest));
    memcpy(&tag, digest, sizeof(tag));
    return tag;
}
