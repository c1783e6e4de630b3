/* SPDX-License-Identifier: Apache-2.0 */
/* A BIO on a leg. Never blocks and never raises SIGPIPE. */
#include "proxy/leg_bio.h"

#include "proxy/leg.h"

#include <errno.h>
#include <sys/socket.h>

static int read_early(struct leg *leg, char *data, size_t len)
{
    struct slice early = slice_take(buffer_view(&leg->early), len);

    memcpy(data, early.data, early.len);
    buffer_consume(&leg->early, early.len);
    if (buffer_len(&leg->early) == 0)
        buffer_clear(&leg->early);
    return (int)early.len;
}

static int bio_read(BIO *bio, char *data, int len)
{
    struct leg *leg = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (buffer_len(&leg->early) > 0)
        return read_early(leg, data, (size_t)len);
    if (leg->is_drained) {
        BIO_set_retry_read(bio);
        return -1;
    }
    ssize_t got = recv(leg->fd, data, (size_t)len, 0);
    leg->is_drained = got < len && got != 0;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_read(bio);
    return (int)got;
}

static int bio_write(BIO *bio, const char *data, int len)
{
    struct leg *leg = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    ssize_t sent = send(leg->fd, data, (size_t)len, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_write(bio);
    return (int)sent;
}

static long bio_control(UNUSED BIO *bio, int command, UNUSED long number, UNUSED void *pointer)
{
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *leg_method(void)
{
    static BIO_METHOD *method;

    if (method == NULL) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "leg");
        if (method == NULL)
            return NULL;
        BIO_meth_set_read(method, bio_read);
        BIO_meth_set_write(method, bio_write);
        BIO_meth_set_ctrl(method, bio_control);
    }
    return method;
}

BIO *leg_bio_new(struct leg *leg)
{
    BIO_METHOD *method = leg_method();
    BIO *bio = method != NULL ? BIO_new(method) : NULL;

    if (bio == NULL)
        return NULL;
    BIO_set_data(bio, leg);
    BIO_set_init(bio, 1);
    return bio;
}
