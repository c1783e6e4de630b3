/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SOCKS5 messages (RFC 1928) with a user name and password (RFC 1929): bytes in, values out. No
 * sockets. Each parser takes one whole message from the front of its input, or nothing. */

#include "base/host_name.h"

enum socks5_status {
    SOCKS5_NEED_MORE, /* nothing was taken */
    SOCKS5_COMPLETE,  /* the message was taken */
    SOCKS5_FAULT,     /* no SOCKS5 */
};

enum { SOCKS5_VERSION = 5 };

enum socks5_method { SOCKS5_NO_LOGIN = 0x00, SOCKS5_LOGIN = 0x02, SOCKS5_NO_METHOD = 0xff };

enum socks5_reply {
    SOCKS5_SUCCEEDED = 0x00,
    SOCKS5_NOT_ALLOWED = 0x02,
    SOCKS5_COMMAND_NOT_SUPPORTED = 0x07,
    SOCKS5_ADDRESS_NOT_SUPPORTED = 0x08,
};

struct socks5_greeting {
    bool offers_login, offers_no_login;
};

/* Borrowed from the input. */
struct socks5_login {
    struct slice user, password;
};

struct socks5_request {
    bool is_connect; /* anything else is refused with SOCKS5_COMMAND_NOT_SUPPORTED */
    bool is_valid;   /* the address is a host name or literal in canonical terms, the port not 0 */
    struct authority target;
};

enum socks5_status socks5_parse_greeting(struct slice *input, struct socks5_greeting *out);
enum socks5_status socks5_parse_login(struct slice *input, struct socks5_login *out);
enum socks5_status socks5_parse_request(struct slice *input, struct socks5_request *out);

enum { SOCKS5_CHOICE_SIZE = 2, SOCKS5_REPLY_SIZE = 10 };
void socks5_format_choice(enum socks5_method method, char out[SOCKS5_CHOICE_SIZE]);
void socks5_format_login_result(bool is_right, char out[SOCKS5_CHOICE_SIZE]);
void socks5_format_reply(enum socks5_reply reply, char out[SOCKS5_REPLY_SIZE]);
