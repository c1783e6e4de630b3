/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The command line of the load generator. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum load_mode {
    LOAD_KEEPALIVE, /* requests on connections that stay open */
    LOAD_CONNECT,   /* a new connection for each request */
    LOAD_NEWHOST,   /* the same, each to a name that was not asked for before */
    LOAD_IDLE,      /* opens connections, one request each, and holds them */
    LOAD_RATE,      /* requests at fixed moments, whether or not the last ones are answered */
    LOAD_SSE,       /* how late each event of a stream arrives */
};

enum { LOAD_CONNECTIONS_MAX = 20000, LOAD_HEADERS_MAX = 2048 };

struct load_options {
    enum load_mode mode;
    const char *mode_name;
    const char *address; /* IPv4, of the origin or of a reverse proxy */
    uint16_t port;       /* of the same, and what CONNECT asks for */
    const char *host;    /* SNI, Host, and what the certificate must name; a suffix in NEWHOST */
    const char *path;
    const char *proxy_address; /* NULL: direct */
    uint16_t proxy_port;
    const char *auth; /* user:password for the proxy, or NULL */
    const char *ca_file;
    char headers[LOAD_HEADERS_MAX]; /* further fields, each ended by CR LF */
    unsigned connections;
    uint64_t requests;
    uint64_t upload;     /* bytes of each request's body; 0: a GET */
    uint64_t rate;       /* requests per second */
    unsigned seconds;    /* a run that takes longer has failed */
    bool resumes;        /* offers the last TLS session */
    bool is_gated;       /* opens everything, prints "ready", and begins at a line on stdin */
    bool holds_response; /* IDLE: a response has settled with its first byte of body */
};

/* Ends the program with 2 and a sentence when the command line is wrong. */
void load_options_parse(struct load_options *options, int count, char **arguments);
