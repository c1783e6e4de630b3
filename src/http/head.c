/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a message as a list of fields. Never judges what a field means: request.c and
 * response.c do. */
#include "http/head.h"

/* Room for what is added after a head of the full size was parsed. */
enum { STORAGE_MAX = 2 * HTTP_HEAD_MAX, STORAGE_KEPT = 2048 };

/* Field by field: zeroing the whole array for each message would cost more than parsing it. */
static void forget_fields(struct http_head *head)
{
    head->method = head->target = head->reason = SLICE_NONE;
    head->status = 0;
    head->version_minor = 0;
    head->field_count = 0;
}

void http_head_init(struct http_head *head)
{
    forget_fields(head);
    buffer_init(&head->storage, STORAGE_MAX);
}

void http_head_clear(struct http_head *head)
{
    buffer_clear(&head->storage);
    forget_fields(head);
}

void http_head_reset(struct http_head *head)
{
    if (head->storage.capacity > STORAGE_KEPT)
        buffer_clear(&head->storage);
    buffer_reset(&head->storage);
    forget_fields(head);
}

void http_head_borrow(struct http_head *out, const struct http_head *head)
{
    http_head_init(out);
    out->method = head->method;
    out->target = head->target;
    out->status = head->status;
    out->reason = head->reason;
    out->version_minor = head->version_minor;
    out->field_count = head->field_count;
    memcpy(out->fields, head->fields, head->field_count * sizeof(head->fields[0]));
}

const struct http_field *http_head_find(const struct http_head *head, struct slice name)
{
    for (size_t i = 0; i < head->field_count; i++)
        if (http_name_equals(head->fields[i].name, name))
            return &head->fields[i];
    return NULL;
}

size_t http_head_count(const struct http_head *head, struct slice name)
{
    size_t count = 0;

    for (size_t i = 0; i < head->field_count; i++)
        count += http_name_equals(head->fields[i].name, name);
    return count;
}

static bool value_lists(struct slice value, struct slice element)
{
    while (value.len > 0)
        if (http_name_equals(slice_trim(slice_split(&value, ',')), element))
            return true;
    return false;
}

bool http_head_lists(const struct http_head *head, struct slice name, struct slice element)
{
    for (size_t i = 0; i < head->field_count; i++)
        if (http_name_equals(head->fields[i].name, name) &&
            value_lists(head->fields[i].value, element))
            return true;
    return false;
}

void http_head_remove(struct http_head *head, struct slice name)
{
    size_t kept = 0;

    for (size_t i = 0; i < head->field_count; i++)
        if (!http_name_equals(head->fields[i].name, name))
            head->fields[kept++] = head->fields[i];
    head->field_count = kept;
}

/* The storage moved from `old_base`: what pointed into its first `len` bytes follows. */
static void rebase(const struct http_head *head, uintptr_t old_base, size_t len, struct slice *s)
{
    uintptr_t offset = (uintptr_t)s->data - old_base;

    if (s->data != NULL && offset < len)
        s->data = head->storage.data + offset;
}

static void rebase_all(struct http_head *head, uintptr_t old_base, size_t len)
{
    rebase(head, old_base, len, &head->method);
    rebase(head, old_base, len, &head->target);
    rebase(head, old_base, len, &head->reason);
    for (size_t i = 0; i < head->field_count; i++) {
        rebase(head, old_base, len, &head->fields[i].name);
        rebase(head, old_base, len, &head->fields[i].value);
    }
}

static enum error reserve(struct http_head *head, size_t len)
{
    uintptr_t old_base = (uintptr_t)head->storage.data;
    size_t old_len = head->storage.end;
    char *room;

    TRY(buffer_reserve(&head->storage, len, &room));
    if ((uintptr_t)head->storage.data != old_base)
        rebase_all(head, old_base, old_len);
    return OK;
}

/* Room was reserved. */
static struct slice store(struct http_head *head, struct slice bytes)
{
    char *copy = head->storage.data + head->storage.end;

    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    buffer_commit(&head->storage, bytes.len);
    return slice_of(copy, bytes.len);
}

enum error http_head_add(struct http_head *head, struct slice name, struct slice value)
{
    if (head->field_count == HTTP_FIELDS_MAX || name.len > STORAGE_MAX || value.len > STORAGE_MAX)
        return ERR_TOO_LARGE;

    TRY(reserve(head, name.len + value.len));
    struct http_field *field = &head->fields[head->field_count++];
    field->name = store(head, name);
    field->value = store(head, value);
    return OK;
}

enum error http_head_add_borrowed(struct http_head *head, struct slice name, struct slice value)
{
    if (head->field_count == HTTP_FIELDS_MAX)
        return ERR_TOO_LARGE;
    head->fields[head->field_count++] = (struct http_field){.name = name, .value = value};
    return OK;
}

enum error http_head_store(struct http_head *head, struct slice bytes, struct slice *out)
{
    if (bytes.len > STORAGE_MAX)
        return ERR_TOO_LARGE;

    TRY(reserve(head, bytes.len));
    *out = store(head, bytes);
    return OK;
}

/* A peer must not be able to have these removed by naming them in Connection. */
static bool is_end_to_end_always(struct slice name)
{
    return http_name_equals(name, SLICE("Content-Length")) ||
           http_name_equals(name, SLICE("Host")) ||
           http_name_equals(name, SLICE("Authorization")) ||
           slice_starts_with_nocase(name, SLICE("Sec-WebSocket-"));
}

static bool is_hop_by_hop(struct slice name)
{
    static const struct slice names[] = {
        SLICE_INIT("Connection"),     SLICE_INIT("Keep-Alive"),        SLICE_INIT("TE"),
        SLICE_INIT("Trailer"),        SLICE_INIT("Upgrade"),           SLICE_INIT("Close"),
        SLICE_INIT("HTTP2-Settings"), SLICE_INIT("Transfer-Encoding"),
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (http_name_equals(name, names[i]))
            return true;
    return slice_starts_with_nocase(name, SLICE("Proxy-"));
}

static bool is_stripped(const struct http_head *head, struct slice name)
{
    if (is_hop_by_hop(name))
        return true;
    return !is_end_to_end_always(name) && http_head_lists(head, SLICE("Connection"), name);
}

void http_head_strip_hop_by_hop(struct http_head *head)
{
    UNINITIALIZED bool stripped[HTTP_FIELDS_MAX];
    size_t kept = 0;

    /* First all answers, then the removal: Connection itself goes too. */
    for (size_t i = 0; i < head->field_count; i++)
        stripped[i] = is_stripped(head, head->fields[i].name);
    for (size_t i = 0; i < head->field_count; i++)
        if (!stripped[i])
            head->fields[kept++] = head->fields[i];
    head->field_count = kept;
}

/* tchar of RFC 9110, 5.6.2. */
static const bool token_chars[256] = {
    ['!'] = true,         ['#'] = true, ['$'] = true,         ['%'] = true, ['&'] = true,
    ['\''] = true,        ['*'] = true, ['+'] = true,         ['-'] = true, ['.'] = true,
    ['0' ... '9'] = true, ['^'] = true, ['_'] = true,         ['`'] = true, ['|'] = true,
    ['A' ... 'Z'] = true, ['~'] = true, ['a' ... 'z'] = true,
};

size_t http_token_len(struct slice s)
{
    size_t len = 0;

    while (len < s.len && token_chars[(unsigned char)s.data[len]])
        len++;
    return len;
}

bool http_is_token(struct slice s)
{
    return s.len > 0 && http_token_len(s) == s.len;
}

bool http_is_field_value(struct slice s)
{
    unsigned char bad = 0;

    /* Without a branch per byte, so that the compiler can use vectors. */
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        bad |= (unsigned char)((c < ' ' && c != '\t') | (c == 0x7f));
    }
    return bad == 0;
}

size_t http_head_size(const struct http_head *head)
{
    static const size_t line_overhead = 4; /* ": " and CRLF */
    size_t size = head->method.len + head->target.len + line_overhead;

    for (size_t i = 0; i < head->field_count; i++)
        size += head->fields[i].name.len + head->fields[i].value.len + line_overhead;
    return size;
}

bool http_name_is_forbidden_in_trailers(struct slice name)
{
    static const struct slice names[] = {
        SLICE_INIT("Host"),
        SLICE_INIT("Authorization"),
        SLICE_INIT("Proxy-Authorization"),
        SLICE_INIT("Trailer"),
        SLICE_INIT("TE"),
        SLICE_INIT("Set-Cookie"),
        SLICE_INIT("Cookie"),
        SLICE_INIT("Cache-Control"),
        SLICE_INIT("Location"),
        SLICE_INIT("Expect"),
        SLICE_INIT("Range"),
        SLICE_INIT("Max-Forwards"),
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (http_name_equals(name, names[i]))
            return true;
    return slice_starts_with_nocase(name, SLICE("Content-"));
}
