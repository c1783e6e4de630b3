/* SPDX-License-Identifier: Apache-2.0 */
/* SOCKS5 messages. Never takes a part of one. */
#include "proxy/client/socks5.h"

#include "base/wire.h"

enum { LOGIN_VERSION = 1, COMMAND_CONNECT = 1 };
enum { ADDRESS_IPV4 = 1, ADDRESS_NAME = 3, ADDRESS_IPV6 = 4 };

/* Strings here have a length of one byte. */
static struct slice read_string(struct wire_reader *reader)
{
    size_t len = wire_read_u8(reader);
    struct slice string = slice_take(reader->rest, len);

    if (reader->failed || string.len < len) {
        reader->failed = true;
        return SLICE_NONE;
    }
    reader->rest = slice_skip(reader->rest, len);
    return string;
}

static enum socks5_status complete(struct slice *input, const struct wire_reader *reader)
{
    if (reader->failed)
        return SOCKS5_NEED_MORE;
    *input = reader->rest;
    return SOCKS5_COMPLETE;
}

static bool begins_with(struct slice input, unsigned char version)
{
    return input.len == 0 || (unsigned char)input.data[0] == version;
}

enum socks5_status socks5_parse_greeting(struct slice *input, struct socks5_greeting *out)
{
    struct wire_reader reader = wire_reader_of(*input);

    if (!begins_with(*input, SOCKS5_VERSION))
        return SOCKS5_FAULT;
    (void)wire_read_u8(&reader);
    struct slice methods = read_string(&reader);
    out->offers_login = slice_find(methods, (char)SOCKS5_LOGIN) < methods.len;
    out->offers_no_login = slice_find(methods, (char)SOCKS5_NO_LOGIN) < methods.len;
    return complete(input, &reader);
}

enum socks5_status socks5_parse_login(struct slice *input, struct socks5_login *out)
{
    struct wire_reader reader = wire_reader_of(*input);

    if (!begins_with(*input, LOGIN_VERSION))
        return SOCKS5_FAULT;
    (void)wire_read_u8(&reader);
    out->user = read_string(&reader);
    out->password = read_string(&reader);
    return complete(input, &reader);
}

static bool address_text(struct wire_reader *reader, uint8_t len, struct host_name *out)
{
    struct ip_address address = {.len = len};
    char text[IP_ADDRESS_TEXT_MAX];

    wire_read_raw(reader, address.bytes, len);
    return !reader->failed && host_name_parse(ip_address_format(&address, text), out) == OK;
}

/* A name stays a name: what looks like an address is not taken as one. */
static bool named_host(struct wire_reader *reader, struct host_name *out)
{
    struct slice name = read_string(reader);

    return host_name_parse(name, out) == OK && !host_name_is_literal(out);
}

static bool read_host(struct wire_reader *reader, uint8_t kind, struct host_name *out)
{
    switch (kind) {
    case ADDRESS_IPV4:
        return address_text(reader, 4, out);
    case ADDRESS_IPV6:
        return address_text(reader, 16, out);
    default:
        return named_host(reader, out);
    }
}

static bool is_address_kind(uint8_t kind)
{
    return kind == ADDRESS_IPV4 || kind == ADDRESS_IPV6 || kind == ADDRESS_NAME;
}

enum socks5_status socks5_parse_request(struct slice *input, struct socks5_request *out)
{
    struct wire_reader reader = wire_reader_of(*input);

    if (!begins_with(*input, SOCKS5_VERSION))
        return SOCKS5_FAULT;
    (void)wire_read_u8(&reader);
    out->is_connect = wire_read_u8(&reader) == COMMAND_CONNECT;
    uint8_t reserved = wire_read_u8(&reader);
    uint8_t kind = wire_read_u8(&reader);
    if (!reader.failed && (reserved != 0 || !is_address_kind(kind)))
        return SOCKS5_FAULT;
    bool is_host = read_host(&reader, kind, &out->target.host);
    out->target.port = wire_read_u16(&reader);
    out->is_valid = is_host && out->target.port != 0;
    return complete(input, &reader);
}

void socks5_format_choice(enum socks5_method method, char out[SOCKS5_CHOICE_SIZE])
{
    out[0] = SOCKS5_VERSION;
    out[1] = (char)method;
}

void socks5_format_login_result(bool is_right, char out[SOCKS5_CHOICE_SIZE])
{
    out[0] = LOGIN_VERSION;
    out[1] = is_right ? 0 : 1;
}

/* The bound address that a reply names is of no use to anyone: all zeros. */
void socks5_format_reply(enum socks5_reply reply, char out[SOCKS5_REPLY_SIZE])
{
    memset(out, 0, SOCKS5_REPLY_SIZE);
    out[0] = SOCKS5_VERSION;
    out[1] = (char)reply;
    out[3] = ADDRESS_IPV4;
}
