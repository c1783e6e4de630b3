/* SPDX-License-Identifier: Apache-2.0 */
/* Messages written anew. Never writes a byte of a name or value that it did not check itself. */
#include "http/h1_writer.h"

#include "http/h1_output.h"

static bool is_in(struct slice name, const struct slice *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (http_name_equals(name, names[i]))
            return true;
    return false;
}

/* They are written from what framing and connection are now. */
static bool is_ours(struct slice name)
{
    static const struct slice names[] = {
        SLICE_INIT("Content-Length"), SLICE_INIT("Transfer-Encoding"), SLICE_INIT("Connection"),
        SLICE_INIT("Keep-Alive"),     SLICE_INIT("Upgrade"),
    };

    return is_in(name, names, ARRAY_LEN(names));
}

static enum error write_field(struct slice name, struct slice value, struct buffer *out)
{
    char *at;
    size_t len = name.len + value.len + strlen(": \r\n");

    if (!http_is_token(name) || !http_is_field_value(value))
        return ERR_SYNTAX;
    TRY(buffer_reserve(out, len, &at));
    memcpy(at, name.data, name.len);
    at += name.len;
    *at++ = ':';
    *at++ = ' ';
    if (value.len > 0)
        memcpy(at, value.data, value.len);
    at += value.len;
    *at++ = '\r';
    *at++ = '\n';
    buffer_commit(out, len);
    return OK;
}

static enum error write_fields(const struct http_head *head, bool (*is_left_out)(struct slice),
                               struct buffer *out)
{
    for (size_t i = 0; i < head->field_count; i++)
        if (!is_ours(head->fields[i].name) && !is_left_out(head->fields[i].name))
            TRY(write_field(head->fields[i].name, head->fields[i].value, out));
    return OK;
}

static enum error write_length(uint64_t length, struct buffer *out)
{
    TRY(buffer_append(out, SLICE("Content-Length: ")));
    TRY(buffer_append_u64(out, length));
    return buffer_append(out, SLICE("\r\n"));
}

static enum error write_framing(struct http_framing framing, struct buffer *out)
{
    switch (framing.kind) {
    case HTTP_BODY_LENGTH:
        return write_length(framing.length, out);
    case HTTP_BODY_CHUNKED:
        return buffer_append(out, SLICE("Transfer-Encoding: chunked\r\n"));
    case HTTP_BODY_NONE:
    case HTTP_BODY_UNTIL_CLOSE:
        break;
    }
    return OK;
}

static enum error write_websocket_upgrade(struct buffer *out)
{
    return buffer_append(out, SLICE("Connection: upgrade\r\nUpgrade: websocket\r\n"));
}

static bool is_one_word(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] <= ' ' || s.data[i] > '~')
            return false;
    return s.len > 0;
}

static enum error write_request_line(const struct h1_request_line *line, struct buffer *out)
{
    if (!http_is_token(line->method) || !is_one_word(line->path) || !is_one_word(line->host))
        return ERR_SYNTAX;
    TRY(buffer_append(out, line->method));
    TRY(buffer_append_byte(out, ' '));
    TRY(buffer_append(out, line->path));
    TRY(buffer_append(out, SLICE(" HTTP/1.1\r\n")));
    return write_field(SLICE("Host"), line->host, out);
}

/* Methods whose body means something say that there is none (RFC 9110, 8.6). */
static bool expects_body(struct slice method)
{
    static const struct slice methods[] = {
        SLICE_INIT("POST"),
        SLICE_INIT("PUT"),
        SLICE_INIT("PATCH"),
    };

    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (slice_equals(method, methods[i]))
            return true;
    return false;
}

static enum error write_request_framing(struct slice method, struct http_framing framing,
                                        struct buffer *out)
{
    if (framing.kind == HTTP_BODY_UNTIL_CLOSE)
        return ERR_SYNTAX;
    if (framing.kind == HTTP_BODY_NONE && expects_body(method))
        return write_length(0, out);
    return write_framing(framing, out);
}

static bool is_host(struct slice name)
{
    return http_name_equals(name, SLICE("Host"));
}

static enum error write_request(const struct h1_request_line *line, const struct http_head *head,
                                struct http_framing framing, struct buffer *out)
{
    TRY(write_request_line(line, out));
    TRY(write_fields(head, is_host, out));
    TRY(write_request_framing(line->method, framing, out));
    if (line->is_websocket)
        TRY(write_websocket_upgrade(out));
    return buffer_append(out, SLICE("\r\n"));
}

/* Nothing of a message that could not be written whole stays behind. */
static enum error whole_or_nothing(enum error error, size_t len_before, struct buffer *out)
{
    if (error != OK)
        buffer_truncate(out, len_before);
    return error;
}

static enum error check_output(size_t begin, enum h1_output_kind kind, struct http_framing framing,
                               const struct buffer *out)
{
    return h1_output_check(slice_skip(buffer_view(out), begin), kind, framing);
}

enum error h1_writer_request(const struct h1_request_line *line, const struct http_head *head,
                             struct http_framing framing, struct buffer *out)
{
    size_t before = buffer_len(out);
    enum error error = write_request(line, head, framing, out);

    if (error == OK)
        error = check_output(before, H1_OUTPUT_REQUEST, framing, out);
    return whole_or_nothing(error, before, out);
}

static enum error write_status_line(const struct http_head *head, struct buffer *out)
{
    if (head->status < 100 || head->status > 599)
        return ERR_SYNTAX;
    TRY(buffer_append(out, SLICE("HTTP/1.1 ")));
    TRY(buffer_append_u64(out, head->status));
    TRY(buffer_append_byte(out, ' '));
    if (http_is_field_value(head->reason))
        TRY(buffer_append(out, head->reason));
    return buffer_append(out, SLICE("\r\n"));
}

/* What announces a body is never written where there can be none (RFC 9112, 6.1 and 6.2). */
static struct http_framing announced(uint16_t status, struct http_framing framing)
{
    struct http_framing none = {.kind = HTTP_BODY_NONE};

    return status >= 200 && status != 204 ? framing : none;
}

static enum error write_response_framing(uint16_t status, struct http_framing framing, bool close,
                                         struct buffer *out)
{
    if (status == 101)
        return write_websocket_upgrade(out);
    TRY(write_framing(announced(status, framing), out));
    if (close || framing.kind == HTTP_BODY_UNTIL_CLOSE)
        return buffer_append(out, SLICE("Connection: close\r\n"));
    return OK;
}

static bool is_none(struct slice name)
{
    (void)name;
    return false;
}

static enum error write_response(const struct http_head *head, struct http_framing framing,
                                 bool close, struct buffer *out)
{
    TRY(write_status_line(head, out));
    TRY(write_fields(head, is_none, out));
    TRY(write_response_framing(head->status, framing, close, out));
    return buffer_append(out, SLICE("\r\n"));
}

enum error h1_writer_response(const struct http_head *head, struct http_framing framing, bool close,
                              struct buffer *out)
{
    size_t before = buffer_len(out);
    enum error error = write_response(head, framing, close, out);

    if (error == OK)
        error = check_output(before, H1_OUTPUT_RESPONSE, announced(head->status, framing), out);
    return whole_or_nothing(error, before, out);
}

static enum error write_chunk(struct slice piece, struct buffer *out)
{
    TRY(buffer_append_format(out, "%zx\r\n", piece.len));
    TRY(buffer_append(out, piece));
    return buffer_append(out, SLICE("\r\n"));
}

enum error h1_writer_chunk(struct slice piece, struct buffer *out)
{
    size_t before = buffer_len(out);

    return piece.len == 0 ? OK : whole_or_nothing(write_chunk(piece, out), before, out);
}

static enum error write_last_chunk(const struct http_head *trailers, struct buffer *out)
{
    TRY(buffer_append(out, SLICE("0\r\n")));
    if (trailers != NULL)
        TRY(write_fields(trailers, http_name_is_forbidden_in_trailers, out));
    return buffer_append(out, SLICE("\r\n"));
}

enum error h1_writer_last_chunk(const struct http_head *trailers, struct buffer *out)
{
    size_t before = buffer_len(out);

    return whole_or_nothing(write_last_chunk(trailers, out), before, out);
}
