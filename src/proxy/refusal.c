/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals as responses. Never repeats a byte that a peer chose, but for a host in canonical form.
 */
#include "proxy/refusal.h"

#include "observe/json_text.h"
#include "policy/refusal_flag.h"

enum { SENTENCE_MAX = 1024, PROXY_STATUS_MAX = 256, RETRY_AFTER_MAX = 16 };

static const char *const hints[REFUSAL_COUNT] = {
    [REFUSAL_BAD_REQUEST] = "Send one well-formed HTTP/1.1 request.",
    [REFUSAL_METHOD_NOT_ALLOWED] = "TRACE, TRACK and CONNECT inside a tunnel are never forwarded.",
    [REFUSAL_REQUEST_TIMEOUT] = "Send the request without long pauses; the operator sets "
                                "limits.idle_timeout and body_rate.",
    [REFUSAL_BODY_TOO_LARGE] = "Send less; the operator sets limits.body_bytes.",
    [REFUSAL_URI_TOO_LONG] = "Shorten the request target; the operator sets limits.uri_bytes.",
    [REFUSAL_HEADER_TOO_LARGE] =
        "Send fewer or shorter fields (limits.header_bytes, limits.header_fields).",
    [REFUSAL_HOST_NOT_ALLOWED] =
        "Add the host to the egressAllowlist of a secret store of this sandbox.",
    [REFUSAL_ADDRESS_NOT_ALLOWED] =
        "The operator can exempt it with privateHosts of a store, upstream.allow_addresses or "
        "upstream.resolve.",
    [REFUSAL_SECRET_HOST_NOT_ALLOWED] = "Add the host to the allowedHosts of the secret.",
    [REFUSAL_TOKEN_UNKNOWN] = "Use the token exactly as it stands in this sandbox's environment; "
                              "it changes when a secret "
                              "is deleted and set again.",
    [REFUSAL_TOKEN_PLAINTEXT] = "Use https.",
    [REFUSAL_TOKEN_PLACE_NOT_ALLOWED] =
        "Send the token in a header for credentials, or add the place to the secret's inject list.",
    [REFUSAL_PROTOCOL_NOT_ALLOWED] = "Speak TLS or HTTP/1.1 through the tunnel.",
    [REFUSAL_IDENTITY_REQUIRED] =
        "Use the proxy URL from the sandbox's environment, with its user name and password.",
    [REFUSAL_IDENTITY_INVALID] =
        "Use the proxy URL from this sandbox's own environment, from its registered address.",
    [REFUSAL_SANDBOX_SUSPENDED] = "Wake the sandbox.",
    [REFUSAL_SANDBOX_EXPIRED] = "Wake the sandbox, or give it a longer timeout.",
    [REFUSAL_MISDIRECTED_REQUEST] =
        "Open a connection for the host that the request names; Host, SNI and CONNECT must agree.",
    [REFUSAL_LIMIT_EXCEEDED] =
        "Close connections; the operator sets limits.connections_per_sandbox.",
    [REFUSAL_NOT_IMPLEMENTED] = "Leave out what is not built.",
    [REFUSAL_UPSTREAM_DNS] = "Check the name; the operator can add it to upstream.resolve.",
    [REFUSAL_UPSTREAM_CONNECT] = "Check that the host accepts connections on this port.",
    [REFUSAL_UPSTREAM_TLS] =
        "The host needs a valid certificate; the operator can add a private CA to upstream.trust.",
    [REFUSAL_UPSTREAM_PROTOCOL] = "The host must answer with well-formed HTTP.",
    [REFUSAL_UPSTREAM_CLOSED] = "Try again.",
    [REFUSAL_OVERLOADED] = "Try again in a moment.",
    [REFUSAL_SHUTTING_DOWN] = "Try again in a moment.",
    [REFUSAL_UPSTREAM_TIMEOUT] = "Try again; the operator sets limits.idle_timeout.",
    [REFUSAL_HTTP_VERSION_NOT_SUPPORTED] = "Use HTTP/1.1.",
};

static const char *const limit_hints[REFUSAL_LIMIT_KINDS] = {
    [REFUSAL_LIMIT_STREAMS] =
        "Wait for requests under way to end; the operator sets limits.streams_per_sandbox.",
    [REFUSAL_LIMIT_REQUESTS] =
        "Send requests less often; the operator sets limits.requests_per_second.",
};

/* What would change it. */
static const char *hint_of(const struct refusal *refusal)
{
    const char *hint = limit_hints[refusal->limit.kind];

    if (hint == NULL)
        hint = hints[refusal->code];
    return hint != NULL ? hint : "";
}

static const struct {
    int status;
    struct slice phrase;
} phrases[] = {
    {400, SLICE_INIT("Bad Request")},
    {403, SLICE_INIT("Forbidden")},
    {405, SLICE_INIT("Method Not Allowed")},
    {407, SLICE_INIT("Proxy Authentication Required")},
    {408, SLICE_INIT("Request Timeout")},
    {413, SLICE_INIT("Content Too Large")},
    {414, SLICE_INIT("URI Too Long")},
    {421, SLICE_INIT("Misdirected Request")},
    {429, SLICE_INIT("Too Many Requests")},
    {431, SLICE_INIT("Request Header Fields Too Large")},
    {501, SLICE_INIT("Not Implemented")},
    {502, SLICE_INIT("Bad Gateway")},
    {503, SLICE_INIT("Service Unavailable")},
    {504, SLICE_INIT("Gateway Timeout")},
    {505, SLICE_INIT("HTTP Version Not Supported")},
};

static struct slice phrase_of(int status)
{
    for (size_t i = 0; i < ARRAY_LEN(phrases); i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return SLICE_NONE;
}

enum refusal_code refusal_for_status(int status)
{
    for (enum refusal_code code = REFUSAL_BAD_REQUEST; code < REFUSAL_COUNT; code++)
        if (refusal_code_status(code) == status)
            return code;
    return REFUSAL_BAD_REQUEST;
}

static enum error append_member(struct buffer *out, const char *key, struct slice value)
{
    TRY(buffer_append_format(out, "%s\"%s\": ", buffer_len(out) > 1 ? ", " : "", key));
    return json_text_append(out, value);
}

static enum error append_optional(struct buffer *out, const char *key, struct slice value)
{
    return value.len > 0 ? append_member(out, key, value) : OK;
}

static enum error append_sentence(const struct refusal *refusal, struct buffer *out)
{
    OWNED_STRUCT(buffer) *sentence = &(struct buffer){.limit = SENTENCE_MAX};

    TRY(buffer_append(sentence, slice_from_string(refusal_code_sentence(refusal->code))));
    if (refusal->detail.len > 0)
        TRY(buffer_append_format(sentence, " (%.*s)", SLICE_ARG(refusal->detail)));
    return append_member(out, "error", buffer_view(sentence));
}

/* "Give `sealgate run` …", where a flag would help; otherwise what would change it for anyone. */
static enum error append_hint(const struct refusal *refusal, struct buffer *out)
{
    OWNED_STRUCT(buffer) *hint = &(struct buffer){.limit = SENTENCE_MAX};
    const struct slice opening = SLICE("Give `sealgate run` ");

    if (refusal->hint_names_flag && refusal->target != NULL) {
        TRY(buffer_append(hint, opening));
        TRY(refusal_flag_append(hint, refusal->code, refusal->target, refusal->secret));
    }
    if (buffer_len(hint) <= opening.len)
        return append_optional(out, "hint", slice_from_string(hint_of(refusal)));
    TRY(buffer_append_byte(hint, '.'));
    return append_member(out, "hint", buffer_view(hint));
}

static enum error format_body(const struct refusal *refusal, struct buffer *out)
{
    TRY(buffer_append_byte(out, '{'));
    TRY(append_sentence(refusal, out));
    TRY(append_member(out, "code", slice_from_string(refusal_code_name(refusal->code))));
    if (refusal->target != NULL)
        TRY(append_member(out, "host", host_name_view(&refusal->target->host)));
    TRY(append_optional(out, "sandbox", refusal->sandbox));
    TRY(append_optional(out, "secret", refusal->secret));
    TRY(append_hint(refusal, out));
    return buffer_append(out, SLICE("}\n"));
}

static enum error add_proxy_status(const struct refusal *refusal, struct http_head *head)
{
    OWNED_STRUCT(buffer) *value = &(struct buffer){.limit = PROXY_STATUS_MAX};

    TRY(buffer_append_format(value, "sealgate; error=%s; details=\"%s\"",
                             refusal_code_proxy_status(refusal->code),
                             refusal_code_name(refusal->code)));
    return http_head_add(head, SLICE("Proxy-Status"), buffer_view(value));
}

/* RFC 9110, 10.2.3. */
static enum error add_retry_after(const struct refusal *refusal, struct http_head *head)
{
    OWNED_STRUCT(buffer) *value = &(struct buffer){.limit = RETRY_AFTER_MAX};
    uint32_t seconds = refusal->limit.retry_after_s;

    TRY(buffer_append_format(value, "%u", seconds > 0 ? seconds : 1));
    return http_head_add(head, SLICE("Retry-After"), buffer_view(value));
}

enum error refusal_format(const struct refusal *refusal, struct http_head *head,
                          struct buffer *body)
{
    head->status = (uint16_t)refusal_code_status(refusal->code);
    head->reason = phrase_of(head->status);
    TRY(http_head_add(head, SLICE("Content-Type"), SLICE("application/json")));
    TRY(http_head_add(head, SLICE("Cache-Control"), SLICE("no-store")));
    TRY(add_proxy_status(refusal, head));
    if (head->status == 407) /* RFC 9110, 15.5.8: whatever the reason, with a challenge */
        TRY(http_head_add(head, SLICE("Proxy-Authenticate"),
                          SLICE("Basic realm=\"sealgate\", charset=\"UTF-8\"")));
    if (head->status == 429 || head->status == 503)
        TRY(add_retry_after(refusal, head));
    return format_body(refusal, body);
}
