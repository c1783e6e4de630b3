/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes the socket of an API client. Never blocks, and never raises SIGPIPE in the clear
 * (control_new() ignores the signal for TLS). */

#include "control/http_stream.h"

#include <errno.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

enum error http_stream_open(int fd, SSL_CTX *tls, struct http_stream *out)
{
    struct http_stream stream = {.fd = fd, .wants = EV_READ};
    if (tls != NULL) {
        stream.ssl = SSL_new(tls);
        if (stream.ssl == NULL || SSL_set_fd(stream.ssl, fd) != 1) {
            http_stream_close(&stream);
            return ERR_NO_MEMORY;
        }
        SSL_set_accept_state(stream.ssl);
        SSL_set_options(stream.ssl, SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_NO_RENEGOTIATION);
        SSL_set_mode(stream.ssl,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }
    *out = stream;
    return OK;
}

void http_stream_close(struct http_stream *stream)
{
    SSL_free(stream->ssl);
    if (stream->fd >= 0)
        close(stream->fd);
    stream->ssl = NULL;
    stream->fd = -1;
}

static enum error stream_after_tls(struct http_stream *stream, int result)
{
    switch (SSL_get_error(stream->ssl, result)) {
    case SSL_ERROR_NONE:
        return OK;
    case SSL_ERROR_WANT_READ:
        stream->wants = EV_READ;
        return ERR_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        stream->wants = EV_WRITE;
        return ERR_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return ERR_CLOSED;
    default:
        ERR_clear_error();
        return ERR_TLS;
    }
}

static enum error stream_after_call(struct http_stream *stream, ssize_t result, short direction)
{
    if (result > 0)
        return OK;
    if (result == 0)
        return ERR_CLOSED;
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        return ERR_SYSTEM;
    stream->wants = direction;
    return ERR_AGAIN;
}

enum error http_stream_read(struct http_stream *stream, char *bytes, size_t size, size_t *count)
{
    if (stream->ssl != NULL) {
        ERR_clear_error();
        return stream_after_tls(stream, SSL_read_ex(stream->ssl, bytes, size, count));
    }
    ssize_t result = recv(stream->fd, bytes, size, 0);
    TRY(stream_after_call(stream, result, EV_READ));
    *count = (size_t)result;
    return OK;
}

enum error http_stream_write(struct http_stream *stream, struct slice bytes, size_t *count)
{
    if (stream->ssl != NULL) {
        ERR_clear_error();
        return stream_after_tls(stream, SSL_write_ex(stream->ssl, bytes.data, bytes.len, count));
    }
    ssize_t result = send(stream->fd, bytes.data, bytes.len, MSG_NOSIGNAL);
    TRY(stream_after_call(stream, result, EV_WRITE));
    *count = (size_t)result;
    return OK;
}

void http_stream_finish(struct http_stream *stream)
{
    if (stream->ssl != NULL && SSL_is_init_finished(stream->ssl))
        SSL_shutdown(stream->ssl);
    shutdown(stream->fd, SHUT_WR);
}
