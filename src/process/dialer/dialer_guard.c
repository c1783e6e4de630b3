/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses what to dial out of what a name resolves to. Never lets through an address that policy
 * forbids, nor one of our own listeners. */
#include "process/dialer/dialer_guard.h"

#include <ifaddrs.h>

static void add_local(struct dialer_guard *guard, const struct ip_address *address)
{
    if (guard->local_count == DIALER_GUARD_LOCAL_MAX)
        guard->is_complete = false;
    else
        guard->local[guard->local_count++] = *address;
}

void dialer_guard_read_interfaces(struct dialer_guard *guard)
{
    struct ifaddrs *list = NULL;

    guard->local_count = 0;
    guard->is_complete = getifaddrs(&list) == 0;
    for (const struct ifaddrs *entry = list; entry != NULL; entry = entry->ifa_next) {
        struct ip_endpoint endpoint;

        if (entry->ifa_addr != NULL && ip_endpoint_from_sockaddr(entry->ifa_addr, &endpoint))
            add_local(guard, &endpoint.address);
    }
    freeifaddrs(list);
}

static bool is_known_listener(const struct dialer_guard *guard, const struct ip_endpoint *listener)
{
    for (size_t i = 0; i < guard->listener_count; i++) {
        if (guard->listeners[i].port == listener->port &&
            ip_address_equals(&guard->listeners[i].address, &listener->address))
            return true;
    }
    return false;
}

void dialer_guard_add_listener(struct dialer_guard *guard, const struct ip_endpoint *listener)
{
    if (listener->port == 0 || is_known_listener(guard, listener))
        return;
    if (guard->listener_count == DIALER_GUARD_LISTENERS_MAX)
        guard->has_more_listeners = true;
    else
        guard->listeners[guard->listener_count++] = *listener;
}

static void add_list(struct dialer_guard *guard, const struct config_endpoints *listeners)
{
    for (size_t i = 0; i < listeners->count; i++)
        dialer_guard_add_listener(guard, &listeners->items[i]);
}

void dialer_guard_set_proxy(struct dialer_guard *guard, const struct ip_endpoint *endpoints,
                            size_t count)
{
    memcpy(guard->proxy, endpoints, count * sizeof(*endpoints));
    guard->proxy_count = count;
}

bool dialer_guard_knows_proxy(const struct dialer_guard *guard)
{
    return guard->proxy_port == 0 || guard->proxy_count > 0;
}

/* A name is resolved with the first dial. */
static void add_proxy(struct dialer_guard *guard, const struct authority *proxy)
{
    const struct ip_endpoint endpoint = {proxy->host.literal, proxy->port};

    guard->proxy_port = proxy->port;
    dialer_guard_set_proxy(guard, &endpoint, host_name_is_literal(&proxy->host) ? 1 : 0);
}

void dialer_guard_add_configured(struct dialer_guard *guard, const struct config *config)
{
    add_list(guard, &config->listen_proxy);
    add_list(guard, &config->listen_transparent);
    add_list(guard, &config->listen_dns);
    add_list(guard, &config->listen_control);
    add_proxy(guard, &config->upstream_proxy.address);
}

static bool is_upstream_proxy(const struct dialer_guard *guard, const struct ip_endpoint *endpoint)
{
    for (size_t i = 0; i < guard->proxy_count; i++) {
        if (guard->proxy[i].port == endpoint->port &&
            ip_address_equals(&guard->proxy[i].address, &endpoint->address))
            return true;
    }
    return !dialer_guard_knows_proxy(guard) && guard->proxy_port == endpoint->port;
}

static bool is_loopback(const struct ip_address *address)
{
    static const uint8_t six[16] = {[15] = 1};

    return address->len == 4 ? address->bytes[0] == 127
                             : memcmp(address->bytes, six, sizeof(six)) == 0;
}

static bool is_interface(const struct dialer_guard *guard, const struct ip_address *address)
{
    for (size_t i = 0; i < guard->local_count; i++) {
        if (ip_address_equals(&guard->local[i], address))
            return true;
    }
    return false;
}

/* While the interfaces are not known, any address may be ours. */
static bool may_be_local(const struct dialer_guard *guard, const struct ip_address *address)
{
    return is_loopback(address) || is_interface(guard, address) || !guard->is_complete;
}

/* By port alone when the address is local: a listener may be bound to the wildcard, and reached
 * through any address of the machine. */
static bool is_own_listener(const struct dialer_guard *guard, const struct ip_endpoint *endpoint)
{
    bool may_be_ours = may_be_local(guard, &endpoint->address);

    for (size_t i = 0; i < guard->listener_count; i++) {
        if (guard->listeners[i].port == endpoint->port &&
            (may_be_ours || ip_address_equals(&guard->listeners[i].address, &endpoint->address)))
            return true;
    }
    return guard->has_more_listeners && may_be_ours;
}

static bool is_listed(const struct config *config, const struct ip_address *address)
{
    for (size_t i = 0; i < config->allow_addresses.count; i++) {
        if (ip_network_contains(&config->allow_addresses.items[i], address))
            return true;
    }
    return false;
}

static bool permits(const struct dialer_guard *guard, const struct config *config,
                    enum dialer_exemption exemption, const struct ip_endpoint *endpoint)
{
    if (is_own_listener(guard, endpoint))
        return false;
    if (exemption != DIALER_PROXY && is_upstream_proxy(guard, endpoint))
        return false;
    if (exemption == DIALER_EXEMPT || exemption == DIALER_PROXY)
        return address_guard_classify(&endpoint->address) != ADDRESS_FORBIDDEN;
    if (exemption == DIALER_NAMED && address_guard_is_internal(&endpoint->address) &&
        !may_be_local(guard, &endpoint->address))
        return true;
    if (!address_guard_permits(&endpoint->address, config->allow_addresses.items,
                               config->allow_addresses.count))
        return false;
    return !is_interface(guard, &endpoint->address) || is_listed(config, &endpoint->address);
}

/* The next address of this family at or after `*from`; NULL: none is left. */
static const struct ip_address *next_of(const struct ip_address *addresses, size_t count,
                                        uint8_t len, size_t *from)
{
    while (*from < count) {
        const struct ip_address *address = &addresses[(*from)++];

        if (address->len == len)
            return address;
    }
    return NULL;
}

/* The kernel dials ::ffff:1.2.3.4 as 1.2.3.4: it is judged as that. */
static struct ip_address unmapped(const struct ip_address *address)
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    struct ip_address inner = {.len = 4};

    if (address->len != 16 || memcmp(address->bytes, prefix, sizeof(prefix)) != 0)
        return *address;
    memcpy(inner.bytes, address->bytes + sizeof(prefix), 4);
    return inner;
}

static void consider(const struct dialer_guard *guard, const struct config *config,
                     enum dialer_exemption exemption, const struct ip_endpoint *endpoint,
                     struct dialer_plan *plan)
{
    struct ip_endpoint actual = {unmapped(&endpoint->address), endpoint->port};

    if (!permits(guard, config, exemption, &actual)) {
        if (plan->refused.len == 0)
            plan->refused = endpoint->address;
        return;
    }
    if (plan->count < ARRAY_LEN(plan->endpoints))
        plan->endpoints[plan->count++] = actual;
}

void dialer_guard_plan(const struct dialer_guard *guard, const struct config *config,
                       const struct dialer_candidates *candidates, struct dialer_plan *plan)
{
    static const uint8_t families[2] = {16, 4};
    size_t count = candidates->count, from[2] = {0, 0};

    for (size_t turn = 0; from[0] < count || from[1] < count; turn = 1 - turn) {
        const struct ip_address *address =
            next_of(candidates->addresses, count, families[turn], &from[turn]);

        if (address != NULL)
            consider(guard, config, candidates->exemption,
                     &(struct ip_endpoint){*address, candidates->port}, plan);
    }
}
