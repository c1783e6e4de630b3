/* SPDX-License-Identifier: Apache-2.0 */
/* One request of the command line, and its answer. Never leaves the text of a body in memory, and
 * never sends a key in the clear to anything but a loopback name or address. */

#include "control/client.h"

#include "base/host_name.h"
#include "control/client_stream.h"
#include "http/h1_reader.h"
#include "http/h1_writer.h"

#include <stdio.h>
#include <stdlib.h>

enum { BODY_MAX = 1024 * 1024, PREFIX_MAX = 1024 };

/* Where a URL leads. */
struct client_target {
    bool is_local; /* the unix socket */
    bool is_https;
    struct authority authority;
    struct slice prefix; /* of the path; without a slash at its end */
};

static struct slice without_suffix(struct slice text, struct slice suffix)
{
    if (text.len < suffix.len || !slice_equals(slice_skip(text, text.len - suffix.len), suffix))
        return text;
    return slice_take(text, text.len - suffix.len);
}

static enum error target_parse(const struct client *client, struct client_target *out)
{
    struct slice url = slice_from_string(client->url);
    *out = (struct client_target){.is_local = client->url == NULL};
    if (out->is_local)
        return OK;
    out->is_https = slice_starts_with_nocase(url, SLICE("https://"));
    if (!out->is_https && !slice_starts_with_nocase(url, SLICE("http://")))
        return ERR_SYNTAX;
    url = slice_skip(url, out->is_https ? 8 : 7);
    size_t end = slice_find(url, '/');
    out->prefix = slice_skip(url, end);
    while (out->prefix.len > 0 && out->prefix.data[out->prefix.len - 1] == '/')
        out->prefix.len--;
    out->prefix = without_suffix(out->prefix, SLICE("/api"));
    if (out->prefix.len > PREFIX_MAX)
        return ERR_SYNTAX;
    return authority_parse(slice_take(url, end), out->is_https ? 443 : 80, &out->authority);
}

static enum error target_connect(const struct client *client, const struct client_target *target,
                                 struct client_stream *out)
{
    char port[8];
    if (target->is_local)
        return client_stream_connect_local(client->socket_path, out);
    if (!target->is_https && client->api_key != NULL &&
        !host_name_is_loopback(&target->authority.host))
        return ERR_FORBIDDEN;
    snprintf(port, sizeof port, "%u", (unsigned)target->authority.port);
    TRY(client_stream_connect(target->authority.host.text, port, out));
    if (!target->is_https)
        return OK;
    return client_stream_start_tls(out, target->authority.host.text, client->ca_file);
}

static enum error append_host(const struct client_target *target, struct buffer *out)
{
    struct slice host = host_name_view(&target->authority.host);
    if (target->is_local)
        return buffer_append(out, SLICE("localhost"));
    bool is_ipv6 = target->authority.host.literal.len == 16;
    TRY(buffer_append(out, is_ipv6 ? SLICE("[") : SLICE_NONE));
    TRY(buffer_append(out, host));
    TRY(buffer_append(out, is_ipv6 ? SLICE("]:") : SLICE(":")));
    return buffer_append_u64(out, target->authority.port);
}

static enum error add_fields(const struct client *client, struct http_head *head)
{
    TRY(http_head_add(head, SLICE("Accept"), SLICE("application/json")));
    TRY(http_head_add(head, SLICE("Content-Type"), SLICE("application/json")));
    TRY(http_head_add(head, SLICE("User-Agent"), SLICE("sealgate/" SEALGATE_VERSION)));
    if (client->org != NULL)
        TRY(http_head_add(head, SLICE("X-Sealgate-Org"), slice_from_string(client->org)));
    if (client->api_key != NULL)
        TRY(http_head_add(head, SLICE("X-API-Key"), slice_from_string(client->api_key)));
    return OK;
}

static int append_text(const char *text, size_t len, void *argument)
{
    return buffer_append(argument, slice_of(text, len)) == OK ? 0 : -1;
}

static enum error write_head(const struct client *client, const struct h1_request_line *line,
                             uint64_t body_len, struct buffer *out)
{
    const struct http_framing framing = {HTTP_BODY_LENGTH, body_len};
    struct http_head head;
    http_head_init(&head);
    enum error error = add_fields(client, &head);
    if (error == OK)
        error = h1_writer_request(line, &head, framing, out);
    http_head_clear(&head);
    return error;
}

static enum error write_request(const struct client *client, const struct client_target *target,
                                const struct client_request *request, struct buffer *out)
{
    OWNED_STRUCT(buffer) *host = &(struct buffer){.limit = 512};
    OWNED_STRUCT(buffer) *path = &(struct buffer){.limit = HTTP_TARGET_MAX};
    OWNED_STRUCT(buffer) *body = &(struct buffer){.limit = BODY_MAX};
    if (request->body != NULL &&
        json_dump_callback(request->body, append_text, body, JSON_COMPACT) != 0)
        return ERR_TOO_LARGE;
    TRY(append_host(target, host));
    TRY(buffer_append(path, target->prefix));
    TRY(buffer_append(path, slice_from_string(request->path)));
    const struct h1_request_line line = {slice_from_string(request->method), buffer_view(path),
                                         buffer_view(host)};
    TRY(write_head(client, &line, buffer_len(body), out));
    return buffer_append(out, buffer_view(body));
}

/* One event; `*ended` when the answer is complete. */
static enum error take_event(struct h1_reader *reader, enum h1_event event, struct slice piece,
                             struct client_answer *out)
{
    struct http_response response;
    switch (event) {
    case H1_HEAD:
        if (response_parse(h1_reader_head(reader), false, false, &response).status != 0)
            return ERR_SYNTAX;
        out->status = response.status;
        h1_reader_set_framing(reader, response.framing);
        return OK;
    case H1_BODY:
        return buffer_append(&out->text, piece);
    case H1_FAULT:
        return ERR_SYNTAX;
    default:
        return OK;
    }
}

/* Interim answers (100) are passed over. */
static enum error take_input(struct h1_reader *reader, struct slice input,
                             struct client_answer *out, bool *ended)
{
    enum h1_event event;
    do {
        struct slice piece = SLICE_NONE;
        event = h1_reader_next(reader, &input, &piece);
        TRY(take_event(reader, event, piece, out));
        if (event == H1_END && out->status >= 200) {
            *ended = true;
            return OK;
        }
        if (event == H1_END)
            h1_reader_restart(reader);
    } while (event != H1_NEED_MORE);
    return OK;
}

static enum error read_answer(struct client_stream *stream, struct h1_reader *reader,
                              struct client_answer *out)
{
    char bytes[16384];
    bool ended = false;
    while (!ended) {
        size_t count;
        TRY(client_stream_read(stream, bytes, sizeof bytes, &count));
        if (count == 0)
            return h1_reader_finish(reader) == H1_END ? OK : ERR_CLOSED;
        TRY(take_input(reader, slice_of(bytes, count), out, &ended));
    }
    return OK;
}

static enum error exchange(struct client_stream *stream, struct slice request,
                           struct client_answer *out)
{
    OWNED_STRUCT(h1_reader) *reader = h1_reader_new(H1_RESPONSES);
    if (reader == NULL)
        return ERR_NO_MEMORY;
    /* A refusal may come before everything was sent. */
    enum error written = client_stream_write(stream, request);
    enum error error = read_answer(stream, reader, out);
    return error != OK && written != OK ? written : error;
}

enum error client_call(const struct client *client, const struct client_request *request,
                       struct client_answer *out)
{
    struct client_target target;
    OWNED_STRUCT(client_stream) *stream = &(struct client_stream){.fd = -1};
    OWNED_STRUCT(buffer) *text = &(struct buffer){.limit = BODY_MAX + HTTP_HEAD_MAX};
    *out = (struct client_answer){.status = 0};
    buffer_init(&out->text, CLIENT_ANSWER_MAX);
    TRY(target_parse(client, &target));
    TRY(write_request(client, &target, request, text));
    TRY(target_connect(client, &target, stream));
    TRY(exchange(stream, buffer_view(text), out));
    struct slice body = buffer_view(&out->text);
    out->body = body.len > 0 ? json_loadb(body.data, body.len, 0, NULL) : NULL;
    return OK;
}

void client_answer_clear(struct client_answer *answer)
{
    json_decref(answer->body);
    answer->body = NULL;
    buffer_clear(&answer->text);
}
