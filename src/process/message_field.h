/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The encoding of each kind of field of messages.h, private to messages.c. An encoder or decoder
 * that fails stays failed, and every decode function sets its field even then. */

#include "base/wire.h"
#include "process/messages.h"

struct message_encoder {
    struct wire_writer writer;
    int *descriptors; /* CHANNEL_DESCRIPTORS_MAX */
    size_t count;
};

struct message_decoder {
    struct wire_reader reader;
    int *descriptors;
    size_t count, used;
    enum error error;
};

/* function name, C type of what it points to */
#define MESSAGE_FIELD_KINDS(K)                                                                     \
    K(u32, uint32_t)                                                                               \
    K(u64, uint64_t)                                                                               \
    K(flag, bool)                                                                                  \
    K(text, struct slice)                                                                          \
    K(bytes, struct slice)                                                                         \
    K(blob, struct slice)                                                                          \
    K(list, struct message_list)                                                                   \
    K(host, struct host_name)                                                                      \
    K(authority, struct authority)                                                                 \
    K(address, struct ip_address)                                                                  \
    K(addresses, struct message_addresses)                                                         \
    K(endpoint, struct ip_endpoint)                                                                \
    K(role, enum process_role)                                                                     \
    K(listener, enum listener_kind)                                                                \
    K(error, enum error)                                                                           \
    K(refusal, enum refusal_code)                                                                  \
    K(key, uint8_t)                                                                                \
    K(ticket_key, uint8_t)                                                                         \
    K(fd, int)

#define MESSAGE_FIELD_FUNCTIONS(kind, type)                                                        \
    void message_field_encode_##kind(struct message_encoder *encoder, const type *field);          \
    void message_field_decode_##kind(struct message_decoder *decoder, type *field);
MESSAGE_FIELD_KINDS(MESSAGE_FIELD_FUNCTIONS)
#undef MESSAGE_FIELD_FUNCTIONS
