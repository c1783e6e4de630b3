/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Every way a request is refused, as the client reads it: code, HTTP status, Proxy-Status error
 * type (RFC 9209, 2.3) and what happened. Zero is "not refused" and is never sent. */

/* name, status, code, proxy-status error, sentence */
#define REFUSAL_TABLE(X)                                                                           \
    X(REFUSAL_NONE, 0, "", "", "The request is allowed.")                                          \
    X(REFUSAL_BAD_REQUEST, 400, "bad_request", "http_request_error", "The request is malformed.")  \
    X(REFUSAL_METHOD_NOT_ALLOWED, 405, "method_not_allowed", "http_request_denied",                \
      "This method is not allowed here.")                                                          \
    X(REFUSAL_REQUEST_TIMEOUT, 408, "request_timeout", "http_request_error",                       \
      "The request did not arrive in time.")                                                       \
    X(REFUSAL_BODY_TOO_LARGE, 413, "body_too_large", "http_request_error",                         \
      "The request body is too large.")                                                            \
    X(REFUSAL_URI_TOO_LONG, 414, "uri_too_long", "http_request_error",                             \
      "The request target is too long.")                                                           \
    X(REFUSAL_HEADER_TOO_LARGE, 431, "header_too_large", "http_request_error",                     \
      "The request head is too large.")                                                            \
    X(REFUSAL_HOST_NOT_ALLOWED, 403, "host_not_allowed", "http_request_denied",                    \
      "The host is not on the egress allowlist of this sandbox.")                                  \
    X(REFUSAL_ADDRESS_NOT_ALLOWED, 403, "address_not_allowed", "destination_ip_prohibited",        \
      "The host resolves to an address that is not public.")                                       \
    X(REFUSAL_SECRET_HOST_NOT_ALLOWED, 403, "secret_host_not_allowed", "http_request_denied",      \
      "The secret may not be sent to this host.")                                                  \
    X(REFUSAL_TOKEN_UNKNOWN, 403, "token_unknown", "http_request_denied",                          \
      "The request carries a sealed token that does not belong to this sandbox.")                  \
    X(REFUSAL_TOKEN_PLAINTEXT, 403, "token_plaintext", "http_request_denied",                      \
      "A sealed token is only replaced on a TLS connection.")                                      \
    X(REFUSAL_TOKEN_PLACE_NOT_ALLOWED, 403, "token_place_not_allowed", "http_request_denied",      \
      "A sealed token stands in a place where its secret is not injected.")                        \
    X(REFUSAL_PROTOCOL_NOT_ALLOWED, 403, "protocol_not_allowed", "http_request_denied",            \
      "Only HTTP and TLS may pass.")                                                               \
    X(REFUSAL_IDENTITY_REQUIRED, 407, "identity_required", "http_request_denied",                  \
      "The proxy does not know which sandbox this is.")                                            \
    X(REFUSAL_IDENTITY_INVALID, 407, "identity_invalid", "http_request_denied",                    \
      "The proxy credentials are not those of this sandbox.")                                      \
    X(REFUSAL_SANDBOX_SUSPENDED, 407, "sandbox_suspended", "http_request_denied",                  \
      "The sandbox is hibernated.")                                                                \
    X(REFUSAL_SANDBOX_EXPIRED, 407, "sandbox_expired", "http_request_denied",                      \
      "The sandbox was idle for longer than its timeout.")                                         \
    X(REFUSAL_MISDIRECTED_REQUEST, 421, "misdirected_request", "http_request_error",               \
      "The request names another host than the connection was opened for.")                        \
    X(REFUSAL_LIMIT_EXCEEDED, 429, "limit_exceeded", "http_request_denied",                        \
      "The sandbox is over one of its limits.")                                                    \
    X(REFUSAL_NOT_IMPLEMENTED, 501, "not_implemented", "http_request_error",                       \
      "The request asks for something that is not built.")                                         \
    X(REFUSAL_UPSTREAM_DNS, 502, "upstream_dns", "dns_error", "The host name does not resolve.")   \
    X(REFUSAL_UPSTREAM_CONNECT, 502, "upstream_connect", "connection_refused",                     \
      "No connection to the host could be made.")                                                  \
    X(REFUSAL_UPSTREAM_TLS, 502, "upstream_tls", "tls_certificate_error",                          \
      "The TLS handshake with the host failed.")                                                   \
    X(REFUSAL_UPSTREAM_PROTOCOL, 502, "upstream_protocol", "http_protocol_error",                  \
      "The host sent a malformed response.")                                                       \
    X(REFUSAL_UPSTREAM_CLOSED, 502, "upstream_closed", "connection_terminated",                    \
      "The host closed the connection before its response was complete.")                          \
    X(REFUSAL_OVERLOADED, 503, "overloaded", "proxy_internal_response",                            \
      "The proxy cannot take this request now.")                                                   \
    X(REFUSAL_SHUTTING_DOWN, 503, "shutting_down", "proxy_internal_response",                      \
      "The proxy is shutting down.")                                                               \
    X(REFUSAL_UPSTREAM_TIMEOUT, 504, "upstream_timeout", "http_response_timeout",                  \
      "The host did not answer in time.")                                                          \
    X(REFUSAL_HTTP_VERSION_NOT_SUPPORTED, 505, "http_version_not_supported", "http_request_error", \
      "This version of HTTP is not supported.")

#define REFUSAL_ENUM(name, status, code, proxy_status, sentence) name,
enum refusal_code { REFUSAL_TABLE(REFUSAL_ENUM) REFUSAL_COUNT };
#undef REFUSAL_ENUM

/* All static strings; never NULL. */
int refusal_code_status(enum refusal_code code);
const char *refusal_code_name(enum refusal_code code); /* "host_not_allowed" */
const char *refusal_code_proxy_status(enum refusal_code code);
const char *refusal_code_sentence(enum refusal_code code);
