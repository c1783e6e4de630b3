/* SPDX-License-Identifier: Apache-2.0 */
/* One connection, state by state. Never accepts a certificate that does not verify: a proxy that
 * fails to intercept must not look fast. */
#include "bench/load_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 64 * 1024 };

/* What is sent up and where everything is read to: one thread, one connection at a time. */
static char piece[PIECE];
static char body_piece[PIECE];

enum progress { MOVED, BLOCKED };

static enum progress fail(struct load_client *client, const char *failure)
{
    client->state = LOAD_CLIENT_FAILED;
    client->failure = failure;
    return BLOCKED;
}

static struct sockaddr_in address_of(const struct load_options *options)
{
    bool is_direct = options->proxy_address == NULL;
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(is_direct ? options->port : options->proxy_port),
    };

    inet_pton(AF_INET, is_direct ? options->address : options->proxy_address, &address.sin_addr);
    return address;
}

void load_client_open(struct load_client *client, const struct load_options *options,
                      SSL_CTX *context, const char *host, SSL_SESSION *session)
{
    struct sockaddr_in address = address_of(options);
    int one = 1;

    client->options = options;
    client->failure = NULL;
    client->wants_write = true;
    client->watched = 0;
    client->state = LOAD_CLIENT_CONNECTING;
    load_body_begin(&client->body);
    snprintf(client->host, sizeof(client->host), "%s", host);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    client->ssl = SSL_new(context);
    if (client->fd < 0 || client->ssl == NULL) {
        fail(client, "out of sockets or memory");
        return;
    }
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    SSL_set_fd(client->ssl, client->fd);
    SSL_set_connect_state(client->ssl);
    SSL_set_tlsext_host_name(client->ssl, client->host);
    SSL_set1_host(client->ssl, client->host);
    if (session != NULL)
        SSL_set_session(client->ssl, session);
    if (connect(client->fd, (struct sockaddr *)&address, sizeof(address)) != 0 &&
        errno != EINPROGRESS)
        fail(client, "connect failed");
}

/* "user:password" in base64, for Proxy-Authorization. */
static void write_credentials(struct load_client *client)
{
    const char *auth = client->options->auth;
    unsigned char encoded[512] = "";

    if (auth == NULL || strlen(auth) > 300)
        return;
    EVP_EncodeBlock(encoded, (const unsigned char *)auth, (int)strlen(auth));
    client->out_len += (size_t)snprintf(client->out + client->out_len, 600,
                                        "Proxy-Authorization: Basic %s\r\n", encoded);
}

static void write_connect(struct load_client *client)
{
    client->out_sent = 0;
    client->out_len =
        (size_t)snprintf(client->out, 1024, "CONNECT %s:%u HTTP/1.1\r\nHost: %s:%u\r\n",
                         client->host, client->options->port, client->host, client->options->port);
    write_credentials(client);
    memcpy(client->out + client->out_len, "\r\n", 2);
    client->out_len += 2;
}

static enum progress step_connecting(struct load_client *client)
{
    int error = 0;
    socklen_t len = sizeof(error);
    struct sockaddr_in peer;
    socklen_t peer_len = sizeof(peer);

    getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error != 0)
        return fail(client, "connect failed");
    if (getpeername(client->fd, (struct sockaddr *)&peer, &peer_len) != 0)
        return BLOCKED;
    client->wants_write = false;
    if (client->options->proxy_address == NULL) {
        client->state = LOAD_CLIENT_GREETING;
        return MOVED;
    }
    write_connect(client);
    client->state = LOAD_CLIENT_ASKING;
    return MOVED;
}

/* A fresh socket takes a CONNECT whole. */
static enum progress step_asking(struct load_client *client)
{
    if (send(client->fd, client->out, client->out_len, MSG_NOSIGNAL) != (ssize_t)client->out_len)
        return fail(client, "CONNECT was not sent");
    client->out_len = 0;
    client->state = LOAD_CLIENT_TUNNELLING;
    return MOVED;
}

/* The proxy says nothing after its head until we have greeted. */
static enum progress step_tunnelling(struct load_client *client)
{
    size_t room = sizeof(client->out) - 1 - client->out_len;
    ssize_t got = recv(client->fd, client->out + client->out_len, room, 0);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return BLOCKED;
    if (got <= 0)
        return fail(client, "the proxy closed before it answered CONNECT");
    client->out_len += (size_t)got;
    client->out[client->out_len] = '\0';
    if (strstr(client->out, "\r\n\r\n") == NULL)
        return MOVED;
    if (strncmp(client->out, "HTTP/1.", 7) != 0 || strncmp(client->out + 8, " 200", 4) != 0)
        return fail(client, "CONNECT was refused");
    client->state = LOAD_CLIENT_GREETING;
    return MOVED;
}

static enum progress wait_for_tls(struct load_client *client, int result, const char *failure)
{
    int error = SSL_get_error(client->ssl, result);

    client->wants_write = error == SSL_ERROR_WANT_WRITE;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return BLOCKED;
    ERR_clear_error();
    return fail(client, failure);
}

static enum progress step_greeting(struct load_client *client)
{
    int result = SSL_connect(client->ssl);

    if (result != 1)
        return wait_for_tls(client, result,
                            SSL_get_verify_result(client->ssl) == X509_V_OK
                                ? "the TLS handshake failed"
                                : "the certificate does not verify");
    client->wants_write = false;
    client->state = LOAD_CLIENT_READY;
    return BLOCKED;
}

void load_client_request(struct load_client *client)
{
    const struct load_options *options = client->options;
    char length[64] = "";

    if (options->upload > 0)
        snprintf(length, sizeof(length), "Content-Length: %llu\r\n",
                 (unsigned long long)options->upload);
    client->out_len = (size_t)snprintf(
        client->out, sizeof(client->out),
        "%s %s HTTP/1.1\r\nHost: %s:%u\r\nUser-Agent: load\r\nAccept: */*\r\n%s%s\r\n",
        options->upload > 0 ? "POST" : "GET", options->path, client->host, options->port,
        options->headers, length);
    client->out_sent = 0;
    client->upload_left = options->upload;
    client->state = LOAD_CLIENT_SENDING;
    load_body_begin(&client->body);
}

/* SSL_write() may be repeated with other memory: the mode of the context says so. */
static enum progress step_sending(struct load_client *client)
{
    bool is_head = client->out_sent < client->out_len;
    size_t len = is_head                       ? client->out_len - client->out_sent
                 : client->upload_left < PIECE ? (size_t)client->upload_left
                                               : PIECE;

    if (len == 0) {
        client->wants_write = false;
        client->state = LOAD_CLIENT_RECEIVING;
        return MOVED;
    }
    int sent =
        SSL_write(client->ssl, is_head ? client->out + client->out_sent : body_piece, (int)len);
    if (sent <= 0)
        return wait_for_tls(client, sent, "sending failed");
    client->out_sent += is_head ? (size_t)sent : 0;
    client->upload_left -= is_head ? 0 : (uint64_t)sent;
    return MOVED;
}

static enum progress end_of_connection(struct load_client *client, int result)
{
    if (SSL_get_error(client->ssl, result) != SSL_ERROR_ZERO_RETURN)
        return wait_for_tls(client, result, "the connection broke in a response");
    if (!load_body_ends_here(&client->body))
        return fail(client, "the connection closed in a response");
    client->state = LOAD_CLIENT_ANSWERED;
    return BLOCKED;
}

static enum progress step_receiving(struct load_client *client)
{
    int got = SSL_read(client->ssl, piece, sizeof(piece));

    if (got <= 0)
        return end_of_connection(client, got);
    size_t used = load_body_feed(&client->body, piece, (size_t)got);
    if (client->body.state == LOAD_BODY_BROKEN || used < (size_t)got)
        return fail(client, "the response cannot be read");
    if (client->body.status != 0 && client->body.status != 200)
        return fail(client, "a status other than 200");
    if (client->body.state != LOAD_BODY_COMPLETE)
        return MOVED;
    client->state = LOAD_CLIENT_ANSWERED;
    return BLOCKED;
}

/* Between responses there is nothing to read but session tickets and the end. */
static enum progress step_ready(struct load_client *client)
{
    int got = SSL_read(client->ssl, piece, 1);

    return got > 0 ? fail(client, "bytes that nobody asked for")
                   : wait_for_tls(client, got, "closed between requests");
}

static enum progress step_none(struct load_client *client)
{
    (void)client;
    return BLOCKED;
}

static enum progress (*const steps[])(struct load_client *) = {
    [LOAD_CLIENT_CLOSED] = step_none,       [LOAD_CLIENT_CONNECTING] = step_connecting,
    [LOAD_CLIENT_ASKING] = step_asking,     [LOAD_CLIENT_TUNNELLING] = step_tunnelling,
    [LOAD_CLIENT_GREETING] = step_greeting, [LOAD_CLIENT_READY] = step_ready,
    [LOAD_CLIENT_SENDING] = step_sending,   [LOAD_CLIENT_RECEIVING] = step_receiving,
    [LOAD_CLIENT_ANSWERED] = step_none,     [LOAD_CLIENT_FAILED] = step_none,
};

void load_client_step(struct load_client *client)
{
    while (steps[client->state](client) == MOVED)
        ;
}

void load_client_rest(struct load_client *client)
{
    client->state = LOAD_CLIENT_READY;
}

void load_client_close(struct load_client *client)
{
    bool is_healthy = client->state == LOAD_CLIENT_READY || client->state == LOAD_CLIENT_ANSWERED;

    if (client->state == LOAD_CLIENT_CLOSED)
        return;
    if (is_healthy && client->ssl != NULL)
        SSL_shutdown(client->ssl);
    SSL_free(client->ssl);
    if (client->fd >= 0)
        close(client->fd);
    client->ssl = NULL;
    client->fd = -1;
    client->state = LOAD_CLIENT_CLOSED;
}
