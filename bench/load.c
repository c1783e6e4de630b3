/* SPDX-License-Identifier: Apache-2.0 */
/* A load generator for HTTP/1.1 over TLS, through CONNECT or direct: one thread, one JSON line. It
 * knows nothing of the proxy it measures, and counts a response only when it is a whole 200. */
#include "bench/load_client.h"
#include "bench/load_samples.h"

#include <errno.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, FAILURES_MAX = 20, OPENING_MAX = 64, EVENT_DIGITS_MAX = 20 };

struct load {
    struct load_options options;
    SSL_CTX *context;
    SSL_SESSION *session; /* the last one that a peer gave */
    int epoll, timer;
    struct load_client *clients;
    unsigned opened;  /* clients that were opened at least once */
    unsigned settled; /* connections that have had their first response */
    bool is_begun;    /* measuring: without a gate from the start */
    uint64_t started, finished, failed, resumed, bytes, names;
    uint64_t began_ns, ended_ns;
    uint64_t due; /* RATE: requests whose moment has come */
    const char *failure;
    struct load_samples samples;
};

/* OpenSSL's callback for new sessions has no better place for it. */
static struct load *the_load;

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "load: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(the_load->session);
    the_load->session = session;
    return 1;
}

static void context_open(struct load *load)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    must(context != NULL, "no TLS");
    must(SSL_CTX_load_verify_locations(context, load->options.ca_file, NULL) == 1, "bad --ca");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    must(SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") == 1, "no AES-128-GCM");
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    if (load->options.resumes) {
        SSL_CTX_set_session_cache_mode(context,
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
        SSL_CTX_sess_set_new_cb(context, on_session);
    }
    load->context = context;
}

static void watch(struct load *load, struct load_client *client)
{
    uint32_t wanted = client->wants_write ? EPOLLOUT : EPOLLIN;
    struct epoll_event event = {.events = wanted, .data.ptr = client};

    if (client->fd < 0 || client->watched == wanted)
        return;
    must(epoll_ctl(load->epoll, client->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, client->fd,
                   &event) == 0,
         "epoll_ctl");
    client->watched = wanted;
}

/* An event of a stream is "data: NANOSECONDS": when it left the origin. */
static void on_event_bytes(void *owner, const char *bytes, size_t len)
{
    struct load *load = owner;
    uint64_t now = now_ns();
    const char *at = bytes;
    const char *end = bytes + len;

    while ((at = memmem(at, (size_t)(end - at), "data: ", 6)) != NULL) {
        char digits[EVENT_DIGITS_MAX + 1] = "";
        size_t left = (size_t)(end - at) - 6;
        memcpy(digits, at + 6, left < EVENT_DIGITS_MAX ? left : EVENT_DIGITS_MAX);
        uint64_t sent = strtoull(digits, NULL, 10);
        if (load->is_begun && sent != 0 && sent <= now)
            load_samples_add(&load->samples, now - sent);
        at += 6;
    }
}

static bool is_per_connection(const struct load *load)
{
    return load->options.mode == LOAD_CONNECT || load->options.mode == LOAD_NEWHOST;
}

static void open_client(struct load *load, struct load_client *client)
{
    char host[LOAD_CLIENT_HOST_MAX];

    if (load->options.mode == LOAD_NEWHOST)
        snprintf(host, sizeof(host), "h%llx-%llu.%s", (unsigned long long)load->began_ns,
                 (unsigned long long)load->names++, load->options.host);
    else
        snprintf(host, sizeof(host), "%s", load->options.host);
    client->began_ns = now_ns();
    client->body.owner = load;
    client->body.on_bytes = load->options.mode == LOAD_SSE ? on_event_bytes : NULL;
    load_client_open(client, &load->options, load->context, host,
                     load->options.resumes ? load->session : NULL);
    load->started += is_per_connection(load);
    watch(load, client);
}

static uint64_t period_ns(const struct load *load)
{
    return 1000000000 / load->options.rate;
}

static void begin(struct load *load)
{
    load->is_begun = true;
    load->began_ns = now_ns();
    if (load->options.mode != LOAD_RATE)
        return;
    struct timespec period = {(time_t)(period_ns(load) / 1000000000),
                              (long)(period_ns(load) % 1000000000)};
    struct itimerspec times = {period, period};
    must(timerfd_settime(load->timer, 0, &times, NULL) == 0, "timerfd_settime");
}

static void send_request(struct load *load, struct load_client *client, uint64_t began_ns)
{
    load->started += load->is_begun && !is_per_connection(load);
    client->began_ns = began_ns;
    load_client_request(client);
    load_client_step(client);
}

/* When the request that is next in line should have left. */
static uint64_t scheduled_ns(const struct load *load)
{
    return load->began_ns + (load->started + 1) * period_ns(load);
}

static bool may_start(const struct load *load)
{
    if (load->options.mode == LOAD_IDLE || !load->is_begun ||
        load->started >= load->options.requests)
        return false;
    return load->options.mode != LOAD_RATE || load->started < load->due;
}

/* The client can take a request: give it one if there is one. */
static void feed(struct load *load, struct load_client *client)
{
    if (may_start(load))
        send_request(load, client, load->options.mode == LOAD_RATE ? scheduled_ns(load) : now_ns());
}

static void on_first_answer(struct load *load)
{
    load->settled++;
    if (load->opened < load->options.connections)
        open_client(load, &load->clients[load->opened++]);
}

static void count_answer(struct load *load, const struct load_client *client)
{
    load->finished++;
    load->bytes += client->body.received + load->options.upload;
    if (load->options.mode != LOAD_SSE)
        load_samples_add(&load->samples, now_ns() - client->began_ns);
    load->ended_ns = now_ns();
}

static void reopen(struct load *load, struct load_client *client)
{
    load->resumed += (uint64_t)SSL_session_reused(client->ssl);
    load_client_close(client);
    if (load->started < load->options.requests)
        open_client(load, client);
}

static void on_answered(struct load *load, struct load_client *client)
{
    if (is_per_connection(load)) {
        count_answer(load, client);
        reopen(load, client);
        return;
    }
    bool is_first = !load->is_begun;
    load_client_rest(client);
    if (is_first)
        on_first_answer(load);
    else
        count_answer(load, client);
}

static void on_failed(struct load *load, struct load_client *client)
{
    load->failed++;
    load->failure = client->failure;
    load_client_close(client);
    if (load->failed > FAILURES_MAX || !is_per_connection(load))
        must(false, load->failure);
    if (load->started < load->options.requests)
        open_client(load, client);
}

/* A response that never ends counts as settled once its body has begun. */
static bool is_held(const struct load *load, const struct load_client *client)
{
    return load->options.holds_response && client->state == LOAD_CLIENT_RECEIVING &&
           client->body.received > 0 && client->began_ns != 0;
}

static void on_client(struct load *load, struct load_client *client)
{
    do {
        load_client_step(client);
        if (client->state == LOAD_CLIENT_ANSWERED)
            on_answered(load, client);
        else if (client->state == LOAD_CLIENT_FAILED)
            on_failed(load, client);
        if (client->state == LOAD_CLIENT_READY && client->body.status == 0)
            send_request(load, client, client->began_ns);
        else if (client->state == LOAD_CLIENT_READY)
            feed(load, client);
    } while (client->state == LOAD_CLIENT_ANSWERED || client->state == LOAD_CLIENT_FAILED);
    if (is_held(load, client)) {
        client->began_ns = 0; /* counted once */
        on_first_answer(load);
    }
    watch(load, client);
}

static void feed_all(struct load *load)
{
    for (unsigned i = 0; i < load->opened && may_start(load); i++) {
        struct load_client *client = &load->clients[i];
        if (client->state == LOAD_CLIENT_READY)
            on_client(load, client);
    }
}

static void on_timer(struct load *load)
{
    uint64_t ticks;

    if (read(load->timer, &ticks, sizeof(ticks)) == sizeof(ticks))
        load->due += ticks;
    feed_all(load);
}

static void turn(struct load *load)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(load->epoll, events, EVENTS, 1000);

    must(count >= 0 || errno == EINTR, "epoll_wait");
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == NULL)
            on_timer(load);
        else
            on_client(load, events[i].data.ptr);
    }
}

static void open_all(struct load *load)
{
    struct epoll_event event = {.events = EPOLLIN};

    load->clients = calloc(load->options.connections, sizeof(*load->clients));
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    must(load->clients != NULL && load->epoll >= 0 && load->timer >= 0, "out of memory or files");
    must(epoll_ctl(load->epoll, EPOLL_CTL_ADD, load->timer, &event) == 0, "epoll_ctl");
    for (unsigned i = 0; i < load->options.connections; i++)
        load->clients[i].fd = -1;
    while (load->opened < load->options.connections && load->opened < OPENING_MAX)
        open_client(load, &load->clients[load->opened++]);
}

static void wait_for_line(void)
{
    char line[16];

    if (fgets(line, sizeof(line), stdin) == NULL)
        clearerr(stdin);
}

/* Connections that stay open are opened, and have had an answer, before anything is counted. */
static void settle(struct load *load)
{
    open_all(load);
    while (load->settled < load->options.connections)
        turn(load);
    if (!load->options.is_gated)
        return;
    puts("ready");
    fflush(stdout);
    wait_for_line();
}

static void print_result(struct load *load)
{
    double seconds = (double)(load->ended_ns - load->began_ns) / 1e9;

    printf("{\"mode\": \"%s\", \"connections\": %u, \"requests\": %llu, \"failed\": %llu, "
           "\"resumed\": %llu, \"bytes\": %llu, \"seconds\": %.6f, \"p50_us\": %.1f, "
           "\"p99_us\": %.1f, \"max_us\": %.1f}\n",
           load->options.mode_name, load->options.connections, (unsigned long long)load->finished,
           (unsigned long long)load->failed, (unsigned long long)load->resumed,
           (unsigned long long)load->bytes, load->finished > 0 ? seconds : 0,
           load_samples_percentile(&load->samples, 0.5),
           load_samples_percentile(&load->samples, 0.99),
           load_samples_percentile(&load->samples, 1.0));
}

static void run_connections(struct load *load)
{
    if (load->options.is_gated) {
        puts("ready");
        fflush(stdout);
        wait_for_line();
    }
    begin(load);
    if (load->options.connections > load->options.requests)
        load->options.connections = (unsigned)load->options.requests;
    open_all(load);
    while (load->finished + load->failed < load->options.requests)
        turn(load);
}

static void run_requests(struct load *load)
{
    settle(load);
    begin(load);
    feed_all(load);
    while (load->options.mode != LOAD_IDLE && load->finished < load->options.requests)
        turn(load);
}

static void close_all(struct load *load)
{
    for (unsigned i = 0; i < load->opened; i++)
        load_client_close(&load->clients[i]);
    free(load->clients);
    load_samples_clear(&load->samples);
    SSL_SESSION_free(load->session);
    SSL_CTX_free(load->context);
    close(load->epoll);
    close(load->timer);
}

int main(int count, char **arguments)
{
    struct load load = {0};

    load_options_parse(&load.options, count, arguments);
    signal(SIGPIPE, SIG_IGN);
    alarm(load.options.seconds);
    the_load = &load;
    context_open(&load);
    if (is_per_connection(&load))
        run_connections(&load);
    else
        run_requests(&load);
    print_result(&load);
    if (load.failure != NULL)
        fprintf(stderr, "load: %s\n", load.failure);
    close_all(&load);
    return load.failed == 0 ? 0 : 1;
}
