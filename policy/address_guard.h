/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which addresses may be dialled: public unicast only (IANA special-purpose registries of RFC 6890
 * and successors; mapped, compatible, NAT64, 6to4 and Teredo addresses count as the IPv4 address
 * they wrap), unless a network of the operator's exempts them. */

#include "base/ip_address.h"

enum address_class {
    ADDRESS_FORBIDDEN, /* unspecified, multicast, broadcast, reserved: nobody can mean it */
    ADDRESS_PRIVATE, /* loopback, link-local, private use, shared, documentation, benchmarking … */
    ADDRESS_PUBLIC,
};

enum address_class address_guard_classify(const struct ip_address *address);
/* Forbidden addresses stay forbidden whatever is exempt. */
bool address_guard_permits(const struct ip_address *address, const struct ip_network *exempt,
                           size_t exempt_count);
