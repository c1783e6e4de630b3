/* SPDX-License-Identifier: Apache-2.0 */
/* A connection of HTTP/2. Never reads on after a peer did what no peer needs to. */
#include "http/h2_session.h"

#include "http/h2_fields.h"
#include "http/h2_state.h"

#include <sodium.h>
#include <stdlib.h>

enum {
    PREFACE_LEN = NGHTTP2_CLIENT_MAGIC_LEN,
    BODY_MAX = 64 * 1024, /* of one stream, that is held each way */
    WIDE_BODY_MAX = 15 * BODY_MAX,
    WIDE_STREAMS = 2,
    FEED_MAX = 16 * 1024, /* between two looks at our own queue */
    SETTINGS_COUNT_MAX = 6,
    HEADER_TABLE_SIZE_DEFAULT = 4096,
    EXCESS_MAX = 1 << 20, /* streams over the limit that the library lets us refuse */
    SETTING_LEN = 6,
    FRAME_TYPE_AT = 3,
};

DEFINE_OWNED(nghttp2_option, nghttp2_option_del)
DEFINE_OWNED(nghttp2_session_callbacks, nghttp2_session_callbacks_del)

struct h2_limits h2_session_default_limits(void)
{
    return (struct h2_limits){
        .streams = 100,
        .stream_window = BODY_MAX,
        .wide_window = WIDE_BODY_MAX,
        .wide_streams = WIDE_STREAMS,
        .connection_window = 16 * BODY_MAX,
        .header_table_size = HEADER_TABLE_SIZE_DEFAULT,
        .stream_room = BODY_MAX,
        .flood_burst = 200,
        .flood_per_second = 50,
    };
}

static nghttp2_option *make_options(const struct h2_limits *limits)
{
    nghttp2_option *option;

    if (nghttp2_option_new(&option) != 0)
        return NULL;
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_reserved_remote_streams(option, 0);
    nghttp2_option_set_peer_max_concurrent_streams(option, limits->streams);
    nghttp2_option_set_max_send_header_block_length(option, H2_BLOCK_MAX);
    return option;
}

static enum error make_library(struct h2_session *session)
{
    OWNED(nghttp2_option) *option = make_options(&session->limits);
    OWNED(nghttp2_session_callbacks) *callbacks = h2_callbacks_new();
    nghttp2_mem memory = h2_memory_functions(&session->memory);

    if (option == NULL || callbacks == NULL)
        return ERR_NO_MEMORY;
    int result =
        session->role == H2_REQUESTS
            ? nghttp2_session_server_new3(&session->library, callbacks, session, option, &memory)
            : nghttp2_session_client_new3(&session->library, callbacks, session, option, &memory);
    return h2_stream_error(result);
}

static size_t fill_settings(const struct h2_session *session, nghttp2_settings_entry *settings)
{
    size_t count = 0;

    settings[count++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
                                                 session->limits.stream_window};
    settings[count++] =
        (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, H2_LIST_SIZE_MAX};
    settings[count++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1};
    if (session->limits.header_table_size != HEADER_TABLE_SIZE_DEFAULT)
        settings[count++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_HEADER_TABLE_SIZE,
                                                     session->limits.header_table_size};
    if (session->role == H2_RESPONSES) {
        settings[count++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
        return count;
    }
    settings[count++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
                                                 session->limits.streams + EXCESS_MAX};
    if (session->limits.allows_websocket)
        settings[count++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1};
    return count;
}

static enum error submit_settings(struct h2_session *session)
{
    nghttp2_settings_entry settings[SETTINGS_COUNT_MAX];
    size_t count = fill_settings(session, settings);

    TRY(h2_stream_error(
        nghttp2_submit_settings(session->library, NGHTTP2_FLAG_NONE, settings, count)));
    return h2_stream_error(nghttp2_session_set_local_window_size(
        session->library, NGHTTP2_FLAG_NONE, 0, (int32_t)session->limits.connection_window));
}

enum error h2_session_new(enum h2_role role, const struct h2_events *events, void *context,
                          const struct h2_limits *limits, struct h2_session **out)
{
    OWNED_STRUCT(h2_session) *session = calloc(1, sizeof(*session));

    if (session == NULL)
        return ERR_NO_MEMORY;
    session->role = role;
    session->events = events;
    session->context = context;
    session->limits = *limits;
    session->memory.limit = H2_LIBRARY_MEMORY_MAX;
    LIST_INIT(&session->streams);
    h2_guard_init(&session->guard, role == H2_REQUESTS ? PREFACE_LEN : 0, limits->flood_burst,
                  limits->flood_per_second);
    TRY(make_library(session));
    TRY(submit_settings(session));
    *out = TAKE(session);
    return OK;
}

void h2_session_free(struct h2_session *session)
{
    if (session == NULL)
        return;
    nghttp2_session_del(session->library);
    session->library = NULL;
    while (!LIST_EMPTY(&session->streams))
        h2_stream_orphan(LIST_FIRST(&session->streams));
    free(session);
}

static void close_streams(struct h2_session *session, enum h2_code code)
{
    while (!LIST_EMPTY(&session->streams))
        h2_stream_close(LIST_FIRST(&session->streams), code);
}

void h2_session_terminate(struct h2_session *session, enum h2_code code)
{
    if (session->is_failed)
        return;
    session->is_failed = true;
    /* Should it fail for want of memory, the connection closes without the reason. */
    (void)nghttp2_session_terminate_session(session->library, code);
    close_streams(session, code);
}

void h2_session_disconnect(struct h2_session *session)
{
    session->is_failed = true;
    close_streams(session, H2_CANCEL);
}

static enum error fail(struct h2_session *session, enum h2_code code)
{
    h2_session_terminate(session, code);
    return code == H2_INTERNAL_ERROR ? ERR_NO_MEMORY : ERR_SYNTAX;
}

static enum h2_code code_of_library_error(ssize_t result)
{
    switch (result) {
    case NGHTTP2_ERR_FLOODED:
        return H2_ENHANCE_YOUR_CALM;
    case NGHTTP2_ERR_NOMEM:
        return H2_INTERNAL_ERROR;
    default:
        return H2_PROTOCOL_ERROR;
    }
}

/* What the callbacks found, and what the library made us queue. */
static enum h2_code judge(const struct h2_session *session)
{
    if (session->doom != H2_NO_ERROR)
        return session->doom;
    if (nghttp2_session_get_outbound_queue_size(session->library) > 2 * (size_t)H2_QUEUE_MAX)
        return H2_ENHANCE_YOUR_CALM;
    return H2_NO_ERROR;
}

static enum h2_code feed_piece(struct h2_session *session, struct slice piece)
{
    ssize_t used =
        nghttp2_session_mem_recv(session->library, (const uint8_t *)piece.data, piece.len);

    return used < 0 ? code_of_library_error(used) : judge(session);
}

static enum h2_code feed_pieces(struct h2_session *session, struct slice input)
{
    while (input.len > 0) {
        struct slice piece = slice_take(input, FEED_MAX);
        enum h2_code code = feed_piece(session, piece);
        if (code != H2_NO_ERROR)
            return code;
        input = slice_skip(input, piece.len);
    }
    return H2_NO_ERROR;
}

enum error h2_session_feed(struct h2_session *session, struct slice input)
{
    size_t len = 0;

    if (session->is_failed)
        return ERR_CLOSED;
    enum h2_code flood = h2_guard_scan(&session->guard, input, &len);
    enum h2_code code = feed_pieces(session, slice_take(input, len));
    if (code == H2_NO_ERROR)
        code = flood;
    return code == H2_NO_ERROR ? OK : fail(session, code);
}

/* The library keeps its buffer for the next frame, and a header block may hold values. */
static void wipe_sent(const uint8_t *data, size_t len)
{
    sodium_memzero((void *)data, len);
}

static void write_u32(uint8_t *at, uint32_t number)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *at++ = (uint8_t)(number >> shift);
}

/* The library ends the session of a client that opens one stream too many, where a reset of that
 * stream is enough (RFC 9113, 5.1.2). So it was told of more than the client is told here, in our
 * settings: h2_callbacks.c refuses the excess. */
static void announce_stream_limit(const struct h2_session *session, uint8_t *frame, size_t len)
{
    if (session->role != H2_REQUESTS || frame[FRAME_TYPE_AT] != NGHTTP2_SETTINGS)
        return;
    for (size_t at = H2_FRAME_HEADER_LEN; at + SETTING_LEN <= len; at += SETTING_LEN)
        if (frame[at] == 0 && frame[at + 1] == NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
            write_u32(frame + at + 2, session->limits.streams);
}

static enum error pull_piece(struct h2_session *session, size_t *out_len)
{
    const uint8_t *data = NULL;
    ssize_t len = nghttp2_session_mem_send(session->library, &data);

    if (len < 0)
        return h2_stream_error((int)len);
    if (len >= H2_FRAME_HEADER_LEN)
        announce_stream_limit(session, (uint8_t *)data, (size_t)len);
    TRY(buffer_append(session->out, slice_of(data, (size_t)len)));
    if (len > 0)
        wipe_sent(data, (size_t)len);
    *out_len = (size_t)len;
    return OK;
}

static enum error pull_pieces(struct h2_session *session)
{
    size_t len = 1;

    while (len > 0 && buffer_len(session->out) < session->out_max)
        TRY(pull_piece(session, &len));
    return OK;
}

enum error h2_session_pull(struct h2_session *session, struct buffer *out, size_t max)
{
    session->out = out;
    session->out_max = max;
    enum error error = pull_pieces(session);
    session->out = NULL;
    if (error != OK) {
        h2_session_disconnect(session);
        return error;
    }
    if (session->doom != H2_NO_ERROR)
        h2_session_terminate(session, session->doom);
    /* The library has said goodbye for a reason of its own. */
    if (!nghttp2_session_want_read(session->library))
        close_streams(session, H2_PROTOCOL_ERROR);
    return OK;
}

bool h2_session_wants_read(const struct h2_session *session)
{
    return !session->is_failed && nghttp2_session_want_read(session->library) &&
           nghttp2_session_get_outbound_queue_size(session->library) <= H2_QUEUE_MAX;
}

bool h2_session_wants_write(const struct h2_session *session)
{
    return nghttp2_session_want_write(session->library) != 0;
}

bool h2_session_is_over(const struct h2_session *session)
{
    bool is_reading = !session->is_failed && nghttp2_session_want_read(session->library);

    return !is_reading && !h2_session_wants_write(session);
}

void h2_session_tick(struct h2_session *session, uint64_t now_ms)
{
    h2_guard_tick(&session->guard, now_ms);
}

size_t h2_session_stream_room(const struct h2_session *session)
{
    size_t peer = nghttp2_session_get_remote_settings(session->library,
                                                      NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    size_t most = peer < session->limits.streams ? peer : session->limits.streams;

    if (session->is_failed || session->was_drained ||
        !nghttp2_session_check_request_allowed(session->library))
        return 0;
    return session->stream_count < most ? most - session->stream_count : 0;
}

size_t h2_session_stream_count(const struct h2_session *session)
{
    return session->stream_count;
}

bool h2_session_is_amid_head(const struct h2_session *session)
{
    return h2_guard_is_amid_head(&session->guard);
}

bool h2_session_has_peer_settings(const struct h2_session *session)
{
    return session->has_peer_settings;
}

bool h2_session_peer_allows_websocket(const struct h2_session *session)
{
    return nghttp2_session_get_remote_settings(session->library,
                                               NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

enum error h2_session_drain(struct h2_session *session)
{
    bool is_first = !session->was_drained;

    session->was_drained = true;
    if (session->is_failed)
        return OK;
    if (is_first && session->role == H2_REQUESTS)
        return h2_stream_error(nghttp2_submit_shutdown_notice(session->library));
    return h2_stream_error(nghttp2_submit_goaway(
        session->library, NGHTTP2_FLAG_NONE,
        nghttp2_session_get_last_proc_stream_id(session->library), H2_NO_ERROR, NULL, 0));
}

size_t h2_session_memory(const struct h2_session *session)
{
    size_t total = sizeof(*session) + session->memory.used;
    const struct h2_stream *stream;

    LIST_FOREACH(stream, &session->streams, link)
    total += h2_stream_memory(stream);
    return total;
}
