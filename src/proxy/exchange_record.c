/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals, audit lines and counts. Never sees a value of a secret. */
#include "proxy/exchange_record.h"

#include "observe/metrics.h"
#include "proxy/client/passthrough.h"
#include "proxy/refusal.h"

#include <time.h>

enum { REFUSAL_BODY_MAX = 4096 };

static enum error write_refusal(struct stream *client, const struct refusal *refusal,
                                bool must_close, bool is_head_request)
{
    OWNED_STRUCT(buffer) *body = &(struct buffer){.limit = REFUSAL_BODY_MAX};
    struct http_head empty;
    OWNED_STRUCT(http_head) *head = &empty;

    http_head_init(head);
    TRY(refusal_format(refusal, head, body));
    struct stream_response response = {
        .head = head,
        .framing = {.kind = HTTP_BODY_LENGTH, .length = buffer_len(body)},
        .close = must_close,
    };
    TRY(client->ops->send_response(client, &response));
    if (!is_head_request)
        TRY(client->ops->send_piece(client, buffer_view(body)));
    return client->ops->send_end(client, NULL);
}

enum error exchange_write_refusal(struct exchange *exchange, struct slice detail)
{
    struct refusal refusal = {
        .code = exchange->refusal,
        .limit = exchange->limit,
        .target = &exchange->target,
        .sandbox = exchange->view->sandbox_id,
        .secret = exchange->finding.decision.secret,
        .detail = detail,
        .hint_names_flag = exchange->connection->proxy->settings.hints_name_flags,
    };

    return write_refusal(exchange->client, &refusal, exchange->must_close,
                         exchange->request.is_head);
}

enum error connection_write_refusal(struct connection *connection, enum refusal_code code,
                                    struct slice detail)
{
    const struct sandbox *sandbox = connection->sandbox;
    struct refusal refusal = {
        .code = code,
        .target = connection->is_tunnel ? &connection->tunnel : NULL,
        .sandbox = sandbox != NULL ? slice_of(sandbox->id, sandbox->id_len) : SLICE_NONE,
        .detail = detail,
        .hint_names_flag = connection->proxy->settings.hints_name_flags,
    };

    return write_refusal(&connection->h1.stream, &refusal, true, false);
}

static void count(enum refusal_code code)
{
    metrics_add(code == REFUSAL_NONE ? METRIC_REQUESTS_ALLOWED : METRIC_REQUESTS_REFUSED, 1);
    if (code != REFUSAL_NONE)
        metrics_count_refusal(code);
}

static void write_audit(struct proxy *proxy, struct audit_record *record, enum refusal_code code)
{
    record->decision = code == REFUSAL_NONE ? SLICE("allowed") : SLICE("refused");
    if (code != REFUSAL_NONE)
        record->code = slice_from_string(refusal_code_name(code));
    proxy_write_audit(proxy, record);
}

static struct slice path_without_query(const struct exchange *exchange)
{
    struct slice path = exchange->request.path;

    return slice_take(path, slice_find(path, '?'));
}

static size_t fill_stores(const struct view *view, struct slice *stores)
{
    for (size_t i = 0; i < view->layer_count; i++)
        stores[i] = view->layers[i].store_name;
    return view->layer_count;
}

static enum refusal_code cut_code(const struct exchange *exchange)
{
    return exchange->cut_reason != REFUSAL_NONE ? exchange->cut_reason : REFUSAL_UPSTREAM_CLOSED;
}

void exchange_record(const struct exchange *exchange, uint64_t duration_us)
{
    const struct connection *connection = exchange->connection;
    char client[IP_ADDRESS_TEXT_MAX], address[IP_ADDRESS_TEXT_MAX];
    struct slice stores[VIEW_LAYERS_MAX];
    struct audit_record record = {
        .time_ms = exchange->began_ms,
        .sandbox = exchange->view->sandbox_id,
        .org = exchange->view->org_id,
        .client = ip_address_format(&connection->client.address, client),
        .protocol = connection->h2 != NULL ? SLICE("http/2") : SLICE("http/1.1"),
        .method = exchange->request.method,
        .scheme = connection->is_tls ? SLICE("https") : SLICE("http"),
        .host = host_name_view(&exchange->target.host),
        .port = exchange->target.port,
        .path = path_without_query(exchange),
        .upstream = exchange->upstream_address.port != 0
                        ? ip_address_format(&exchange->upstream_address.address, address)
                        : SLICE_NONE,
        .stores = stores,
        .store_count = fill_stores(exchange->view, stores),
        .secrets = exchange->finding.secrets,
        .secret_count = exchange->finding.secret_count,
        .status = exchange->status,
        .bytes_in = exchange->bytes_in,
        .bytes_out = exchange->bytes_out,
        .duration_ms = duration_us / 1000,
    };

    count(exchange->refusal);
    metrics_observe_duration(duration_us);
    metrics_add(METRIC_BYTES_FROM_CLIENTS, (long long)exchange->bytes_in);
    metrics_add(METRIC_BYTES_TO_CLIENTS, (long long)exchange->bytes_out);
    metrics_add(METRIC_VALUES_REDACTED, (long long)response_body_hits(&exchange->body));
    metrics_add(METRIC_TOKENS_REPLACED,
                (long long)websocket_rewriter_injected(exchange->client_frames));
    if (exchange->was_cut && !exchange->is_client_gone &&
        !exchange->was_renewed) /* allowed, and yet not complete */
        record.code = slice_from_string(refusal_code_name(cut_code(exchange)));
    write_audit(connection->proxy, &record, exchange->refusal);
}

void connection_record(const struct connection *connection, enum refusal_code code)
{
    char client[IP_ADDRESS_TEXT_MAX];
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    const struct sandbox *sandbox = connection->sandbox;
    struct audit_record record = {
        .time_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000,
        .sandbox = sandbox != NULL ? slice_of(sandbox->id, sandbox->id_len) : SLICE_NONE,
        .org = sandbox != NULL && sandbox->view != NULL ? sandbox->view->org_id : SLICE_NONE,
        .client = ip_address_format(&connection->client.address, client),
        .host = connection->is_tunnel ? host_name_view(&connection->tunnel.host) : SLICE_NONE,
        .port = connection->is_tunnel ? connection->tunnel.port : 0,
        .status = (uint16_t)refusal_code_status(code),
    };

    count(code);
    write_audit(connection->proxy, &record, code);
}

void connection_record_passthrough(const struct connection *connection)
{
    const struct passthrough *passthrough = connection->passthrough;
    const struct view *view = connection->sandbox->view;
    bool was_connected = passthrough->address.port != 0;
    char client[IP_ADDRESS_TEXT_MAX], address[IP_ADDRESS_TEXT_MAX];
    struct slice stores[VIEW_LAYERS_MAX];
    struct audit_record record = {
        .time_ms = passthrough->began_ms,
        .sandbox = view->sandbox_id,
        .org = view->org_id,
        .client = ip_address_format(&connection->client.address, client),
        .protocol = SLICE("tls-passthrough"),
        .host = host_name_view(&connection->tunnel.host),
        .port = connection->tunnel.port,
        .upstream =
            was_connected ? ip_address_format(&passthrough->address.address, address) : SLICE_NONE,
        .stores = stores,
        .store_count = fill_stores(view, stores),
        .bytes_in = passthrough->up.bytes,
        .bytes_out = passthrough->down.bytes,
        .duration_ms = deadline_now_ms() - passthrough->since_ms,
    };

    enum refusal_code refusal = was_connected ? REFUSAL_NONE : passthrough->refusal;
    count(refusal);
    metrics_add(METRIC_PASSTHROUGHS, was_connected);
    metrics_add(METRIC_BYTES_FROM_CLIENTS, (long long)record.bytes_in);
    metrics_add(METRIC_BYTES_TO_CLIENTS, (long long)record.bytes_out);
    if (passthrough->refusal != REFUSAL_NONE) /* allowed when it began */
        record.code = slice_from_string(refusal_code_name(passthrough->refusal));
    write_audit(connection->proxy, &record, refusal);
}
