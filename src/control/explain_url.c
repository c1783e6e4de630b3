/* SPDX-License-Identifier: Apache-2.0 */
/* Reads URLs for `explain`. Never more lenient than the data plane about an authority. */

#include "control/explain_url.h"

static bool is_printable(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.data[i] <= ' ' || text.data[i] == 0x7f)
            return false;
    }
    return true;
}

enum error explain_url_parse(struct slice text, struct explain_url *out)
{
    struct explain_url url;
    if (!is_printable(text))
        return ERR_SYNTAX;
    if (slice_starts_with_nocase(text, SLICE("https://")))
        url.is_https = true;
    else if (slice_starts_with_nocase(text, SLICE("http://")))
        url.is_https = false;
    else
        return ERR_SYNTAX;
    text = slice_skip(text, url.is_https ? 8 : 7);
    size_t end = 0;
    while (end < text.len && strchr("/?#\\", text.data[end]) == NULL)
        end++;
    if (end < text.len && text.data[end] == '\\')
        return ERR_SYNTAX; /* what browsers make of it is another host */
    TRY(authority_parse(slice_take(text, end), url.is_https ? 443 : 80, &url.authority));
    *out = url;
    return OK;
}
