/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes: a message is taken whole or not at all, and a valid target prints back as itself. */
#include "proxy/client/socks5.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(enum socks5_status status, struct slice before, struct slice after)
{
    if ((status == SOCKS5_COMPLETE) != (after.len < before.len))
        abort();
}

static void check_target(const struct authority *target)
{
    struct host_name again;

    if (host_name_parse(host_name_view(&target->host), &again) != OK ||
        !host_name_equals(&again, &target->host))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice all = slice_of(data, size), input = all;
    struct socks5_greeting greeting;
    struct socks5_login login;
    struct socks5_request request;

    check(socks5_parse_greeting(&input, &greeting), all, input);
    input = all;
    check(socks5_parse_login(&input, &login), all, input);
    input = all;
    enum socks5_status status = socks5_parse_request(&input, &request);
    check(status, all, input);
    if (status == SOCKS5_COMPLETE && request.is_valid)
        check_target(&request.target);
    return 0;
}
