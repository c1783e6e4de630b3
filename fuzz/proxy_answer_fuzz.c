/* SPDX-License-Identifier: Apache-2.0 */
/* Any answer of another proxy: how it is cut changes nothing, and a tunnel begins with nothing but
 * a whole head. */
#include "process/dialer/proxy_answer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Fed in pieces of `step`; `*used` is how much had come when the verdict fell. */
static enum proxy_verdict feed(struct slice all, size_t step, uint16_t *status, size_t *used)
{
    OWNED_STRUCT(proxy_answer) *answer = proxy_answer_new();
    enum proxy_verdict verdict = PROXY_AWAITS_MORE;

    for (*used = 0; verdict == PROXY_AWAITS_MORE && *used < all.len;) {
        struct slice piece = slice_take(slice_skip(all, *used), step);

        verdict = proxy_answer_feed(answer, piece, status);
        *used += piece.len;
    }
    return verdict;
}

static void check_head(struct slice head)
{
    static const struct slice end = SLICE_INIT("\r\n\r\n");

    if (!slice_starts_with(head, SLICE("HTTP/1.")) ||
        slice_find_slice(head, end) != head.len - end.len)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice all = slice_of(data, size < PROXY_ANSWER_MAX ? size : PROXY_ANSWER_MAX - 1);
    uint16_t status = 0, same_status = 0;
    size_t used, used_in_bytes;
    enum proxy_verdict verdict = feed(all, all.len + 1, &status, &used);
    enum proxy_verdict in_bytes = feed(all, 1, &same_status, &used_in_bytes);

    if (in_bytes == PROXY_CONNECTED)
        check_head(slice_take(all, used_in_bytes));
    /* What follows a head can be seen only once it is there. */
    bool has_surplus = in_bytes == PROXY_CONNECTED && used_in_bytes < all.len;
    if (verdict != (has_surplus ? PROXY_MALFORMED : in_bytes) || status != same_status)
        abort();
    return 0;
}
