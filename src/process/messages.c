/* SPDX-License-Identifier: Apache-2.0 */
/* Messages to bytes and back, made from the table in messages.h. Never trusts a length, a count or
 * a code that another process wrote. */
#include "process/messages.h"

#include "process/message_field.h"

#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

/* Arrays (keys) decay to a pointer to their first byte; anything else gives its address. */
#define FIELD_POINTER(field) ((void *)&(field))

#define ENCODE_FIELD(kind, name) message_field_encode_##kind(encoder, FIELD_POINTER(in->name));
#define DECODE_FIELD(kind, name) message_field_decode_##kind(decoder, FIELD_POINTER(out->name));

/* What clearing does to a field, by kind: most own nothing. */
#define CLEAR_u32(field)
#define CLEAR_u64(field)
#define CLEAR_flag(field)
#define CLEAR_text(field)
#define CLEAR_bytes(field)
#define CLEAR_blob(field)
#define CLEAR_list(field) free((void *)(uintptr_t)(field).items);
#define CLEAR_host(field)
#define CLEAR_authority(field)
#define CLEAR_address(field)
#define CLEAR_addresses(field)
#define CLEAR_endpoint(field)
#define CLEAR_role(field)
#define CLEAR_listener(field)
#define CLEAR_error(field)
#define CLEAR_refusal(field)
#define CLEAR_key(field)
#define CLEAR_ticket_key(field)
#define CLEAR_fd(field) close_descriptor(field);
#define CLEAR_FIELD(kind, name) CLEAR_##kind(in->name)

static void close_descriptor(int fd)
{
    if (fd > 0)
        close(fd);
}

#define CODEC(type, member, fields, secrecy)                                                       \
    static void encode_##member(struct message_encoder *encoder UNUSED,                            \
                                const struct message *message)                                     \
    {                                                                                              \
        const struct message_##member *in UNUSED = &message->member;                               \
        fields(ENCODE_FIELD)                                                                       \
    }                                                                                              \
    static void decode_##member(struct message_decoder *decoder UNUSED, struct message *message)   \
    {                                                                                              \
        struct message_##member *out UNUSED = &message->member;                                    \
        fields(DECODE_FIELD)                                                                       \
    }                                                                                              \
    static void clear_##member(const struct message *message)                                      \
    {                                                                                              \
        const struct message_##member *in UNUSED = &message->member;                               \
        fields(CLEAR_FIELD)                                                                        \
    }
MESSAGE_TABLE(CODEC)

struct codec {
    const char *name;
    enum channel_secrecy secrecy;
    void (*encode)(struct message_encoder *encoder, const struct message *message);
    void (*decode)(struct message_decoder *decoder, struct message *message);
    void (*clear)(const struct message *message);
};

#define CODEC_ENTRY(type, member, fields, secrecy)                                                 \
    [type] = {#type, secrecy, encode_##member, decode_##member, clear_##member},
static const struct codec codecs[MESSAGE_COUNT] = {MESSAGE_TABLE(CODEC_ENTRY)};

const char *message_name(enum message_type type)
{
    return type < MESSAGE_COUNT ? codecs[type].name : "MESSAGE_UNKNOWN";
}

enum channel_secrecy message_secrecy(enum message_type type)
{
    return codecs[type].secrecy;
}

enum error message_encode(const struct message *message, struct buffer *out,
                          int descriptors[CHANNEL_DESCRIPTORS_MAX], size_t *count)
{
    struct message_encoder encoder = {.writer = wire_writer_of(out), .descriptors = descriptors};

    wire_write_u8(&encoder.writer, (uint8_t)message->type);
    codecs[message->type].encode(&encoder, message);
    *count = encoder.count;
    return encoder.writer.error;
}

enum error message_decode(struct slice bytes, int *descriptors, size_t count, struct message *out)
{
    struct message_decoder decoder = {
        .reader = wire_reader_of(bytes), .descriptors = descriptors, .count = count};
    uint8_t type = wire_read_u8(&decoder.reader);

    if (decoder.reader.failed || type >= MESSAGE_COUNT)
        return ERR_SYNTAX;
    memset(out, 0, sizeof(*out));
    out->type = type;
    codecs[type].decode(&decoder, out);
    if (decoder.error == OK && wire_reader_done(&decoder.reader) && decoder.used == count)
        return OK;
    message_clear(out);
    return decoder.error != OK ? decoder.error : ERR_SYNTAX;
}

void message_clear(struct message *message)
{
    codecs[message->type].clear(message);
    sodium_memzero(message, sizeof(*message));
}

int message_take_fd(int *field)
{
    int fd = *field;

    *field = -1;
    return fd;
}
