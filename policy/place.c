/* SPDX-License-Identifier: Apache-2.0 */
/* Where a value may be injected. Never lets one into a field that carries framing or belongs to
 * the connection. */
#include "policy/place.h"

static const char why_place[] =
    "A place is \"header\", \"header:<field>\", \"websocket\", \"query\", \"path\" or \"body\".";
static const char why_not_built[] =
    "This place is not built yet: only \"header\", \"header:<field>\" and \"websocket\" are.";
static const char why_field[] =
    "Not a header field name: letters, digits and any of !#$%&'*+-.^_`|~.";
static const char why_forbidden[] =
    "This header field never carries a secret: it belongs to the connection, not to the origin.";

static const struct slice kind_names[] = {
    [PLACE_HEADER] = SLICE_INIT("header"), [PLACE_WEBSOCKET] = SLICE_INIT("websocket"),
    [PLACE_QUERY] = SLICE_INIT("query"),   [PLACE_PATH] = SLICE_INIT("path"),
    [PLACE_BODY] = SLICE_INIT("body"),
};

/* Framing, hop-by-hop (RFC 9110, 7.6.1), and Host: a token there is no name that could match. */
static const struct slice forbidden_fields[] = {
    SLICE_INIT("connection"), SLICE_INIT("content-length"),
    SLICE_INIT("host"),       SLICE_INIT("http2-settings"),
    SLICE_INIT("keep-alive"), SLICE_INIT("max-forwards"),
    SLICE_INIT("te"),         SLICE_INIT("trailer"),
    SLICE_INIT("upgrade"),    SLICE_INIT("transfer-encoding"),
};
static const struct slice forbidden_prefixes[] = {SLICE_INIT("proxy-"), SLICE_INIT(":")};

static const struct slice naming_fields[] = {
    SLICE_INIT("b3"),
    SLICE_INIT("baggage"),
    SLICE_INIT("expect"),
    SLICE_INIT("forwarded"),
    SLICE_INIT("from"),
    SLICE_INIT("idempotency-key"),
    SLICE_INIT("origin"),
    SLICE_INIT("prefer"),
    SLICE_INIT("range"),
    SLICE_INIT("referer"),
    SLICE_INIT("traceparent"),
    SLICE_INIT("tracestate"),
    SLICE_INIT("user-agent"),
    SLICE_INIT("via"),
    SLICE_INIT("x-amzn-trace-id"),
    SLICE_INIT("x-cloud-trace-context"),
    SLICE_INIT("x-correlation-id"),
    SLICE_INIT("x-real-ip"),
    SLICE_INIT("x-request-id"),
};
static const struct slice naming_prefixes[] = {
    SLICE_INIT("accept"), SLICE_INIT("access-control-request-"),
    SLICE_INIT("if-"),    SLICE_INIT("sec-"),
    SLICE_INIT("x-b3-"),  SLICE_INIT("x-forwarded-"),
};

static bool is_one_of(struct slice field, const struct slice *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_equals_nocase(field, names[i]))
            return true;
    return false;
}

static bool begins_like_one_of(struct slice field, const struct slice *prefixes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_starts_with_nocase(field, prefixes[i]))
            return true;
    return false;
}

bool place_field_is_forbidden(struct slice field)
{
    return is_one_of(field, forbidden_fields, ARRAY_LEN(forbidden_fields)) ||
           begins_like_one_of(field, forbidden_prefixes, ARRAY_LEN(forbidden_prefixes));
}

bool place_field_needs_naming(struct slice field)
{
    return is_one_of(field, naming_fields, ARRAY_LEN(naming_fields)) ||
           begins_like_one_of(field, naming_prefixes, ARRAY_LEN(naming_prefixes));
}

static bool place_permits_field(const struct place *place, struct slice field)
{
    if (place->kind != PLACE_HEADER)
        return false;
    return place->field.len == 0 ? !place_field_needs_naming(field)
                                 : slice_equals_nocase(place->field, field);
}

bool place_list_permits_field(const struct place *places, size_t count, struct slice field)
{
    if (field.len == 0 || place_field_is_forbidden(field))
        return false;
    for (size_t i = 0; i < count; i++)
        if (place_permits_field(&places[i], field))
            return true;
    return false;
}

bool place_list_has(const struct place *places, size_t count, enum place_kind kind)
{
    for (size_t i = 0; i < count; i++)
        if (places[i].kind == kind)
            return true;
    return false;
}

/* tchar of RFC 9110, 5.6.2. */
static bool is_field_name(struct slice field)
{
    static const struct slice others = SLICE_INIT("!#$%&'*+-.^_`|~");

    for (size_t i = 0; i < field.len; i++) {
        char c = field.data[i];

        if (!ascii_is_alpha(c) && !ascii_is_digit(c) && slice_find(others, c) == others.len)
            return false;
    }
    return field.len > 0;
}

static enum error refuse(enum error error, const char **why, const char *sentence)
{
    if (why != NULL)
        *why = sentence;
    return error;
}

static enum error parse_field(struct slice field, struct place *out, const char **why)
{
    if (!is_field_name(field))
        return refuse(ERR_SYNTAX, why, why_field);
    if (place_field_is_forbidden(field))
        return refuse(ERR_SYNTAX, why, why_forbidden);
    *out = (struct place){PLACE_HEADER, field};
    return OK;
}

static bool find_kind(struct slice text, enum place_kind *out)
{
    for (size_t kind = 0; kind < ARRAY_LEN(kind_names); kind++) {
        if (slice_equals(text, kind_names[kind])) {
            *out = (enum place_kind)kind;
            return true;
        }
    }
    return false;
}

enum error place_parse(struct slice text, struct place *out, const char **why)
{
    enum place_kind kind;

    if (text.len > PLACE_TEXT_MAX)
        return refuse(ERR_SYNTAX, why, why_place);
    if (slice_starts_with(text, SLICE("header:")))
        return parse_field(slice_skip(text, 7), out, why);
    if (!find_kind(text, &kind))
        return refuse(ERR_SYNTAX, why, why_place);
    if (kind != PLACE_HEADER && kind != PLACE_WEBSOCKET)
        return refuse(ERR_UNSUPPORTED, why, why_not_built);
    *out = (struct place){kind, SLICE_NONE};
    return OK;
}

struct slice place_format(const struct place *place, char *text)
{
    struct slice kind = kind_names[place->kind];
    size_t len = kind.len;

    memcpy(text, kind.data, kind.len);
    if (place->field.len > 0) {
        text[len++] = ':';
        memcpy(text + len, place->field.data, place->field.len);
        len += place->field.len;
    }
    return slice_of(text, len);
}
