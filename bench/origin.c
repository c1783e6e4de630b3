/* SPDX-License-Identifier: Apache-2.0 */
/* An origin for what nginx does not do alone: it reads a request's body to its end before it
 * answers, and it sends events at fixed moments. One thread per connection; for loopback only. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MAX = 16 * 1024, PIECE = 64 * 1024, STACK = 256 * 1024, BACKLOG = 1024 };

/* What the command line says about /events. */
static struct {
    long interval_ms;
    unsigned long count;
} events;

static SSL_CTX *context;

struct request {
    char head[HEAD_MAX + 1];
    size_t len; /* of the head and what was read after it */
    size_t head_len;
};

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "origin: %s\n", what);
    exit(1);
}

static bool read_head(SSL *ssl, struct request *request)
{
    request->len = 0;
    while (request->len < HEAD_MAX) {
        int got = SSL_read(ssl, request->head + request->len, (int)(HEAD_MAX - request->len));
        if (got <= 0)
            return false;
        request->len += (size_t)got;
        request->head[request->len] = '\0';
        const char *end = strstr(request->head, "\r\n\r\n");
        if (end != NULL) {
            request->head_len = (size_t)(end - request->head) + 4;
            return true;
        }
    }
    return false;
}

/* The end of the body is enough to know: nothing is pipelined here. */
static bool read_chunked_body(SSL *ssl, struct request *request)
{
    static const char last[] = "\r\n0\r\n\r\n";
    enum { LAST = sizeof(last) - 1 };
    char window[LAST + 4096] = "";
    size_t early = request->len - request->head_len;
    size_t kept = early < LAST ? early : LAST;

    memcpy(window, request->head + request->len - kept, kept);
    while (kept < LAST || memcmp(window + kept - LAST, last, LAST) != 0) {
        size_t tail = kept < LAST ? kept : LAST;
        memmove(window, window + kept - tail, tail);
        int got = SSL_read(ssl, window + tail, 4096);
        if (got <= 0)
            return false;
        kept = tail + (size_t)got;
    }
    return true;
}

static bool read_body(SSL *ssl, struct request *request)
{
    const char *length = strcasestr(request->head, "\r\ncontent-length:");
    uint64_t left = length == NULL ? 0 : strtoull(length + 17, NULL, 10);
    uint64_t early = request->len - request->head_len;
    char *piece = malloc(PIECE);

    if (length == NULL && strcasestr(request->head, "\r\ntransfer-encoding:") != NULL) {
        free(piece);
        return read_chunked_body(ssl, request);
    }
    left -= early < left ? early : left;
    while (piece != NULL && left > 0) {
        int got = SSL_read(ssl, piece, left < PIECE ? (int)left : PIECE);
        if (got <= 0)
            break;
        left -= (uint64_t)got;
    }
    free(piece);
    return left == 0;
}

static bool say(SSL *ssl, const char *text)
{
    return SSL_write(ssl, text, (int)strlen(text)) > 0;
}

static bool answer_done(SSL *ssl)
{
    return say(ssl,
               "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\ndone\n");
}

static bool say_event(SSL *ssl)
{
    struct timespec now;
    char event[64], chunk[96];

    clock_gettime(CLOCK_MONOTONIC, &now);
    int len =
        snprintf(event, sizeof(event), "data: %lld%09ld\n\n", (long long)now.tv_sec, now.tv_nsec);
    snprintf(chunk, sizeof(chunk), "%x\r\n%s\r\n", (unsigned)len, event);
    return say(ssl, chunk);
}

static void pause_ms(long milliseconds)
{
    struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};

    nanosleep(&pause, NULL);
}

/* "/quiet" says one event and then nothing for as long as the peer stays. */
static bool answer_events(SSL *ssl, bool is_quiet)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                               "Cache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n";
    char byte;

    if (!say(ssl, head) || !say_event(ssl))
        return false;
    if (is_quiet)
        return SSL_read(ssl, &byte, 1) > 0;
    for (unsigned long i = 1; i < events.count; i++) {
        pause_ms(events.interval_ms);
        if (!say_event(ssl))
            return false;
    }
    return say(ssl, "0\r\n\r\n");
}

static bool answer(SSL *ssl, struct request *request)
{
    if (!read_head(ssl, request) || !read_body(ssl, request))
        return false;
    if (strncmp(request->head, "GET /events", 11) == 0)
        return answer_events(ssl, false);
    if (strncmp(request->head, "GET /quiet", 10) == 0)
        return answer_events(ssl, true);
    return answer_done(ssl);
}

static void *serve(void *argument)
{
    int fd = (int)(intptr_t)argument;
    struct request *request = malloc(sizeof(*request));
    SSL *ssl = SSL_new(context);
    int one = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (request != NULL && ssl != NULL && SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1) {
        while (answer(ssl, request))
            ;
    }
    SSL_free(ssl);
    free(request);
    close(fd);
    return NULL;
}

static int listen_on(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    must(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "cannot bind");
    must(listen(fd, BACKLOG) == 0, "cannot listen");
    return fd;
}

static void accept_for_ever(int listener)
{
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK);
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        if (pthread_create(&thread, &attributes, serve, (void *)(intptr_t)fd) != 0)
            close(fd);
    }
}

int main(int count, char **arguments)
{
    must(count == 6, "usage: origin PORT CERTIFICATE KEY INTERVAL_MS EVENTS");
    events.interval_ms = strtol(arguments[4], NULL, 10);
    events.count = strtoul(arguments[5], NULL, 10);
    must(events.interval_ms > 0 && events.interval_ms < 60000 && events.count > 0, "bad events");
    signal(SIGPIPE, SIG_IGN);
    context = SSL_CTX_new(TLS_server_method());
    must(context != NULL, "no TLS");
    must(SSL_CTX_use_certificate_chain_file(context, arguments[2]) == 1, "bad certificate");
    must(SSL_CTX_use_PrivateKey_file(context, arguments[3], SSL_FILETYPE_PEM) == 1, "bad key");
    SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY | SSL_MODE_RELEASE_BUFFERS);
    accept_for_ever(listen_on((uint16_t)strtoul(arguments[1], NULL, 10)));
    return 0;
}
