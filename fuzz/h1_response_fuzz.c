/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes from a hostile origin: splits change nothing, and what is accepted is read the same way
 * once it is written anew. */
#include "fuzz/h1_rewrite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return h1_rewrite_fuzz(H1_RESPONSES, slice_of(data, size));
}
