/* SPDX-License-Identifier: Apache-2.0 */
/* Messages in a stream. Never waits for a message that would not be taken. */
#include "dns/dns_frame.h"

#include "base/wire.h"

enum error dns_frame_read(struct slice pending, struct slice *message)
{
    struct wire_reader reader = wire_reader_of(pending);
    uint16_t len = wire_read_u16(&reader);

    if (reader.failed)
        return ERR_AGAIN;
    if (len < DNS_HEADER_LEN)
        return ERR_SYNTAX;
    if (len > DNS_QUERY_MAX)
        return ERR_TOO_LARGE;
    if (reader.rest.len < len)
        return ERR_AGAIN;
    *message = slice_take(reader.rest, len);
    return OK;
}

enum error dns_frame_write(struct slice message, struct buffer *out)
{
    struct wire_writer writer = wire_writer_of(out);
    size_t before = buffer_len(out);

    if (message.len > DNS_MESSAGE_MAX)
        return ERR_TOO_LARGE;
    wire_write_u16(&writer, (uint16_t)message.len);
    wire_write_raw(&writer, message.data, message.len);
    if (writer.error != OK)
        buffer_truncate(out, before);
    return writer.error;
}
