/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a ClientHello out of TLS records. Never looks at a byte twice but to put a message together
 * that came in several records. */
#include "proxy/client/client_hello.h"

#include "base/wire.h"

#include <stdlib.h>

enum {
    RECORD_HEADER = 5,
    RECORD_MAX = 1 << 14,
    RECORD_HANDSHAKE = 22,
    RECORD_ALERT = 21,
    MESSAGE_HEADER = 4,
    MESSAGE_CLIENT_HELLO = 1,
    VERSION_MAJOR = 3,
    ALERT_FATAL = 2,
    RANDOM_SIZE = 32,
    SESSION_ID_MAX = 32,
    EXTENSION_SERVER_NAME = 0,
    NAME_HOST = 0,
    EXTENSION_KINDS = 1 << 16,
};

static size_t read_u16(const char *bytes)
{
    return (size_t)(unsigned char)bytes[0] << 8 | (unsigned char)bytes[1];
}

/* Bytes behind a length of one or two bytes. */
static struct slice read_vector(struct wire_reader *reader, size_t len_size)
{
    size_t len = len_size == 1 ? wire_read_u8(reader) : wire_read_u16(reader);
    struct slice vector = slice_take(reader->rest, len);

    if (len > reader->rest.len)
        reader->failed = true;
    if (reader->failed)
        return SLICE_NONE;
    reader->rest = slice_skip(reader->rest, len);
    return vector;
}

/* The one name of a ServerNameList: lists of several, and literals, name nobody. */
static enum client_hello_name parse_server_name(struct slice extension, struct host_name *out)
{
    struct wire_reader reader = wire_reader_of(extension);
    struct slice list = read_vector(&reader, 2);
    bool is_whole = wire_reader_done(&reader);

    reader = wire_reader_of(list);
    uint8_t kind = wire_read_u8(&reader);
    struct slice name = read_vector(&reader, 2);
    if (!is_whole || !wire_reader_done(&reader) || kind != NAME_HOST ||
        host_name_parse(name, out) != OK || host_name_is_literal(out))
        return CLIENT_HELLO_BAD_NAME;
    return CLIENT_HELLO_HOST;
}

/* RFC 8446, 4.2: no two of a kind. */
static bool is_repeated(uint8_t *seen, uint16_t kind)
{
    uint8_t bit = (uint8_t)(1U << kind % 8);
    bool was_seen = (seen[kind / 8] & bit) != 0;

    seen[kind / 8] |= bit;
    return was_seen;
}

static bool parse_extensions(struct client_hello *hello, struct slice extensions)
{
    uint8_t seen[EXTENSION_KINDS / 8] = {0};
    struct wire_reader reader = wire_reader_of(extensions);

    while (!reader.failed && reader.rest.len > 0) {
        uint16_t kind = wire_read_u16(&reader);
        struct slice content = read_vector(&reader, 2);

        if (reader.failed || is_repeated(seen, kind))
            return false;
        if (kind == EXTENSION_SERVER_NAME)
            hello->name = parse_server_name(content, &hello->host);
    }
    return !reader.failed;
}

/* The body of the message, without its header. */
static bool parse_body(struct client_hello *hello, struct slice body)
{
    char random[RANDOM_SIZE];
    struct wire_reader reader = wire_reader_of(body);
    uint8_t major = wire_read_u8(&reader);

    (void)wire_read_u8(&reader);
    wire_read_raw(&reader, random, sizeof(random));
    struct slice session_id = read_vector(&reader, 1);
    struct slice ciphers = read_vector(&reader, 2);
    struct slice compressions = read_vector(&reader, 1);
    if (reader.failed || major != VERSION_MAJOR || session_id.len > SESSION_ID_MAX ||
        ciphers.len < 2 || ciphers.len % 2 != 0 || compressions.len == 0)
        return false;
    if (reader.rest.len == 0)
        return true; /* TLS 1.2 without extensions */
    struct slice extensions = read_vector(&reader, 2);
    return wire_reader_done(&reader) && parse_extensions(hello, extensions);
}

/* Copies `len` bytes of the message, from its start, out of the records that hold them. */
static void copy_message(struct slice records, size_t len, char *out)
{
    while (len > 0) {
        struct slice content =
            slice_take(slice_skip(records, RECORD_HEADER), read_u16(records.data + 3));
        struct slice part = slice_take(content, len);

        memcpy(out, part.data, part.len);
        out += part.len;
        len -= part.len;
        records = slice_skip(records, RECORD_HEADER + content.len);
    }
}

/* False: no record of a ClientHello begins like that. */
static bool is_record_header(const char *header)
{
    size_t len = read_u16(header + 3);

    return (unsigned char)header[0] == RECORD_HANDSHAKE &&
           (unsigned char)header[1] == VERSION_MAJOR && len > 0 && len <= RECORD_MAX;
}

/* The length of the whole message, with its header; 0: not known yet. */
static size_t message_size(const struct client_hello *hello, struct slice records)
{
    char header[MESSAGE_HEADER]; /* the first record need not hold it whole */

    if (hello->message_len < MESSAGE_HEADER)
        return 0;
    copy_message(records, MESSAGE_HEADER, header);
    return MESSAGE_HEADER + ((size_t)(unsigned char)header[1] << 16) + read_u16(header + 2);
}

static enum client_hello_status parse_message(struct client_hello *hello, struct slice records)
{
    size_t len = hello->message_len;
    char *copy = hello->record_count > 1 ? malloc(len) : NULL;
    const char *message = records.data + RECORD_HEADER;

    if (hello->record_count > 1 && copy == NULL)
        return CLIENT_HELLO_MALFORMED;
    if (copy != NULL) {
        copy_message(records, len, copy);
        message = copy;
    }
    bool is_good = message[0] == MESSAGE_CLIENT_HELLO &&
                   parse_body(hello, slice_of(message + MESSAGE_HEADER, len - MESSAGE_HEADER));
    free(copy);
    return is_good ? CLIENT_HELLO_COMPLETE : CLIENT_HELLO_MALFORMED;
}

/* One more record. INCOMPLETE: it is there, and there are more to come. */
static enum client_hello_status take_record(struct client_hello *hello, struct slice bytes,
                                            size_t len)
{
    hello->records_len += RECORD_HEADER + len;
    hello->message_len += len;
    hello->record_count++;
    size_t size = message_size(hello, bytes);

    if (size > CLIENT_HELLO_MAX || (size > 0 && hello->message_len > size))
        return CLIENT_HELLO_MALFORMED;
    return size > 0 && hello->message_len == size ? parse_message(hello, bytes)
                                                  : CLIENT_HELLO_INCOMPLETE;
}

enum client_hello_status client_hello_parse(struct client_hello *hello, struct slice bytes)
{
    enum client_hello_status status = CLIENT_HELLO_INCOMPLETE;

    while (status == CLIENT_HELLO_INCOMPLETE) {
        struct slice rest = slice_skip(bytes, hello->records_len);

        if (hello->records_len > CLIENT_HELLO_MAX)
            return CLIENT_HELLO_MALFORMED;
        if (rest.len < RECORD_HEADER)
            break;
        if (!is_record_header(rest.data))
            return CLIENT_HELLO_MALFORMED;
        size_t len = read_u16(rest.data + 3);
        if (rest.len < RECORD_HEADER + len)
            break;
        status = take_record(hello, bytes, len);
    }
    return status;
}

struct slice client_hello_format_alert(enum client_hello_alert alert,
                                       char out[CLIENT_HELLO_ALERT_SIZE])
{
    const char bytes[CLIENT_HELLO_ALERT_SIZE] = {RECORD_ALERT, VERSION_MAJOR, 1, 0, 2,
                                                 ALERT_FATAL,  (char)alert};

    memcpy(out, bytes, sizeof(bytes));
    return slice_of(out, sizeof(bytes));
}
