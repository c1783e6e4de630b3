/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One call of the API, from its request to its one answer, and what all handlers share. A handler
 * checks its input, does its work and answers; or it returns an error, which the router answers;
 * or it returns OK and somebody answers later. Whoever answers ends the call. */

#include "control/state.h"

#include <jansson.h>

struct http_connection;

enum { API_PARAMS_MAX = 3, API_SENTENCE_MAX = 512 };

/* name, status, code */
#define API_PROBLEM_TABLE(X)                                                                       \
    X(API_NO_PROBLEM, 0, "")                                                                       \
    X(API_BAD_REQUEST, 400, "bad_request")                                                         \
    X(API_UNAUTHORIZED, 401, "unauthorized")                                                       \
    X(API_FORBIDDEN, 403, "forbidden")                                                             \
    X(API_NOT_FOUND, 404, "not_found")                                                             \
    X(API_METHOD_NOT_ALLOWED, 405, "method_not_allowed")                                           \
    X(API_CONFLICT, 409, "conflict")                                                               \
    X(API_TOO_LARGE, 413, "body_too_large")                                                        \
    X(API_URI_TOO_LONG, 414, "uri_too_long")                                                       \
    X(API_EXPECTATION_FAILED, 417, "bad_request")                                                  \
    X(API_HEADER_TOO_LARGE, 431, "header_too_large")                                               \
    X(API_INTERNAL, 500, "internal")                                                               \
    X(API_NOT_IMPLEMENTED, 501, "not_implemented")                                                 \
    X(API_UNAVAILABLE, 503, "unavailable")                                                         \
    X(API_VERSION, 505, "http_version_not_supported")

#define API_PROBLEM_ENUM(name, status, code) name,
enum api_problem { API_PROBLEM_TABLE(API_PROBLEM_ENUM) API_PROBLEM_COUNT };
#undef API_PROBLEM_ENUM

struct api_call {
    struct control *control;             /* borrowed */
    struct http_connection *connection;  /* borrowed; NULL once the client has gone */
    struct arena arena;                  /* what the slices point into */
    struct slice path, query;            /* still escaped */
    struct slice params[API_PARAMS_MAX]; /* of the pattern, unescaped, in order */
    struct slice allow;                  /* of a 405 */
    json_t *body;                        /* an object, also when none was sent */
    struct slice org;                    /* everything is looked up within it */
    bool is_admin;
    enum api_problem problem; /* what api_refuse() said, for api_answer_error() */
    char sentence[API_SENTENCE_MAX];
};

/* Becomes what the connection waits for. NULL when out of memory; that is answered then. */
struct api_call *api_call_new(struct control *control, struct http_connection *connection);
/* Without an answer. */
void api_call_free(struct api_call *call);

/* Each answers and frees the call. `value` is taken; NULL is out of memory, and answered as that.
 */
void api_answer(struct api_call *call, int status, json_t *value);
void api_answer_bytes(struct api_call *call, struct slice content_type, struct slice body);
void api_answer_nothing(struct api_call *call);
/* What api_refuse() noted, or else what `error` means in general. */
void api_answer_error(struct api_call *call, enum error error);

/* Notes how to answer, and returns the error for the handler to return. The sentence is cut at
 * API_SENTENCE_MAX. Never for a value of a secret. */
MUST_USE PRINTF_LIKE(3, 4) enum error
    api_refuse(struct api_call *call, enum api_problem problem, const char *format, ...);
enum api_problem api_problem_of_status(int status);
/* Percent-decodes into the call's arena; ERR_SYNTAX for a bad escape or a NUL. */
MUST_USE enum error api_unescape(struct api_call *call, struct slice text, struct slice *out);
/* The first parameter of that name in the query, unescaped; `out->data` is NULL for none. */
MUST_USE enum error api_query(struct api_call *call, const char *name, struct slice *out);
