/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The first flight of a TLS client, read without answering: whom it means (RFC 8446, 4.1.2; RFC
 * 6066, 3). The ClientHello may come in any number of segments and records; it is complete, in
 * order and at most CLIENT_HELLO_MAX bytes long, or it is refused. No I/O. */

#include "base/host_name.h"

enum {
    CLIENT_HELLO_MAX = 64 * 1024, /* with the headers of its records */
    CLIENT_HELLO_ALERT_SIZE = 7,
};

enum client_hello_status { CLIENT_HELLO_INCOMPLETE, CLIENT_HELLO_COMPLETE, CLIENT_HELLO_MALFORMED };

/* Whom the outer server_name extension names: of Encrypted Client Hello, the public name. */
enum client_hello_name {
    CLIENT_HELLO_NO_NAME,
    CLIENT_HELLO_HOST,
    CLIENT_HELLO_BAD_NAME, /* no DNS name, or a list of several */
};

/* How far the bytes were read; starts as zeros. */
struct client_hello {
    size_t records_len; /* the whole records so far, with their headers */
    size_t message_len; /* ... without */
    size_t record_count;
    enum client_hello_name name;
    struct host_name host; /* of CLIENT_HELLO_HOST */
};

/* `bytes` is everything that has come so far, from the first byte on; each call goes on where the
 * one before stopped. When complete, `hello->name` says whom it is for. What follows the
 * ClientHello in later records is not looked at; what follows it in its own record is malformed. */
enum client_hello_status client_hello_parse(struct client_hello *hello, struct slice bytes);

/* The last word to a client that was not greeted: a fatal alert (RFC 8446, 6) in plain text. */
enum client_hello_alert {
    CLIENT_HELLO_ACCESS_DENIED = 49,
    CLIENT_HELLO_DECODE_ERROR = 50,
    CLIENT_HELLO_INTERNAL_ERROR = 80,
    CLIENT_HELLO_UNRECOGNIZED_NAME = 112,
};
struct slice client_hello_format_alert(enum client_hello_alert alert,
                                       char out[CLIENT_HELLO_ALERT_SIZE]);
