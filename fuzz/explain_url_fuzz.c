/* SPDX-License-Identifier: Apache-2.0 */
/* Any input either fails to parse, or gives an authority that prints back and parses again as the
 * same one. */

#include "control/explain_url.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct explain_url url;
    struct host_name again;
    if (explain_url_parse(slice_of(data, size), &url) != OK)
        return 0;
    if (url.authority.port == 0 ||
        host_name_parse(host_name_view(&url.authority.host), &again) != OK ||
        !host_name_equals(&url.authority.host, &again))
        abort();
    return 0;
}
