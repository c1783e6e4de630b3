/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* HTTP/1 in, events out: llhttp behind a strict scan of our own, because it lets through what RFC
 * 9112 does not. No sockets, no clocks. Reads one message at a time and never past its end, so that
 * a pipelined successor stays in the input. Roles: requests (from a client) and responses. */

#include "http/request.h"
#include "http/response.h"

struct h1_reader;

enum h1_role { H1_REQUESTS, H1_RESPONSES };

enum h1_event {
    H1_NEED_MORE, /* the input is used up */
    H1_HEAD,      /* h1_reader_head() is complete; nothing of the body was consumed */
    H1_BODY,      /* `*body` is the next piece of the body, pointing into the input */
    H1_END, /* the message is complete, trailers included; call h1_reader_restart() for the next */
    H1_FAULT, /* h1_reader_fault() says what; the connection must close */
};

/* NULL when out of memory. */
struct h1_reader *h1_reader_new(enum h1_role role);
void h1_reader_free(struct h1_reader *reader);
DEFINE_OWNED_STRUCT(h1_reader, h1_reader_free)

/* Consumes from the front of `*input` and returns the next event. The head is held until it is
 * complete (at most HTTP_HEAD_MAX bytes, HTTP_FIELDS_MAX fields). */
enum h1_event h1_reader_next(struct h1_reader *reader, struct slice *input, struct slice *body);
/* The head of the current message; fields may be changed in place (for a request: before it is
 * forwarded). Valid until h1_reader_restart(). */
struct http_head *h1_reader_head(struct h1_reader *reader);
/* Must be called after H1_HEAD and before going on: how the body ends, as request_parse() or
 * response_parse() found. */
void h1_reader_set_framing(struct h1_reader *reader, struct http_framing framing);
/* The trailer fields after H1_END of a chunked message; may be empty. */
struct http_head *h1_reader_trailers(struct h1_reader *reader);
struct http_fault h1_reader_fault(const struct h1_reader *reader);
/* The peer closed: H1_END when the body was delimited by that, H1_NEED_MORE when no byte of a
 * message had come, H1_FAULT (truncated) otherwise. */
enum h1_event h1_reader_finish(struct h1_reader *reader);
/* Ready for the next message; wipes the head. */
void h1_reader_restart(struct h1_reader *reader);
/* Bytes of heap that it holds now, for the memory ceiling. */
size_t h1_reader_memory(const struct h1_reader *reader);

/* From now on, messages that are over are kept, wiped, for the next ones (16 at most). Only for a
 * process that reads HTTP in one thread. */
void h1_reader_keep_spares(void);

/* Asserts that the llhttp we are linked with is strict (`X : y` fails): called once at start. */
MUST_USE bool h1_reader_self_test(void);
