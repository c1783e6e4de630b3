/* SPDX-License-Identifier: Apache-2.0 */
/* A header block, field by field. Never keeps a field that could not be written in HTTP/1. */
#include "http/h2_head.h"

enum {
    FIELD_OVERHEAD = 32,
    PSEUDO_TEXT_MAX = 1024,
    COOKIES_MAX = HTTP_HEAD_MAX,
    STATUS_LEN = 3,
};

void h2_head_init(struct h2_head *head, enum h2_head_kind kind)
{
    http_head_init(&head->head);
    head->head.version_minor = 1;
    head->pseudo = (struct h2_request_pseudo){.is_complete = false};
    head->kind = kind;
    buffer_init(&head->pseudo_text, PSEUDO_TEXT_MAX);
    head->list_size = 0;
    head->is_malformed = false;
}

void h2_head_clear(struct h2_head *head)
{
    http_head_clear(&head->head);
    buffer_clear(&head->pseudo_text);
    h2_head_init(head, head->kind);
}

bool h2_head_is_connection_specific(struct slice name, struct slice value)
{
    static const struct slice names[] = {
        SLICE_INIT("Connection"), SLICE_INIT("Keep-Alive"),        SLICE_INIT("Proxy-Connection"),
        SLICE_INIT("Upgrade"),    SLICE_INIT("Transfer-Encoding"), SLICE_INIT("HTTP2-Settings"),
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (http_name_equals(name, names[i]))
            return true;
    return http_name_equals(name, SLICE("TE")) && !slice_equals_nocase(value, SLICE("trailers"));
}

static bool has_upper_case(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] >= 'A' && s.data[i] <= 'Z')
            return true;
    return false;
}

static bool is_trimmed(struct slice value)
{
    return slice_trim(value).len == value.len;
}

static enum error reject(struct h2_head *head)
{
    head->is_malformed = true;
    return OK;
}

static enum error refuse(struct h2_head *head, const char *why)
{
    head->pseudo.fault = (struct http_fault){431, why};
    return OK;
}

static enum error keep_text(struct h2_head *head, struct slice value, struct slice *out)
{
    char *room;

    if (out->len > 0 || value.len == 0)
        return reject(head);
    if (value.len > PSEUDO_TEXT_MAX - buffer_len(&head->pseudo_text))
        return reject(head);
    if (head->pseudo_text.data == NULL)
        TRY(buffer_reserve(&head->pseudo_text, PSEUDO_TEXT_MAX, &room));
    size_t start = buffer_len(&head->pseudo_text);
    TRY(buffer_append(&head->pseudo_text, value));
    *out = slice_skip(buffer_view(&head->pseudo_text), start);
    return OK;
}

static enum error keep_in_head(struct h2_head *head, struct slice value, struct slice *out)
{
    if (out->len > 0 || value.len == 0)
        return reject(head);
    return http_head_store(&head->head, value, out);
}

static enum error keep_status(struct h2_head *head, struct slice value)
{
    uint64_t status;

    if (head->head.status != 0 || value.len != STATUS_LEN || !slice_parse_u64(value, &status))
        return reject(head);
    head->head.status = (uint16_t)status;
    return OK;
}

static enum error keep_request_pseudo(struct h2_head *head, struct slice name, struct slice value)
{
    if (slice_equals(name, SLICE(":method")))
        return keep_in_head(head, value, &head->head.method);
    if (slice_equals(name, SLICE(":path")))
        return keep_in_head(head, value, &head->head.target);
    if (slice_equals(name, SLICE(":scheme")))
        return keep_text(head, value, &head->pseudo.scheme);
    if (slice_equals(name, SLICE(":authority")))
        return keep_text(head, value, &head->pseudo.authority);
    if (slice_equals(name, SLICE(":protocol")))
        return keep_text(head, value, &head->pseudo.protocol);
    return reject(head);
}

/* In front of all others, each at most once (RFC 9113, 8.3). */
static enum error keep_pseudo(struct h2_head *head, struct slice name, struct slice value)
{
    if (head->head.field_count > 0)
        return reject(head);
    if (head->kind == H2_HEAD_REQUEST)
        return keep_request_pseudo(head, name, value);
    if (head->kind == H2_HEAD_RESPONSE && slice_equals(name, SLICE(":status")))
        return keep_status(head, value);
    return reject(head);
}

static enum error keep_field(struct h2_head *head, struct slice name, struct slice value)
{
    if (!http_is_token(name) || has_upper_case(name) || h2_head_is_connection_specific(name, value))
        return reject(head);
    if (head->head.field_count == HTTP_FIELDS_MAX)
        return refuse(head, "too many header fields");
    return http_head_add(&head->head, name, value);
}

static bool counts_as_bomb(struct h2_head *head, struct slice name, struct slice value)
{
    head->list_size += name.len + value.len + FIELD_OVERHEAD;
    return head->list_size > H2_LIST_SIZE_BOMB;
}

enum error h2_head_add(struct h2_head *head, struct slice name, struct slice value)
{
    if (counts_as_bomb(head, name, value))
        return ERR_TOO_LARGE;
    if (head->is_malformed || head->pseudo.fault.status != 0)
        return OK;
    if (head->list_size > H2_LIST_SIZE_MAX)
        return refuse(head, "the header fields are too long");
    if (!http_is_field_value(value) || !is_trimmed(value))
        return reject(head);
    if (name.len > 0 && name.data[0] == ':')
        return keep_pseudo(head, name, value);
    return keep_field(head, name, value);
}

/* Empty ones are left out: at the end they would leave space there. */
static enum error join_values(const struct http_head *head, struct slice name, struct buffer *out)
{
    for (size_t i = 0; i < head->field_count; i++) {
        if (!http_name_equals(head->fields[i].name, name) || head->fields[i].value.len == 0)
            continue;
        if (buffer_len(out) > 0)
            TRY(buffer_append(out, SLICE("; ")));
        TRY(buffer_append(out, head->fields[i].value));
    }
    return OK;
}

static enum error join_cookies(struct http_head *head)
{
    OWNED_STRUCT(buffer) *joined = &(struct buffer){.limit = COOKIES_MAX};

    if (http_head_count(head, SLICE("cookie")) < 2)
        return OK;
    TRY(join_values(head, SLICE("cookie"), joined));
    http_head_remove(head, SLICE("cookie"));
    return http_head_add(head, SLICE("cookie"), buffer_view(joined));
}

static enum error add_host(struct h2_head *head)
{
    if (head->pseudo.authority.len == 0 || http_head_find(&head->head, SLICE("host")) != NULL)
        return OK;
    return http_head_add(&head->head, SLICE("host"), head->pseudo.authority);
}

static bool is_extended_connect(const struct h2_head *head)
{
    return head->pseudo.protocol.len > 0 && slice_equals(head->head.method, SLICE("CONNECT"));
}

static enum error finish_request(struct h2_head *head)
{
    if (head->head.method.len == 0 || !http_is_token(head->head.method))
        return reject(head);
    if (head->pseudo.protocol.len > 0 && !is_extended_connect(head))
        return reject(head);
    TRY(join_cookies(&head->head));
    TRY(add_host(head));
    if (is_extended_connect(head))
        head->head.method = SLICE("GET");
    return OK;
}

enum error h2_head_finish(struct h2_head *head)
{
    if (head->is_malformed || head->pseudo.fault.status != 0 || head->kind == H2_HEAD_TRAILERS)
        return OK;
    if (head->kind == H2_HEAD_RESPONSE)
        return head->head.status == 0 ? reject(head) : OK;

    enum error error = finish_request(head);
    return error == ERR_TOO_LARGE ? refuse(head, "the header fields are too many or too long")
                                  : error;
}
