/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a call, and its answer. Never answers twice, never logs a body. */

#include "control/api.h"

#include "control/http_server.h"
#include "observe/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ANSWER_MAX = 256 * 1024 * 1024 };

static const struct {
    int status;
    const char *code;
} problems[] = {
#define API_PROBLEM_ROW(name, status, code) [name] = {status, code},
    API_PROBLEM_TABLE(API_PROBLEM_ROW)
#undef API_PROBLEM_ROW
};

enum api_problem api_problem_of_status(int status)
{
    for (unsigned i = API_NO_PROBLEM + 1; i < API_PROBLEM_COUNT; i++) {
        if (problems[i].status == status)
            return (enum api_problem)i;
    }
    return API_BAD_REQUEST;
}

static enum api_problem problem_of_error(enum error error)
{
    switch (error) {
    case ERR_NOT_FOUND:
        return API_NOT_FOUND;
    case ERR_FORBIDDEN:
        return API_FORBIDDEN;
    case ERR_EXISTS:
    case ERR_CONFLICT:
        return API_CONFLICT;
    case ERR_UNAVAILABLE:
    case ERR_NO_MEMORY:
        return API_UNAVAILABLE;
    default:
        return error_fault(error) == FAULT_CLIENT ? API_BAD_REQUEST : API_INTERNAL;
    }
}

static enum error error_of_problem(enum api_problem problem)
{
    switch (problem) {
    case API_NOT_FOUND:
        return ERR_NOT_FOUND;
    case API_CONFLICT:
        return ERR_CONFLICT;
    case API_UNAVAILABLE:
        return ERR_UNAVAILABLE;
    case API_UNAUTHORIZED:
    case API_FORBIDDEN:
        return ERR_FORBIDDEN;
    case API_NOT_IMPLEMENTED:
        return ERR_UNSUPPORTED;
    default:
        return ERR_SYNTAX;
    }
}

static const struct http_answer out_of_memory = {
    .status = 503,
    .content_type = SLICE_INIT("application/json"),
    .body = SLICE_INIT("{\"error\":\"out of memory\",\"code\":\"unavailable\"}\n"),
};

struct api_call *api_call_new(struct control *control, struct http_connection *connection)
{
    struct api_call *call = calloc(1, sizeof *call);
    if (call == NULL) {
        http_connection_answer(connection, &out_of_memory);
        return NULL;
    }
    call->control = control;
    call->connection = connection;
    arena_init(&call->arena);
    http_connection_expect(connection, call);
    return call;
}

void api_call_free(struct api_call *call)
{
    if (call == NULL)
        return;
    json_decref(call->body);
    arena_clear(&call->arena);
    free(call);
}

static void api_send(struct api_call *call, const struct http_answer *answer)
{
    if (call->connection != NULL)
        http_connection_answer(call->connection, answer);
    api_call_free(call);
}

static int append_text(const char *text, size_t len, void *argument)
{
    return buffer_append(argument, slice_of(text, len)) == OK ? 0 : -1;
}

void api_answer(struct api_call *call, int status, json_t *value)
{
    OWNED_STRUCT(buffer) *text = &(struct buffer){.limit = ANSWER_MAX};
    bool ready = value != NULL && json_dump_callback(value, append_text, text, JSON_COMPACT) == 0 &&
                 buffer_append_byte(text, '\n') == OK;
    json_decref(value);
    const struct http_answer answer = {
        .status = status,
        .content_type = SLICE("application/json"),
        .body = buffer_view(text),
        .allow = call->allow,
    };
    api_send(call, ready ? &answer : &out_of_memory);
}

void api_answer_bytes(struct api_call *call, struct slice content_type, struct slice body)
{
    const struct http_answer answer = {.status = 200, .content_type = content_type, .body = body};
    api_send(call, &answer);
}

void api_answer_nothing(struct api_call *call)
{
    const struct http_answer answer = {.status = 204};
    api_send(call, &answer);
}

static void log_failure(const struct api_call *call, enum error error)
{
    struct slice detail = error == ERR_DATABASE ? store_message(call->control->store) : SLICE_NONE;
    LOG(LEVEL_ERROR, "api_failed", .path = call->path, .error = error, .detail = detail);
}

/* The sentence may have been cut inside a character. */
static json_t *sentence_as_json(const char *sentence)
{
    json_t *text = NULL;
    size_t len = strlen(sentence);
    for (size_t cut = 0; text == NULL && cut <= len && cut < 4; cut++)
        text = json_stringn(sentence, len - cut);
    return text != NULL ? text : json_string("the request is not valid");
}

void api_answer_error(struct api_call *call, enum error error)
{
    enum api_problem problem = call->problem;
    if (problem == API_NO_PROBLEM) {
        problem = problem_of_error(error);
        snprintf(call->sentence, sizeof call->sentence, "%s", error_text(error));
        if (problem == API_INTERNAL || problem == API_UNAVAILABLE)
            log_failure(call, error);
    }
    api_answer(call, problems[problem].status,
               json_pack("{s:o, s:s}", "error", sentence_as_json(call->sentence), "code",
                         problems[problem].code));
}

enum error api_refuse(struct api_call *call, enum api_problem problem, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(call->sentence, sizeof call->sentence, format, arguments);
    va_end(arguments);
    call->problem = problem;
    return error_of_problem(problem);
}

static int hex_digit(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool unescape_next(struct slice *text, char *out)
{
    if (text->data[0] != '%') {
        *out = text->data[0];
        *text = slice_skip(*text, 1);
        return true;
    }
    int high = text->len > 2 ? hex_digit(text->data[1]) : -1;
    int low = text->len > 2 ? hex_digit(text->data[2]) : -1;
    if (high < 0 || low < 0 || high + low == 0)
        return false;
    *out = (char)(high * 16 + low);
    *text = slice_skip(*text, 3);
    return true;
}

enum error api_unescape(struct api_call *call, struct slice text, struct slice *out)
{
    char *bytes = arena_alloc(&call->arena, text.len + 1);
    if (bytes == NULL)
        return ERR_NO_MEMORY;
    size_t len = 0;
    while (text.len > 0) {
        if (!unescape_next(&text, &bytes[len++]))
            return ERR_SYNTAX;
    }
    *out = slice_of(bytes, len);
    return OK;
}

enum error api_query(struct api_call *call, const char *name, struct slice *out)
{
    *out = SLICE_NONE;
    struct slice rest = call->query;
    while (rest.len > 0) {
        struct slice value = slice_split(&rest, '&');
        struct slice key = slice_split(&value, '=');
        if (!slice_equals(key, slice_from_string(name)))
            continue;
        if (api_unescape(call, value, out) != OK)
            return api_refuse(call, API_BAD_REQUEST, "the parameter \"%s\" is badly escaped", name);
        return OK;
    }
    return OK;
}
