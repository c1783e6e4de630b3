/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the command line. Never lets a number through that would make a run unbounded. */
#include "bench/load_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: load MODE --host NAME --port PORT --ca FILE [OPTION...]\n"
    "  MODE  keepalive | connect | newhost | idle | rate | sse\n"
    "  --address IP            of the origin, when it is asked directly (127.0.0.1)\n"
    "  --path PATH             (/)\n"
    "  --proxy IP:PORT         ask through CONNECT    --auth USER:PASSWORD\n"
    "  --header 'NAME: VALUE'  may be repeated\n"
    "  --connections N  --requests N  --upload BYTES  --rate PER_SECOND\n"
    "  --resume                offer the last TLS session\n"
    "  --gate                  open everything, print \"ready\", begin at a line on stdin\n"
    "  --hold                  idle: do not wait for the end of the response\n"
    "  --seconds N             a run that takes longer has failed (120)\n";

static const char *const mode_names[] = {
    [LOAD_KEEPALIVE] = "keepalive", [LOAD_CONNECT] = "connect", [LOAD_NEWHOST] = "newhost",
    [LOAD_IDLE] = "idle",           [LOAD_RATE] = "rate",       [LOAD_SSE] = "sse",
};

enum { MODES = sizeof(mode_names) / sizeof(mode_names[0]) };

static const struct option long_options[] = {
    {"host", required_argument, NULL, 'h'},
    {"port", required_argument, NULL, 'p'},
    {"address", required_argument, NULL, 'A'},
    {"path", required_argument, NULL, 'P'},
    {"proxy", required_argument, NULL, 'x'},
    {"auth", required_argument, NULL, 'u'},
    {"ca", required_argument, NULL, 'a'},
    {"header", required_argument, NULL, 'H'},
    {"connections", required_argument, NULL, 'c'},
    {"requests", required_argument, NULL, 'n'},
    {"upload", required_argument, NULL, 'U'},
    {"rate", required_argument, NULL, 'r'},
    {"seconds", required_argument, NULL, 's'},
    {"resume", no_argument, NULL, 'R'},
    {"gate", no_argument, NULL, 'g'},
    {"hold", no_argument, NULL, 'o'},
    {NULL, 0, NULL, 0},
};

_Noreturn static void fail(const char *sentence)
{
    fprintf(stderr, "load: %s\n%s", sentence, usage);
    exit(2);
}

static uint64_t number(const char *text, uint64_t least, uint64_t most)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);

    if (end == text || *end != '\0' || value < least || value > most)
        fail("a number is out of range");
    return value;
}

static enum load_mode mode_of(const char *name)
{
    for (unsigned i = 0; i < MODES; i++) {
        if (strcmp(name, mode_names[i]) == 0)
            return (enum load_mode)i;
    }
    fail("unknown mode");
}

static void set_proxy(struct load_options *options, char *text)
{
    char *colon = strrchr(text, ':');

    if (colon == NULL)
        fail("--proxy expects IP:PORT");
    *colon = '\0';
    options->proxy_address = text;
    options->proxy_port = (uint16_t)number(colon + 1, 1, UINT16_MAX);
}

static void add_header(struct load_options *options, const char *line)
{
    size_t len = strlen(options->headers);
    size_t room = sizeof(options->headers) - len;

    if ((size_t)snprintf(options->headers + len, room, "%s\r\n", line) >= room)
        fail("too many header fields");
}

static void set_text(struct load_options *options, int letter, char *value)
{
    switch (letter) {
    case 'h':
        options->host = value;
        return;
    case 'A':
        options->address = value;
        return;
    case 'P':
        options->path = value;
        return;
    case 'u':
        options->auth = value;
        return;
    case 'a':
        options->ca_file = value;
        return;
    case 'H':
        add_header(options, value);
        return;
    case 'x':
        set_proxy(options, value);
        return;
    default:
        fail("unknown option");
    }
}

/* False: this option is not about a number. */
static bool set_number(struct load_options *options, int letter, const char *value)
{
    switch (letter) {
    case 'p':
        options->port = (uint16_t)number(value, 1, UINT16_MAX);
        return true;
    case 'c':
        options->connections = (unsigned)number(value, 1, LOAD_CONNECTIONS_MAX);
        return true;
    case 'n':
        options->requests = number(value, 1, 100 * 1000 * 1000);
        return true;
    case 'U':
        options->upload = number(value, 1, 1ULL << 40);
        return true;
    case 'r':
        options->rate = number(value, 1, 1000 * 1000);
        return true;
    case 's':
        options->seconds = (unsigned)number(value, 1, 3600);
        return true;
    default:
        return false;
    }
}

static bool set_flag(struct load_options *options, int letter)
{
    switch (letter) {
    case 'R':
        return options->resumes = true;
    case 'g':
        return options->is_gated = true;
    case 'o':
        return options->holds_response = true;
    default:
        return false;
    }
}

static void check(const struct load_options *options)
{
    if (options->host == NULL || options->port == 0 || options->ca_file == NULL)
        fail("--host, --port and --ca are needed");
    if (strlen(options->host) > 200 || strlen(options->path) > 1000)
        fail("the host or the path is too long");
    if (options->mode == LOAD_RATE && options->rate == 0)
        fail("rate needs --rate");
}

void load_options_parse(struct load_options *options, int count, char **arguments)
{
    int letter;

    if (count < 2)
        fail("a mode is needed");
    *options = (struct load_options){.mode = mode_of(arguments[1]),
                                     .mode_name = arguments[1],
                                     .address = "127.0.0.1",
                                     .path = "/",
                                     .connections = 1,
                                     .requests = 1,
                                     .seconds = 120};
    while ((letter = getopt_long(count - 1, arguments + 1, "", long_options, NULL)) != -1) {
        if (!set_flag(options, letter) && !set_number(options, letter, optarg))
            set_text(options, letter, optarg);
    }
    check(options);
}
