/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the DNS gate share; private to them. */

#include "dns/dns_answer.h"
#include "proxy/dns_gate/dns_gate.h"

enum {
    DNS_GATE_QUERIES_MAX = 4096,  /* unanswered, of one worker */
    DNS_GATE_STRANGERS_MAX = 512, /* of these, whose sandbox is not known yet */
    DNS_GATE_SOURCES_MAX = 16384, /* addresses that are remembered, sandbox or not */
    DNS_GATE_STREAMS_MAX = 1024,  /* TCP connections of one worker */
    DNS_GATE_STREAMS_PER_CLIENT = 32,
};

struct dns_gate_socket;
struct dns_gate_stream;
struct dns_gate_query;

struct dns_gate {
    struct proxy *proxy; /* borrowed: the owner */
    TAILQ_HEAD(, dns_gate_socket) sockets;
    TAILQ_HEAD(, dns_gate_stream) streams;
    size_t stream_count;
    TAILQ_HEAD(, dns_gate_query) queries;
    size_t query_count, stranger_count;
    char datagram[DNS_QUERY_MAX];
};

/* Where a query came from, and its answer goes. */
struct dns_gate_route {
    struct dns_gate_socket *socket; /* borrowed; NULL: over TCP */
    struct dns_gate_stream *stream; /* borrowed; NULL: over UDP */
    struct sockaddr_storage client;
    socklen_t client_len;
    struct ip_endpoint source;     /* the same, to know it by */
    struct ip_address asked;       /* UDP: the address that the query was sent to */
    unsigned interface;            /* and its interface, where that matters */
    struct slice listener_sandbox; /* whom the socket was made for; lives as long as the socket */
};

/* dns_gate_query.c: one query, from its bytes to its answer, which may be sent before this returns.
 * What cannot or must not be answered is dropped; a stream is then closed. */
void dns_gate_query_start(struct dns_gate *gate, const struct dns_gate_route *route,
                          struct slice message);
/* Forgets what came over this stream, or over any when NULL. */
void dns_gate_query_forget(struct dns_gate *gate, const struct dns_gate_stream *stream);

/* dns_gate_udp.c */
MUST_USE enum error dns_gate_udp_open(struct dns_gate *gate, int fd, struct slice sandbox_id);
void dns_gate_udp_send(const struct dns_gate_route *route, struct slice message);
void dns_gate_udp_close(struct dns_gate_socket *socket);

/* dns_gate_tcp.c */
void dns_gate_tcp_open(struct dns_gate *gate, int fd, const struct listener *listener,
                       const struct ip_endpoint *client);
/* One of its queries has its answer. */
void dns_gate_tcp_send(struct dns_gate_stream *stream, struct slice message);
/* One of its queries has none: the stream closes, later. */
void dns_gate_tcp_drop(struct dns_gate_stream *stream);
void dns_gate_tcp_close(struct dns_gate_stream *stream);
