/* SPDX-License-Identifier: Apache-2.0 */
/* How each kind of field is written and read. Never accepts a second spelling of a value. */
#include "process/message_field.h"

#include <stdlib.h>

static void encoder_fail(struct message_encoder *encoder, enum error error)
{
    if (encoder->writer.error == OK)
        encoder->writer.error = error;
}

static void decoder_fail(struct message_decoder *decoder)
{
    decoder->reader.failed = true;
}

void message_field_encode_u32(struct message_encoder *encoder, const uint32_t *field)
{
    wire_write_u32(&encoder->writer, *field);
}

void message_field_decode_u32(struct message_decoder *decoder, uint32_t *field)
{
    *field = wire_read_u32(&decoder->reader);
}

void message_field_encode_u64(struct message_encoder *encoder, const uint64_t *field)
{
    wire_write_u64(&encoder->writer, *field);
}

void message_field_decode_u64(struct message_decoder *decoder, uint64_t *field)
{
    *field = wire_read_u64(&decoder->reader);
}

/* Enums and flags are one byte, below `count`. */
static void encode_choice(struct message_encoder *encoder, unsigned value, unsigned count)
{
    if (value >= count)
        encoder_fail(encoder, ERR_SYNTAX);
    wire_write_u8(&encoder->writer, (uint8_t)value);
}

static unsigned decode_choice(struct message_decoder *decoder, unsigned count)
{
    unsigned value = wire_read_u8(&decoder->reader);

    if (value < count)
        return value;
    decoder_fail(decoder);
    return 0;
}

#define CHOICE(kind, type, count)                                                                  \
    void message_field_encode_##kind(struct message_encoder *encoder, const type *field)           \
    {                                                                                              \
        encode_choice(encoder, (unsigned)*field, count);                                           \
    }                                                                                              \
    void message_field_decode_##kind(struct message_decoder *decoder, type *field)                 \
    {                                                                                              \
        *field = (type)decode_choice(decoder, count);                                              \
    }
CHOICE(flag, bool, 2)
CHOICE(role, enum process_role, PROCESS_ROLE_COUNT)
CHOICE(listener, enum listener_kind, LISTENER_KIND_COUNT)
CHOICE(error, enum error, ERROR_COUNT)
CHOICE(refusal, enum refusal_code, REFUSAL_COUNT)

static void encode_slice(struct message_encoder *encoder, struct slice bytes, size_t limit)
{
    if (bytes.len > limit)
        encoder_fail(encoder, ERR_TOO_LARGE);
    wire_write_slice(&encoder->writer, bytes);
}

#define BYTE_STRING(kind, limit)                                                                   \
    void message_field_encode_##kind(struct message_encoder *encoder, const struct slice *field)   \
    {                                                                                              \
        encode_slice(encoder, *field, limit);                                                      \
    }                                                                                              \
    void message_field_decode_##kind(struct message_decoder *decoder, struct slice *field)         \
    {                                                                                              \
        *field = wire_read_slice(&decoder->reader, limit);                                         \
    }
BYTE_STRING(text, MESSAGE_TEXT_MAX)
BYTE_STRING(bytes, MESSAGE_BYTES_MAX)
BYTE_STRING(blob, CHANNEL_FRAME_MAX)

void message_field_encode_list(struct message_encoder *encoder, const struct message_list *field)
{
    if (field->count > MESSAGE_LIST_MAX)
        encoder_fail(encoder, ERR_TOO_LARGE);
    wire_write_u32(&encoder->writer, (uint32_t)field->count);
    for (size_t i = 0; i < field->count; i++)
        encode_slice(encoder, field->items[i], MESSAGE_TEXT_MAX);
}

void message_field_decode_list(struct message_decoder *decoder, struct message_list *field)
{
    size_t count = wire_read_count(&decoder->reader, sizeof(uint32_t));

    *field = (struct message_list){NULL, 0};
    if (count > MESSAGE_LIST_MAX)
        decoder_fail(decoder);
    if (count == 0 || decoder->reader.failed)
        return;
    struct slice *items = calloc(count, sizeof(*items));
    if (items == NULL) {
        decoder->error = ERR_NO_MEMORY;
        return;
    }
    for (size_t i = 0; i < count; i++)
        items[i] = wire_read_slice(&decoder->reader, MESSAGE_TEXT_MAX);
    *field = (struct message_list){items, count};
}

void message_field_encode_host(struct message_encoder *encoder, const struct host_name *field)
{
    encode_slice(encoder, host_name_view(field), HOST_NAME_MAX_LEN);
}

void message_field_decode_host(struct message_decoder *decoder, struct host_name *field)
{
    struct slice text = wire_read_slice(&decoder->reader, HOST_NAME_MAX_LEN);

    memset(field, 0, sizeof(*field));
    if (decoder->reader.failed || host_name_parse(text, field) != OK ||
        !slice_equals(host_name_view(field), text))
        decoder_fail(decoder);
}

void message_field_encode_authority(struct message_encoder *encoder, const struct authority *field)
{
    if (field->port == 0)
        encoder_fail(encoder, ERR_SYNTAX);
    message_field_encode_host(encoder, &field->host);
    wire_write_u16(&encoder->writer, field->port);
}

void message_field_decode_authority(struct message_decoder *decoder, struct authority *field)
{
    message_field_decode_host(decoder, &field->host);
    field->port = wire_read_u16(&decoder->reader);
    if (field->port == 0)
        decoder_fail(decoder);
}

static bool is_address_len(unsigned len)
{
    return len == 0 || len == 4 || len == 16;
}

void message_field_encode_address(struct message_encoder *encoder, const struct ip_address *field)
{
    if (!is_address_len(field->len)) {
        encoder_fail(encoder, ERR_SYNTAX);
        return;
    }
    wire_write_u8(&encoder->writer, field->len);
    wire_write_raw(&encoder->writer, field->bytes, field->len);
}

void message_field_decode_address(struct message_decoder *decoder, struct ip_address *field)
{
    uint8_t len = wire_read_u8(&decoder->reader);

    memset(field, 0, sizeof(*field));
    if (!is_address_len(len)) {
        decoder_fail(decoder);
        return;
    }
    field->len = len;
    wire_read_raw(&decoder->reader, field->bytes, len);
}

void message_field_encode_addresses(struct message_encoder *encoder,
                                    const struct message_addresses *field)
{
    size_t count = field->count;

    if (count > MESSAGE_ADDRESSES_MAX) {
        encoder_fail(encoder, ERR_TOO_LARGE);
        return;
    }
    wire_write_u8(&encoder->writer, (uint8_t)count);
    for (size_t i = 0; i < count; i++) {
        if (field->items[i].len == 0)
            encoder_fail(encoder, ERR_SYNTAX);
        message_field_encode_address(encoder, &field->items[i]);
    }
}

void message_field_decode_addresses(struct message_decoder *decoder,
                                    struct message_addresses *field)
{
    unsigned count = decode_choice(decoder, MESSAGE_ADDRESSES_MAX + 1);

    memset(field, 0, sizeof(*field));
    field->count = count;
    for (size_t i = 0; i < count; i++) {
        message_field_decode_address(decoder, &field->items[i]);
        if (field->items[i].len == 0)
            decoder_fail(decoder);
    }
}

void message_field_encode_endpoint(struct message_encoder *encoder, const struct ip_endpoint *field)
{
    message_field_encode_address(encoder, &field->address);
    wire_write_u16(&encoder->writer, field->port);
}

void message_field_decode_endpoint(struct message_decoder *decoder, struct ip_endpoint *field)
{
    message_field_decode_address(decoder, &field->address);
    field->port = wire_read_u16(&decoder->reader);
}

void message_field_encode_key(struct message_encoder *encoder, const uint8_t *field)
{
    wire_write_raw(&encoder->writer, field, MESSAGE_KEY_SIZE);
}

void message_field_decode_key(struct message_decoder *decoder, uint8_t *field)
{
    wire_read_raw(&decoder->reader, field, MESSAGE_KEY_SIZE);
}

void message_field_encode_ticket_key(struct message_encoder *encoder, const uint8_t *field)
{
    wire_write_raw(&encoder->writer, field, MESSAGE_TICKET_KEY_SIZE);
}

void message_field_decode_ticket_key(struct message_decoder *decoder, uint8_t *field)
{
    wire_read_raw(&decoder->reader, field, MESSAGE_TICKET_KEY_SIZE);
}

/* One byte says whether there is a descriptor; it travels beside the bytes. */
void message_field_encode_fd(struct message_encoder *encoder, const int *field)
{
    bool is_there = *field > 0;

    encode_choice(encoder, is_there, 2);
    if (!is_there)
        return;
    if (encoder->count == CHANNEL_DESCRIPTORS_MAX)
        encoder_fail(encoder, ERR_TOO_LARGE);
    else
        encoder->descriptors[encoder->count++] = *field;
}

void message_field_decode_fd(struct message_decoder *decoder, int *field)
{
    *field = -1;
    if (decode_choice(decoder, 2) == 0)
        return;
    if (decoder->reader.failed || decoder->used == decoder->count) {
        decoder_fail(decoder);
        return;
    }
    *field = decoder->descriptors[decoder->used];
    decoder->descriptors[decoder->used++] = -1;
}
