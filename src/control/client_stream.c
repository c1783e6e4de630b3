/* SPDX-License-Identifier: Apache-2.0 */
/* Connects the command line to the API. Never goes on without having verified who is there. */

#include "control/client_stream.h"

#include "base/ip_address.h"
#include "control/client.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static enum error stream_open(int family, struct client_stream *out)
{
    const struct timeval limit = {CLIENT_TIMEOUT_S, 0};
    out->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (out->fd < 0)
        return ERR_SYSTEM;
    setsockopt(out->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(out->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return OK;
}

enum error client_stream_connect_local(const char *path, struct client_stream *out)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len >= sizeof address.sun_path)
        return ERR_TOO_LARGE;
    memcpy(address.sun_path, path, len);
    TRY(stream_open(AF_UNIX, out));
    if (connect(out->fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return ERR_CONNECT;
    return OK;
}

enum error client_stream_connect(const char *host, const char *port, struct client_stream *out)
{
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    if (getaddrinfo(host, port, &wanted, &found) != 0)
        return ERR_DNS;
    enum error error = ERR_CONNECT;
    for (const struct addrinfo *each = found; each != NULL && error != OK; each = each->ai_next) {
        client_stream_close(out);
        error = stream_open(each->ai_family, out);
        if (error == OK && connect(out->fd, each->ai_addr, each->ai_addrlen) != 0)
            error = ERR_CONNECT;
    }
    freeaddrinfo(found);
    return error;
}

static bool trust_roots(SSL_CTX *context, const char *ca_file)
{
    return ca_file == NULL ? SSL_CTX_set_default_verify_paths(context) == 1
                           : SSL_CTX_load_verify_file(context, ca_file) == 1;
}

static bool expect_name(SSL *ssl, const char *host)
{
    struct ip_address literal;
    if (ip_address_parse(slice_from_string(host), &literal) == OK)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

enum error client_stream_start_tls(struct client_stream *stream, const char *host,
                                   const char *ca_file)
{
    stream->context = SSL_CTX_new(TLS_client_method());
    if (stream->context == NULL)
        return ERR_NO_MEMORY;
    SSL_CTX_set_verify(stream->context, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_set_min_proto_version(stream->context, TLS1_2_VERSION) != 1 ||
        !trust_roots(stream->context, ca_file))
        return ERR_TLS;
    stream->ssl = SSL_new(stream->context);
    if (stream->ssl == NULL || !expect_name(stream->ssl, host) ||
        SSL_set_fd(stream->ssl, stream->fd) != 1)
        return ERR_TLS;
    SSL_set_options(stream->ssl, SSL_OP_CLEANSE_PLAINTEXT);
    if (SSL_connect(stream->ssl) == 1)
        return OK;
    return SSL_get_verify_result(stream->ssl) == X509_V_OK ? ERR_TLS : ERR_TLS_UNTRUSTED;
}

void client_stream_close(struct client_stream *stream)
{
    SSL_free(stream->ssl);
    SSL_CTX_free(stream->context);
    if (stream->fd >= 0)
        close(stream->fd);
    *stream = (struct client_stream){.fd = -1};
}

static enum error error_of_errno(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK ? ERR_TIMEOUT : ERR_CLOSED;
}

static enum error write_some(struct client_stream *stream, struct slice bytes, size_t *count)
{
    if (stream->ssl != NULL)
        return SSL_write_ex(stream->ssl, bytes.data, bytes.len, count) == 1 ? OK : ERR_TLS;
    ssize_t result = send(stream->fd, bytes.data, bytes.len, MSG_NOSIGNAL);
    if (result <= 0)
        return error_of_errno();
    *count = (size_t)result;
    return OK;
}

enum error client_stream_write(struct client_stream *stream, struct slice bytes)
{
    while (bytes.len > 0) {
        size_t count;
        TRY(write_some(stream, bytes, &count));
        bytes = slice_skip(bytes, count);
    }
    return OK;
}

static enum error read_tls(struct client_stream *stream, char *bytes, size_t size, size_t *count)
{
    *count = 0;
    if (SSL_read_ex(stream->ssl, bytes, size, count) == 1 ||
        SSL_get_error(stream->ssl, 0) == SSL_ERROR_ZERO_RETURN)
        return OK;
    return error_of_errno() == ERR_TIMEOUT ? ERR_TIMEOUT : ERR_TLS;
}

enum error client_stream_read(struct client_stream *stream, char *bytes, size_t size, size_t *count)
{
    if (stream->ssl != NULL)
        return read_tls(stream, bytes, size, count);
    ssize_t result = recv(stream->fd, bytes, size, 0);
    if (result < 0)
        return error_of_errno();
    *count = (size_t)result;
    return OK;
}
