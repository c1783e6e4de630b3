/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Names that we make up ourselves, from the system's random source. */

#include "base/slice.h"

enum {
    IDENTIFIER_UUID_LEN = 36,
    IDENTIFIER_SHORT_LEN = 19, /* "sb-" or "cp-" and 16 lower-case hex digits */
    IDENTIFIER_PROXY_TOKEN_LEN = 43,
    IDENTIFIER_SIZE = 44, /* room for any of them with a NUL */
};

/* A version 4 UUID, lower case. Control makes a secret store's id before the store exists, because
 * the keyholder's MAC over its allowlist covers it. */
struct slice identifier_uuid(char text[IDENTIFIER_SIZE]);
/* 64 random bits behind `prefix`, which has 3 characters. */
struct slice identifier_short(const char *prefix, char text[IDENTIFIER_SIZE]);
/* 256 random bits as base64url without padding. */
struct slice identifier_proxy_token(char text[IDENTIFIER_SIZE]);
