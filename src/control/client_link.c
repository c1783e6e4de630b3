/* SPDX-License-Identifier: Apache-2.0 */
/* Connects to a control API. Never speaks TLS with an unverified peer. */
#include "control/client_link.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

static const char *system_text(int system_error)
{
    const char *text = strerrordesc_np(system_error);

    return text == NULL ? "unknown error" : text;
}

enum error client_url_parse(struct slice text, struct client_url *out)
{
    struct client_url url = {.is_tls = slice_starts_with_nocase(text, SLICE("https://"))};

    if (!url.is_tls && !slice_starts_with_nocase(text, SLICE("http://")))
        return ERR_SYNTAX;
    struct slice rest = slice_skip(text, url.is_tls ? 8 : 7);
    url.host_text = slice_take(rest, slice_find(rest, '/'));
    url.prefix = slice_skip(rest, url.host_text.len);
    while (url.prefix.len > 0 && url.prefix.data[url.prefix.len - 1] == '/')
        url.prefix.len--;
    for (size_t i = 0; i < url.prefix.len; i++) {
        if (url.prefix.data[i] <= 0x20 || strchr("?#\x7f", url.prefix.data[i]) != NULL)
            return ERR_SYNTAX;
    }
    TRY(authority_parse(url.host_text, url.is_tls ? 443 : 80, &url.authority));
    *out = url;
    return OK;
}

static void set_timeouts(int fd)
{
    const struct timeval limit = {.tv_sec = CLIENT_TIMEOUT_S};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

static enum error connect_to(struct client_link *link, const struct sockaddr *address,
                             socklen_t len)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return ERR_SYSTEM;
    set_timeouts(fd);
    if (connect(fd, address, len) != 0) {
        int failure = errno;

        close(fd);
        errno = failure;
        return ERR_CONNECT;
    }
    link->fd = fd;
    return OK;
}

enum error client_link_open_socket(struct client_link *link, const char *path,
                                   char problem[CLIENT_PROBLEM_MAX])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    signal(SIGPIPE, SIG_IGN);
    if (strlen(path) >= sizeof(address.sun_path)) {
        snprintf(problem, CLIENT_PROBLEM_MAX, "the path %s is too long for a socket", path);
        return ERR_TOO_LARGE;
    }
    strcpy(address.sun_path, path);
    enum error error = connect_to(link, (const struct sockaddr *)&address, sizeof(address));
    if (error != OK)
        snprintf(problem, CLIENT_PROBLEM_MAX,
                 "cannot reach %s (%s): is `sealgate serve` running, and with this data directory?",
                 path, system_text(errno));
    return error;
}

static enum error connect_any(struct client_link *link, const struct addrinfo *list)
{
    enum error error = ERR_CONNECT;

    for (const struct addrinfo *entry = list; entry != NULL && error != OK; entry = entry->ai_next)
        error = connect_to(link, entry->ai_addr, entry->ai_addrlen);
    return error;
}

static enum error connect_host(struct client_link *link, const struct authority *authority,
                               char problem[CLIENT_PROBLEM_MAX])
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char port[8];

    snprintf(port, sizeof(port), "%u", authority->port);
    int failure = getaddrinfo(authority->host.text, port, &hints, &list);
    if (failure != 0) {
        snprintf(problem, CLIENT_PROBLEM_MAX, "cannot resolve %s: %s", authority->host.text,
                 gai_strerror(failure));
        return ERR_DNS;
    }
    enum error error = connect_any(link, list);
    if (error != OK)
        snprintf(problem, CLIENT_PROBLEM_MAX, "cannot connect to %s port %s: %s",
                 authority->host.text, port, system_text(errno));
    freeaddrinfo(list);
    return error;
}

static bool expect_host(SSL *ssl, const struct host_name *host)
{
    X509_VERIFY_PARAM *parameters = SSL_get0_param(ssl);

    if (host_name_is_literal(host))
        return X509_VERIFY_PARAM_set1_ip(parameters, host->literal.bytes, host->literal.len) == 1;
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(parameters, host->text, host->len) == 1 &&
           SSL_set_tlsext_host_name(ssl, host->text) == 1;
}

static enum error make_tls(struct client_link *link, const struct host_name *host)
{
    link->context = SSL_CTX_new(TLS_client_method());
    if (link->context == NULL || SSL_CTX_set_default_verify_paths(link->context) != 1 ||
        SSL_CTX_set_min_proto_version(link->context, TLS1_2_VERSION) != 1)
        return ERR_CRYPTO;
    SSL_CTX_set_verify(link->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_options(link->context, SSL_OP_CLEANSE_PLAINTEXT);
    link->ssl = SSL_new(link->context);
    if (link->ssl == NULL || SSL_set_fd(link->ssl, link->fd) != 1 || !expect_host(link->ssl, host))
        return ERR_CRYPTO;
    return OK;
}

static enum error shake_hands(struct client_link *link, const struct host_name *host,
                              char problem[CLIENT_PROBLEM_MAX])
{
    if (SSL_connect(link->ssl) == 1)
        return OK;

    long verdict = SSL_get_verify_result(link->ssl);
    const char *why = verdict != X509_V_OK ? X509_verify_cert_error_string(verdict)
                                           : ERR_reason_error_string(ERR_peek_error());
    snprintf(problem, CLIENT_PROBLEM_MAX, "the TLS handshake with %s failed: %s", host->text,
             why == NULL ? "the connection ended" : why);
    return ERR_TLS;
}

enum error client_link_open_url(struct client_link *link, const struct client_url *url,
                                char problem[CLIENT_PROBLEM_MAX])
{
    signal(SIGPIPE, SIG_IGN);
    TRY(connect_host(link, &url->authority, problem));
    if (!url->is_tls)
        return OK;
    enum error error = make_tls(link, &url->authority.host);
    if (error != OK) {
        snprintf(problem, CLIENT_PROBLEM_MAX, "TLS could not be set up");
        return error;
    }
    return shake_hands(link, &url->authority.host, problem);
}

void client_link_close(struct client_link *link)
{
    SSL_free(link->ssl);
    SSL_CTX_free(link->context);
    if (link->fd >= 0)
        close(link->fd);
    *link = (struct client_link){.fd = -1};
}

enum error client_link_write(struct client_link *link, struct slice bytes)
{
    while (bytes.len > 0) {
        size_t wrote = 0;

        if (link->ssl != NULL) {
            if (SSL_write_ex(link->ssl, bytes.data, bytes.len, &wrote) != 1)
                return ERR_CLOSED;
        } else {
            ssize_t result = send(link->fd, bytes.data, bytes.len, MSG_NOSIGNAL);

            if (result < 0 && errno == EINTR)
                continue;
            if (result < 0)
                return errno == EAGAIN ? ERR_TIMEOUT : ERR_CLOSED;
            wrote = (size_t)result;
        }
        bytes = slice_skip(bytes, wrote);
    }
    return OK;
}

static enum error read_tls(struct client_link *link, char *into, size_t size, size_t *out_len)
{
    errno = 0;
    if (SSL_read_ex(link->ssl, into, size, out_len) == 1)
        return OK;
    *out_len = 0;
    if (SSL_get_error(link->ssl, 0) == SSL_ERROR_ZERO_RETURN)
        return OK;
    return errno == EAGAIN ? ERR_TIMEOUT : ERR_CLOSED;
}

enum error client_link_read(struct client_link *link, char *into, size_t size, size_t *out_len)
{
    if (link->ssl != NULL)
        return read_tls(link, into, size, out_len);
    for (;;) {
        ssize_t result = recv(link->fd, into, size, 0);

        if (result >= 0) {
            *out_len = (size_t)result;
            return OK;
        }
        if (errno != EINTR)
            return errno == EAGAIN ? ERR_TIMEOUT : ERR_CLOSED;
    }
}
