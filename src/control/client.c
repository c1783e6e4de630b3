/* SPDX-License-Identifier: Apache-2.0 */
/* One request to a control API and its response. Never keeps a copy of a body: it may hold a value.
 */
#include "control/client.h"

#include "control/client_link.h"
#include "http/h1_reader.h"
#include "http/h1_writer.h"

#include <stdio.h>

enum { READ_SIZE = 64 * 1024, HEAD_ROOM = 64 * 1024 };

DEFINE_OWNED_STRUCT(client_link, client_link_close)

struct exchange {
    struct client_link *link;
    struct h1_reader *reader;
    struct client_response *response;
    bool is_complete;
};

static enum error add_fields(const struct client_target *target,
                             const struct client_request *request, struct http_head *head)
{
    TRY(http_head_add(head, SLICE("User-Agent"), SLICE("sealgate/" SEALGATE_VERSION)));
    TRY(http_head_add(head, SLICE("Accept"), SLICE("application/json")));
    if (request->body.len > 0)
        TRY(http_head_add(head, SLICE("Content-Type"), SLICE("application/json")));
    if (target->api_key != NULL && target->url != NULL)
        TRY(http_head_add(head, SLICE("X-API-Key"), slice_from_string(target->api_key)));
    if (target->org != NULL && target->url == NULL)
        TRY(http_head_add(head, SLICE("X-Sealgate-Org"), slice_from_string(target->org)));
    return OK;
}

static enum error write_request(const struct client_target *target, const struct client_url *url,
                                const struct client_request *request, struct buffer *out)
{
    OWNED_STRUCT(buffer) *path = &(struct buffer){.limit = HTTP_TARGET_MAX};
    struct http_head head;
    struct http_framing framing = {request->body.len > 0 ? HTTP_BODY_LENGTH : HTTP_BODY_NONE,
                                   request->body.len};

    TRY(buffer_append(path, url->prefix));
    TRY(buffer_append(path, slice_from_string(request->path)));
    struct h1_request_line line = {slice_from_string(request->method), buffer_view(path),
                                   url->host_text, false};
    http_head_init(&head);
    enum error error = add_fields(target, request, &head);
    if (error == OK)
        error = h1_writer_request(&line, &head, framing, out);
    http_head_clear(&head);
    TRY(error);
    return buffer_append(out, request->body);
}

static enum error on_head(struct exchange *exchange)
{
    struct http_response response;
    struct http_fault fault =
        response_parse(h1_reader_head(exchange->reader), false, false, &response);

    if (fault.status != 0)
        return ERR_SYNTAX;
    h1_reader_set_framing(exchange->reader, response.framing);
    exchange->response->status = response.status;
    return OK;
}

static enum error on_end(struct exchange *exchange)
{
    if (exchange->response->status < 200)
        h1_reader_restart(exchange->reader);
    else
        exchange->is_complete = true;
    return OK;
}

static enum error on_event(struct exchange *exchange, enum h1_event event, struct slice body)
{
    switch (event) {
    case H1_HEAD:
        return on_head(exchange);
    case H1_BODY:
        return buffer_append(&exchange->response->body, body);
    case H1_END:
        return on_end(exchange);
    case H1_FAULT:
        return ERR_SYNTAX;
    default:
        return OK;
    }
}

static enum error take_input(struct exchange *exchange, struct slice input)
{
    enum h1_event event = H1_HEAD;

    while (event != H1_NEED_MORE && !exchange->is_complete) {
        struct slice body = SLICE_NONE;

        event = h1_reader_next(exchange->reader, &input, &body);
        TRY(on_event(exchange, event, body));
    }
    return OK;
}

static enum error take_end(struct exchange *exchange)
{
    if (h1_reader_finish(exchange->reader) != H1_END)
        return ERR_CLOSED;
    exchange->is_complete = true;
    return OK;
}

static enum error read_response(struct exchange *exchange)
{
    OWNED_STRUCT(buffer) *input = &(struct buffer){.limit = READ_SIZE};

    while (!exchange->is_complete) {
        char *room;
        size_t len = 0;

        buffer_reset(input);
        TRY(buffer_reserve(input, READ_SIZE, &room));
        TRY(client_link_read(exchange->link, room, READ_SIZE, &len));
        buffer_commit(input, len);
        TRY(len == 0 ? take_end(exchange) : take_input(exchange, buffer_view(input)));
    }
    return OK;
}

static enum error run_exchange(struct client_link *link, struct slice request,
                               struct client_response *response)
{
    OWNED_STRUCT(h1_reader) *reader = h1_reader_new(H1_RESPONSES);
    struct exchange exchange = {.link = link, .reader = reader, .response = response};

    if (reader == NULL)
        return ERR_NO_MEMORY;
    TRY(client_link_write(link, request));
    return read_response(&exchange);
}

static enum error open_link(const struct client_target *target, const struct client_url *url,
                            struct client_link *link, char problem[CLIENT_PROBLEM_MAX])
{
    return target->url == NULL ? client_link_open_socket(link, target->socket_path, problem)
                               : client_link_open_url(link, url, problem);
}

static enum error read_target(const struct client_target *target, struct client_url *out,
                              char problem[CLIENT_PROBLEM_MAX])
{
    *out = (struct client_url){.host_text = SLICE("localhost")};
    if (target->url == NULL)
        return OK;
    enum error error = client_url_parse(slice_from_string(target->url), out);
    if (error != OK)
        snprintf(problem, CLIENT_PROBLEM_MAX,
                 "\"%s\" is no URL of a control API, such as https://sealgate.internal:3180",
                 target->url);
    return error;
}

enum error client_call(const struct client_target *target, const struct client_request *request,
                       struct client_response *out, char problem[CLIENT_PROBLEM_MAX])
{
    OWNED_STRUCT(client_link) *link = &(struct client_link){.fd = -1};
    OWNED_STRUCT(buffer) *bytes = &(struct buffer){.limit = HEAD_ROOM + request->body.len};
    struct client_response response = {.status = 0};
    struct client_url url;

    TRY(read_target(target, &url, problem));
    snprintf(problem, CLIENT_PROBLEM_MAX, "the request could not be written");
    TRY(write_request(target, &url, request, bytes));
    TRY(open_link(target, &url, link, problem));
    buffer_init(&response.body, CLIENT_RESPONSE_MAX);
    enum error error = run_exchange(link, buffer_view(bytes), &response);
    if (error != OK) {
        snprintf(problem, CLIENT_PROBLEM_MAX, "no usable answer came: %s", error_text(error));
        buffer_clear(&response.body);
        return error;
    }
    *out = response;
    return OK;
}
