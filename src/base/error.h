/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Every way a function of the project can fail. A denial by policy is not here: it is a value (see
 * policy/refusal_code.h). Whose fault it is decides the HTTP status of the API's answer. */

#include "base/compiler.h"

enum fault {
    FAULT_NONE,
    FAULT_CLIENT,   /* the sandbox, or the caller of the API */
    FAULT_UPSTREAM, /* the origin, or the network to it */
    FAULT_OPERATOR, /* configuration, files, permissions */
    FAULT_INTERNAL, /* us, or the machine */
};

/* name, fault, text */
#define ERROR_TABLE(X)                                                                             \
    X(OK, FAULT_NONE, "no error")                                                                  \
    X(ERR_NO_MEMORY, FAULT_INTERNAL, "out of memory")                                              \
    X(ERR_SYSTEM, FAULT_INTERNAL, "a system call failed")                                          \
    X(ERR_CRYPTO, FAULT_INTERNAL, "a cryptographic operation failed")                              \
    X(ERR_DATABASE, FAULT_INTERNAL, "the database failed")                                         \
    X(ERR_TOO_LARGE, FAULT_CLIENT, "larger than its limit")                                        \
    X(ERR_SYNTAX, FAULT_CLIENT, "malformed")                                                       \
    X(ERR_NOT_FOUND, FAULT_CLIENT, "there is none")                                                \
    X(ERR_EXISTS, FAULT_CLIENT, "there is one already")                                            \
    X(ERR_FORBIDDEN, FAULT_CLIENT, "not permitted")                                                \
    X(ERR_UNSUPPORTED, FAULT_CLIENT, "not supported")                                              \
    X(ERR_CONFLICT, FAULT_CLIENT, "in conflict with what is there")                                \
    X(ERR_TIMEOUT, FAULT_UPSTREAM, "took too long")                                                \
    X(ERR_CLOSED, FAULT_UPSTREAM, "closed by the other side")                                      \
    X(ERR_AGAIN, FAULT_NONE, "not now: wait for the descriptor")                                   \
    X(ERR_DNS, FAULT_UPSTREAM, "the name could not be resolved")                                   \
    X(ERR_CONNECT, FAULT_UPSTREAM, "no connection could be made")                                  \
    X(ERR_ADDRESS, FAULT_CLIENT, "the address is not permitted")                                   \
    X(ERR_TLS, FAULT_UPSTREAM, "the TLS handshake failed")                                         \
    X(ERR_TLS_UNTRUSTED, FAULT_UPSTREAM, "the certificate is not trusted")                         \
    X(ERR_CONFIG, FAULT_OPERATOR, "the configuration is not usable")                               \
    X(ERR_BOX_FORM, FAULT_CLIENT, "not a sealed value of a known form")                            \
    X(ERR_BOX_KEY, FAULT_CLIENT, "sealed with a key that is not known here")                       \
    X(ERR_BOX_PLACE, FAULT_CLIENT, "sealed for another organization, store or name")               \
    X(ERR_BOX_HOST, FAULT_CLIENT, "sealed for other hosts")                                        \
    X(ERR_UNAVAILABLE, FAULT_INTERNAL, "a process that is needed is restarting")

#define ERROR_ENUM(name, fault, text) name,
enum error { ERROR_TABLE(ERROR_ENUM) ERROR_COUNT };
#undef ERROR_ENUM

/* "ERR_DNS". Static; never NULL. */
const char *error_name(enum error error);
/* "the name could not be resolved". Static; never NULL. */
const char *error_text(enum error error);
enum fault error_fault(enum error error);
