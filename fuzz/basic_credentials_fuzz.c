/* SPDX-License-Identifier: Apache-2.0 */
/* What decodes, encodes to something that decodes to the same; any bytes survive the way there and
 * back. */
#include "inject/basic_credentials.h"

#include <stdlib.h>

static void must(bool claim)
{
    if (!claim)
        abort();
}

static void round_trip(struct slice credentials)
{
    OWNED_STRUCT(buffer) *field = &(struct buffer){.limit = SIZE_MAX / 4};
    OWNED_STRUCT(buffer) *back = &(struct buffer){.limit = SIZE_MAX / 4};
    struct slice encoded;

    must(basic_credentials_encode(credentials, field) == OK);
    must(basic_credentials_recognize(SLICE("Authorization"), buffer_view(field), &encoded));
    if (credentials.len == 0)
        return;
    must(basic_credentials_decode(encoded, back) == OK);
    must(slice_equals(buffer_view(back), credentials));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    OWNED_STRUCT(buffer) *decoded = &(struct buffer){.limit = SIZE_MAX / 4};
    struct slice input = slice_of(data, size), encoded = input;

    round_trip(input);
    basic_credentials_recognize(SLICE("Authorization"), input, &encoded);
    if (basic_credentials_decode(encoded, decoded) == OK) {
        must(buffer_len(decoded) <= encoded.len / 4 * 3 + 2);
        round_trip(buffer_view(decoded));
    } else {
        must(buffer_len(decoded) == 0);
    }
    return 0;
}
