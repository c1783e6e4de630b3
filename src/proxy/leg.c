/* SPDX-License-Identifier: Apache-2.0 */
/* A socket with or without TLS, never blocking. Never frees its owner, never decides anything. */
#include "proxy/leg.h"

#include "proxy/leg_bio.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sodium.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TLS_RECORD_SIZE = 16 * 1024 };

static void on_readable(UNUSED evutil_socket_t fd, UNUSED short what, void *argument)
{
    struct leg *leg = argument;

    if (!leg->is_reading) {
        event_del(&leg->readable);
        leg->is_armed = false;
        return;
    }
    leg->is_drained = false;
    leg->on_ready(leg->owner);
}

static void on_writable(UNUSED evutil_socket_t fd, UNUSED short what, void *argument)
{
    struct leg *leg = argument;

    leg->is_writing = false; /* not persistent */
    leg->on_ready(leg->owner);
}

void leg_open(struct leg *leg, struct event_base *base, int fd, struct leg_pool *pool)
{
    *leg = (struct leg){.fd = fd, .pool = pool, .scratch = pool->scratch, .is_drained = true};
    buffer_init(&leg->early, LEG_IN_MAX);
    buffer_init(&leg->in, LEG_IN_MAX);
    buffer_init(&leg->out, LEG_OUT_MAX);
    event_assign(&leg->readable, base, fd, EV_READ | EV_PERSIST, on_readable, leg);
    event_assign(&leg->writable, base, fd, EV_WRITE, on_writable, leg);
}

void leg_set_owner(struct leg *leg, void (*on_ready)(void *owner), void *owner)
{
    leg->on_ready = on_ready;
    leg->owner = owner;
}

void leg_close(struct leg *leg)
{
    if (leg->fd < 0)
        return;
    event_del(&leg->readable);
    event_del(&leg->writable);
    /* Without a word, OpenSSL would take the session for a bad one, never to be resumed. */
    if (leg->ssl != NULL && !leg->is_broken)
        SSL_set_shutdown(leg->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    leg_pool_forget(leg);
    SSL_free(leg->ssl);
    leg->ssl = NULL;
    close(leg->fd);
    leg->fd = -1;
    leg->is_reading = leg->is_armed = leg->is_writing = false;
    buffer_clear(&leg->early);
    buffer_clear(&leg->in);
    buffer_clear(&leg->out);
}

void leg_reset_on_close(struct leg *leg)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    if (leg->fd >= 0)
        setsockopt(leg->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

enum error leg_start_tls(struct leg *leg, SSL *ssl)
{
    leg->ssl = ssl;
    leg->early = leg->in;
    buffer_init(&leg->in, LEG_IN_MAX);
    BIO *bio = leg_bio_new(leg);
    if (bio == NULL)
        return ERR_NO_MEMORY;
    SSL_set_bio(ssl, bio, bio);
    SSL_clear_mode(ssl, SSL_MODE_RELEASE_BUFFERS); /* see leg_pool.c */
    return OK;
}

static void want_write(struct leg *leg)
{
    if (leg->is_writing || leg->fd < 0)
        return;
    leg->is_writing = true;
    event_add(&leg->writable, NULL);
}

/* Who stops reading often resumes before anything came: the event is taken off only when it comes
 * unwanted, which saves two system calls where it does not. */
void leg_want_read(struct leg *leg, bool wanted)
{
    if (leg->fd < 0)
        return;
    leg->is_reading = wanted;
    if (!wanted || leg->is_armed)
        return;
    leg->is_armed = true;
    event_add(&leg->readable, NULL);
}

/* What a failed TLS call means for the owner. */
static enum leg_status tls_status(struct leg *leg, int result)
{
    switch (SSL_get_error(leg->ssl, result)) {
    case SSL_ERROR_WANT_WRITE:
        want_write(leg);
        return LEG_BLOCKED;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_X509_LOOKUP:
        return LEG_BLOCKED;
    case SSL_ERROR_ZERO_RETURN:
        return LEG_EOF;
    default:
        leg->is_broken = true;
        return LEG_BROKEN;
    }
}

/* What another call left behind would be taken for this one's. ERR_clear_error() goes through all
 * sixteen places of the queue even when it is empty. */
static void forget_errors(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

enum leg_status leg_handshake(struct leg *leg)
{
    forget_errors();
    leg_pool_hold(leg);
    int result = SSL_do_handshake(leg->ssl);

    return result == 1 ? LEG_READY : tls_status(leg, result);
}

static enum leg_status read_plain(struct leg *leg, size_t *len)
{
    ssize_t got = recv(leg->fd, leg->scratch, LEG_READ_SIZE, 0);

    if (got > 0) {
        leg->is_drained = (size_t)got < LEG_READ_SIZE;
        *len = (size_t)got;
        return LEG_READY;
    }
    if (got == 0)
        return LEG_EOF;
    if (errno == EAGAIN || errno == EINTR) {
        leg->is_drained = true;
        return LEG_BLOCKED;
    }
    leg->is_broken = true;
    return LEG_BROKEN;
}

static enum leg_status read_tls(struct leg *leg, size_t *len)
{
    forget_errors();
    leg_pool_hold(leg);
    int result = SSL_read_ex(leg->ssl, leg->scratch, LEG_READ_SIZE, len);

    return result == 1 ? LEG_READY : tls_status(leg, result);
}

enum leg_status leg_read(struct leg *leg, struct slice *out)
{
    size_t len = 0;

    if (buffer_len(&leg->in) > 0) {
        *out = buffer_view(&leg->in);
        return LEG_READY;
    }
    if (leg->fd < 0 || leg->is_broken)
        return LEG_BROKEN;
    if (leg->is_drained && (leg->ssl == NULL || !SSL_has_pending(leg->ssl)))
        return LEG_BLOCKED;

    enum leg_status status = leg->ssl != NULL ? read_tls(leg, &len) : read_plain(leg, &len);
    if (status == LEG_READY)
        *out = slice_of(leg->scratch, len);
    return status;
}

bool leg_is_quiet(struct leg *leg)
{
    char byte;

    if (!leg_is_open(leg) || leg->is_broken || buffer_len(&leg->in) > 0 ||
        (leg->ssl != NULL && SSL_has_pending(leg->ssl)))
        return false;
    return recv(leg->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

bool leg_is_lost(const struct leg *leg)
{
    struct pollfd state = {.fd = leg->fd}; /* errors are always reported */

    return leg->fd >= 0 && !leg->is_reading && !leg->is_writing && poll(&state, 1, 0) == 1 &&
           (state.revents & POLLERR) != 0;
}

enum leg_status leg_read_more(struct leg *leg)
{
    struct buffer held = leg->in;
    struct slice bytes;

    buffer_init(&leg->in, LEG_IN_MAX);
    enum leg_status status = leg_read(leg, &bytes);
    leg->in = held;
    if (status == LEG_READY && leg_put_back(leg, bytes, bytes) != OK)
        status = LEG_BROKEN;
    return status;
}

enum error leg_put_back(struct leg *leg, struct slice bytes, struct slice rest)
{
    enum error error = OK;

    if (bytes.data != leg->scratch) {
        buffer_consume(&leg->in, bytes.len - rest.len);
        return OK;
    }
    error = buffer_append(&leg->in, rest);
    sodium_memzero(leg->scratch, bytes.len);
    return error;
}

static enum leg_status send_plain(struct leg *leg, struct slice bytes, size_t *sent)
{
    ssize_t result = send(leg->fd, bytes.data, bytes.len, MSG_NOSIGNAL);

    if (result >= 0) {
        *sent = (size_t)result;
        return LEG_READY;
    }
    if (errno == EAGAIN || errno == EINTR) {
        want_write(leg);
        return LEG_BLOCKED;
    }
    leg->is_unwritable = true;
    return LEG_BROKEN;
}

static enum leg_status send_tls(struct leg *leg, struct slice bytes, size_t *sent)
{
    forget_errors();
    leg_pool_hold(leg);
    int result = SSL_write_ex(leg->ssl, bytes.data, bytes.len, sent);

    if (result == 1)
        return LEG_READY;
    if (SSL_get_error(leg->ssl, result) == SSL_ERROR_SYSCALL) { /* the socket's, not of TLS */
        leg->is_unwritable = true;
        return LEG_BROKEN;
    }
    enum leg_status status = tls_status(leg, result);
    return status == LEG_EOF ? LEG_BROKEN : status;
}

static enum leg_status send_some(struct leg *leg, struct slice bytes, size_t *sent)
{
    *sent = 0;
    if (leg->fd < 0 || leg->is_broken || leg->is_unwritable)
        return LEG_BROKEN;
    return leg->ssl != NULL ? send_tls(leg, bytes, sent) : send_plain(leg, bytes, sent);
}

enum leg_status leg_flush(struct leg *leg)
{
    size_t sent;

    while (buffer_len(&leg->out) > 0) {
        enum leg_status status = send_some(leg, buffer_view(&leg->out), &sent);
        if (status != LEG_READY)
            return status;
        buffer_consume(&leg->out, sent);
    }
    return LEG_READY;
}

/* What fits beside bytes that already wait joins them, so that a head and its body share a record
 * and a system call. */
static enum error join_waiting(struct leg *leg, struct slice *bytes)
{
    size_t held = buffer_len(&leg->out);
    struct slice joining = slice_take(*bytes, held < TLS_RECORD_SIZE ? TLS_RECORD_SIZE - held : 0);

    *bytes = slice_skip(*bytes, joining.len);
    TRY(buffer_append(&leg->out, joining));
    return bytes->len > 0 && leg_flush(leg) == LEG_BROKEN ? ERR_CLOSED : OK;
}

/* Whole records go straight from the caller's memory; less waits for company. A retry after a block
 * must offer the same bytes to OpenSSL, hence the copy of what is left. */
enum error leg_write(struct leg *leg, struct slice bytes)
{
    size_t sent;

    if (leg->is_broken || leg->is_unwritable)
        return ERR_CLOSED;
    if (buffer_len(&leg->out) > 0)
        TRY(join_waiting(leg, &bytes));
    while (buffer_len(&leg->out) == 0 && bytes.len >= TLS_RECORD_SIZE) {
        enum leg_status status = send_some(leg, bytes, &sent);
        if (status == LEG_BROKEN)
            return ERR_CLOSED;
        bytes = slice_skip(bytes, sent);
        if (status == LEG_BLOCKED)
            break;
    }
    return buffer_append(&leg->out, bytes);
}

void leg_finish_writing(struct leg *leg)
{
    if (leg->fd < 0)
        return;
    if (leg->ssl != NULL && !leg->is_broken && !leg->is_unwritable &&
        SSL_is_init_finished(leg->ssl)) {
        ERR_clear_error();
        SSL_shutdown(leg->ssl);
    }
    shutdown(leg->fd, SHUT_WR);
}
