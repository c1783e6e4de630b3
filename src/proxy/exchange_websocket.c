/* SPDX-License-Identifier: Apache-2.0 */
/* WebSockets as a proxy sees them. Never opens a tunnel on the client's word alone, and never ends
 * one in the midst of a frame where it could say Close. */
#include "proxy/exchange_websocket.h"

#include "inject/token_scan.h"

#include <openssl/sha.h>
#include <sodium.h>

enum { KEY_SIZE = 16, SWITCHING_PROTOCOLS = 101, SUCCESS = 200 };
enum {
    CLOSE_PROTOCOL_ERROR = 1002,
    CLOSE_POLICY_VIOLATION = 1008,
    CLOSE_TOO_BIG = 1009,
    CLOSE_INTERNAL_ERROR = 1011,
    CLOSE_SERVICE_RESTART = 1012,
};

static enum error add_random_key(struct http_head *head)
{
    unsigned char key[KEY_SIZE];
    char text[sodium_base64_ENCODED_LEN(KEY_SIZE, sodium_base64_VARIANT_ORIGINAL)];

    randombytes_buf(key, sizeof(key));
    sodium_bin2base64(text, sizeof(text), key, sizeof(key), sodium_base64_VARIANT_ORIGINAL);
    return http_head_add(head, SLICE("Sec-WebSocket-Key"), slice_from_string(text));
}

/* base64(SHA-1(key . GUID)), RFC 6455, 4.2.2. */
static void expected_accept(struct slice key, char *out)
{
    static const struct slice guid = SLICE_INIT("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    unsigned char text[64 + 36], digest[SHA_DIGEST_LENGTH];
    struct slice part = slice_take(key, 64);

    memcpy(text, part.data, part.len);
    memcpy(text + part.len, guid.data, guid.len);
    SHA1(text, part.len + guid.len, digest);
    sodium_bin2base64(out, EXCHANGE_WEBSOCKET_ACCEPT_SIZE, digest, sizeof(digest),
                      sodium_base64_VARIANT_ORIGINAL);
}

static bool reads_client(const struct exchange *exchange)
{
    return exchange->connection->is_tls && exchange->values != NULL &&
           inject_values_list_websocket(exchange->values);
}

/* Where only the client's had to be read, a Close of ours must not come amid a frame either. */
static bool reads_upstream(const struct exchange *exchange)
{
    return reads_client(exchange) ||
           (exchange->values != NULL && inject_values_redact(exchange->values));
}

enum error exchange_websocket_prepare(struct exchange *exchange, struct http_head *head)
{
    const struct http_field *key = http_head_find(head, SLICE("sec-websocket-key"));

    if (key == NULL) {
        TRY(add_random_key(head));
        key = http_head_find(head, SLICE("sec-websocket-key"));
    }
    expected_accept(key->value, exchange->websocket_accept);
    if (reads_upstream(exchange))
        http_head_remove(head, SLICE("sec-websocket-extensions"));
    return OK;
}

bool exchange_websocket_is_switch(const struct exchange *exchange)
{
    uint16_t status = exchange->response.status;

    if (!exchange->request.wants_websocket || !exchange->upstream->speaks_h2)
        return status == SWITCHING_PROTOCOLS;
    return status / 100 == 2;
}

/* HTTP/2 proves by its SETTINGS what HTTP/1 proves by the key (RFC 8441, 5). */
static bool is_agreed(const struct exchange *exchange, const struct http_head *head)
{
    const struct http_field *accept = http_head_find(head, SLICE("sec-websocket-accept"));

    if (exchange->upstream->speaks_h2)
        return true;
    return accept != NULL && http_head_count(head, SLICE("sec-websocket-accept")) == 1 &&
           http_head_lists(head, SLICE("upgrade"), SLICE("websocket")) &&
           http_head_lists(head, SLICE("connection"), SLICE("upgrade")) &&
           slice_equals(accept->value, slice_from_string(exchange->websocket_accept));
}

/* An element without its parameters. */
static struct slice name_of(struct slice element)
{
    return slice_trim(slice_split(&element, ';'));
}

static bool value_offers(struct slice value, struct slice name)
{
    while (value.len > 0)
        if (slice_equals_nocase(name_of(slice_split(&value, ',')), name))
            return true;
    return false;
}

/* Where a value was put in, what was offered is not what the client's head says. */
static bool is_offered(const struct http_head *request, struct slice field, struct slice name)
{
    for (size_t i = 0; i < request->field_count; i++) {
        struct slice value = request->fields[i].value;
        if (http_name_equals(request->fields[i].name, field) &&
            (value_offers(value, name) || token_scan_finds(value)))
            return true;
    }
    return false;
}

static bool are_extensions_offered(const struct http_head *request, const struct http_head *answer)
{
    static const struct slice field = SLICE_INIT("sec-websocket-extensions");

    for (size_t i = 0; i < answer->field_count; i++) {
        struct slice value = answer->fields[i].value;
        if (!http_name_equals(answer->fields[i].name, field))
            continue;
        do {
            if (!is_offered(request, field, name_of(slice_split(&value, ','))))
                return false;
        } while (value.len > 0);
    }
    return true;
}

static bool is_subprotocol_offered(const struct http_head *request, const struct http_head *answer)
{
    static const struct slice field = SLICE_INIT("sec-websocket-protocol");
    const struct http_field *chosen = http_head_find(answer, field);

    return chosen == NULL ||
           (http_head_count(answer, field) == 1 && is_offered(request, field, chosen->value));
}

bool exchange_websocket_accepts(const struct exchange *exchange, const struct http_head *head)
{
    /* As it was sent: no extension that we kept from the upstream is in it any more. */
    const struct http_head *request = exchange->client->ops->head(exchange->client);

    return are_extensions_offered(request, head) && is_subprotocol_offered(request, head) &&
           is_agreed(exchange, head);
}

enum error exchange_websocket_adapt(const struct exchange *exchange, struct http_head *head)
{
    http_head_remove(head, SLICE("content-length")); /* means nothing here (RFC 9110, 9.3.6) */
    http_head_remove(head, SLICE("sec-websocket-accept"));
    head->reason = SLICE_NONE;
    if (exchange->connection->h2 != NULL) {
        head->status = SUCCESS;
        return OK;
    }
    head->status = SWITCHING_PROTOCOLS;
    return http_head_add_borrowed(head, SLICE("Sec-WebSocket-Accept"),
                                  slice_from_string(exchange->websocket_accept));
}

enum error exchange_websocket_open(struct exchange *exchange)
{
    struct inject_values *values = exchange->values;

    if (reads_client(exchange))
        TRY(websocket_rewriter_new_injecting(values, exchange->connection->proxy->settings.decision,
                                             &exchange->finding, &exchange->client_frames));
    return reads_upstream(exchange) ? response_body_plan_frames(&exchange->body, values) : OK;
}

enum error exchange_websocket_rewrite(struct exchange *exchange, struct slice piece,
                                      struct slice *frames)
{
    TRY(websocket_rewriter_push(exchange->client_frames, piece, &exchange->piece));
    *frames = buffer_view(&exchange->piece);
    return OK;
}

/* An address that only a named exception permitted, when that is gone. */
static bool lost_its_exception(const struct exchange *exchange, const struct view *now)
{
    const struct host_name *host = &exchange->target.host;

    return address_guard_classify(&exchange->upstream_address.address) != ADDRESS_PUBLIC &&
           decision_for_private(exchange->view, host).verdict == VERDICT_ALLOW &&
           decision_for_private(now, host).verdict != VERDICT_ALLOW;
}

enum refusal_code exchange_websocket_outdated(const struct exchange *exchange)
{
    const struct connection *connection = exchange->connection;
    const struct view *now = connection->sandbox->view;

    if (now == exchange->view)
        return REFUSAL_NONE;
    if (lost_its_exception(exchange, now))
        return REFUSAL_ADDRESS_NOT_ALLOWED;
    return view_change_ends(exchange->view, now, &exchange->target,
                            connection->proxy->settings.decision);
}

/* What a Close says to either side. */
struct farewell {
    uint16_t status;
    struct slice reason;
};

/* Queues it; false: the one it is for may be gone. */
static bool say_close(struct websocket_rewriter *frames, struct stream *to,
                      const struct farewell *farewell)
{
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 2 * WEBSOCKET_CONTROL_MAX};

    return frames != NULL &&
           websocket_rewriter_close(frames, farewell->status, farewell->reason, out) == OK &&
           to->ops->send_piece(to, buffer_view(out)) == OK;
}

void exchange_websocket_end_request(struct exchange *exchange)
{
    struct stream *origin = exchange->origin;

    if (origin->ops->send_end(origin, NULL) == OK)
        origin->ops->flush(origin);
}

static void end_open(struct exchange *exchange, enum refusal_code code,
                     const struct farewell *farewell)
{
    struct stream *client = exchange->client, *origin = exchange->origin;

    exchange->cut_reason = code;
    if (say_close(exchange->client_frames, origin, farewell))
        exchange_websocket_end_request(exchange); /* which is closed next */
    if (say_close(exchange->body.frames, client, farewell) &&
        client->ops->send_end(client, NULL) == OK)
        exchange_break_off(exchange);
    else
        exchange_cut(exchange);
}

void exchange_websocket_fail(struct exchange *exchange, enum refusal_code code, enum error error)
{
    static const struct farewell disorder = {CLOSE_PROTOCOL_ERROR,
                                             SLICE_INIT("a frame is not in order")},
                                 too_big = {CLOSE_TOO_BIG,
                                            SLICE_INIT("a message is too long to be passed on")},
                                 trouble = {CLOSE_INTERNAL_ERROR,
                                            SLICE_INIT("a message cannot be passed on")};

    if (error == ERR_SYNTAX)
        end_open(exchange, code, &disorder);
    else
        end_open(exchange, REFUSAL_OVERLOADED, error == ERR_TOO_LARGE ? &too_big : &trouble);
}

bool exchange_websocket_is_closed(const struct exchange *exchange)
{
    return exchange->body.frames != NULL && websocket_rewriter_is_closed(exchange->body.frames);
}

static bool is_open(const struct exchange *exchange)
{
    return exchange->is_head_written && exchange_websocket_is_switch(exchange);
}

void exchange_websocket_follow_view(struct exchange *exchange)
{
    static const struct farewell refused = {CLOSE_POLICY_VIOLATION,
                                            SLICE_INIT("the sandbox may not go on with this")},
                                 changed = {CLOSE_SERVICE_RESTART,
                                            SLICE_INIT("the secrets for this host have changed")};

    enum refusal_code code =
        is_open(exchange) ? exchange_websocket_outdated(exchange) : REFUSAL_NONE;
    if (code == REFUSAL_NONE)
        return;
    /* Nothing was refused there: whoever asks again gets the new secrets. */
    exchange->was_renewed = code == REFUSAL_SECRET_HOST_NOT_ALLOWED;
    end_open(exchange, code, exchange->was_renewed ? &changed : &refused);
}
