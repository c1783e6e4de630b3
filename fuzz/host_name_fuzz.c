/* SPDX-License-Identifier: Apache-2.0 */
/* Any input either is no host, or has one canonical form: lower case, only what may stand in a
 * host, and its own canonical form. The same for an authority. */
#include "base/host_name.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
    if (!fact)
        abort();
}

static void check_characters(const struct host_name *host)
{
    static const struct slice permitted = SLICE_INIT("abcdefghijklmnopqrstuvwxyz0123456789-.:");

    must(host->len > 0 && host->len <= HOST_NAME_MAX_LEN && host->text[host->len] == '\0');
    for (size_t i = 0; i < host->len; i++)
        must(slice_find(permitted, host->text[i]) < permitted.len);
    must((slice_find(host_name_view(host), ':') < host->len) == (host->literal.len == 16));
}

static void check_host(struct slice text)
{
    struct host_name host, again;

    if (host_name_parse(text, &host) != OK)
        return;
    check_characters(&host);
    must(slice_equals_nocase(slice_take(text, host.len), host_name_view(&host)));
    must(text.len - host.len <= 1);
    must(host_name_parse(host_name_view(&host), &again) == OK);
    must(host_name_equals(&host, &again));
    must(ip_address_equals(&host.literal, &again.literal));
}

static void check_authority(struct slice text)
{
    struct authority authority, again;
    char printed[HOST_NAME_MAX_LEN + 16];
    bool is_ipv6;

    if (authority_parse(text, 443, &authority) != OK)
        return;
    check_characters(&authority.host);
    must(authority.port != 0);
    is_ipv6 = authority.host.literal.len == 16;
    snprintf(printed, sizeof(printed), "%s%s%s:%u", is_ipv6 ? "[" : "", authority.host.text,
             is_ipv6 ? "]" : "", (unsigned)authority.port);
    must(authority_parse(slice_from_string(printed), 0, &again) == OK);
    must(authority_equals(&authority, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_host(slice_of(data, size));
    check_authority(slice_of(data, size));
    return 0;
}
