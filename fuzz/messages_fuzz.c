/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are either refused, or are exactly what the encoder writes for what was decoded. The
 * first byte picks the message. */
#include "process/messages.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_identity(const struct message *message, struct slice bytes, size_t count)
{
    OWNED_STRUCT(buffer) *again = &(struct buffer){.limit = CHANNEL_FRAME_MAX};
    int descriptors[CHANNEL_DESCRIPTORS_MAX];
    size_t again_count = 0;

    if (message_encode(message, again, descriptors, &again_count) != OK || again_count != count ||
        !slice_equals(buffer_view(again), bytes))
        abort();
}

static void try_with(struct slice bytes, size_t count)
{
    int descriptors[CHANNEL_DESCRIPTORS_MAX];
    struct message message;

    for (size_t i = 0; i < count; i++)
        descriptors[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (message_decode(bytes, descriptors, count, &message) == OK) {
        check_identity(&message, bytes, count);
        message_clear(&message);
    }
    for (size_t i = 0; i < count; i++) {
        if (descriptors[i] >= 0)
            close(descriptors[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t count = 0; count <= 2; count++)
        try_with(slice_of(data, size), count);
    return 0;
}
