/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which addresses may be dialled: public unicast only, as the IANA special-purpose registries (RFC
 * 6890 and successors) say in "globally reachable". Mapped, NAT64 (64:ff9b::/96) and 6to4 addresses
 * count as the IPv4 address they wrap; compatible and Teredo ones are never public. Of IPv6, only
 * 2000::/3 can be. */

#include "base/ip_address.h"

enum address_class {
    ADDRESS_FORBIDDEN, /* unspecified, multicast, broadcast, reserved: nobody can mean it */
    ADDRESS_PRIVATE, /* loopback, link-local, private use, shared, documentation, benchmarking … */
    ADDRESS_PUBLIC,
};

enum address_class address_guard_classify(const struct ip_address *address);
/* Of a network that an organization numbers itself: RFC 1918, RFC 6598 (carrier-grade NAT) or
 * unique local (RFC 4193), and not where clouds put their metadata service. Wrapped addresses never
 * are. What a named exception can reach. */
bool address_guard_is_internal(const struct ip_address *address);
/* Public, or in one of these networks of the operator's; a wrapped IPv4 address may be exempt in
 * either form. Forbidden addresses stay forbidden whatever is exempt. */
bool address_guard_permits(const struct ip_address *address, const struct ip_network *exempt,
                           size_t exempt_count);
