/* SPDX-License-Identifier: Apache-2.0 */
/* What one request head costs: read, checked, and written anew. Prints nanoseconds; never judges.
 */
#include "http/h1_reader.h"
#include "http/h1_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 200000 };

static const char head_text[] =
    "POST /v1/messages?beta=true HTTP/1.1\r\n"
    "Host: api.example.com\r\n"
    "Accept: application/json\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Connection: keep-alive\r\n"
    "User-Agent: Example/Python 0.42.0\r\n"
    "Authorization: Bearer osb_sealed_0123456789abcdef0123456789abcdef\r\n"
    "X-Stainless-Lang: python\r\n"
    "X-Stainless-Package-Version: 0.42.0\r\n"
    "X-Stainless-OS: Linux\r\n"
    "X-Stainless-Runtime: CPython\r\n"
    "X-Stainless-Runtime-Version: 3.11.2\r\n"
    "Content-Type: application/json\r\n"
    "Content-Length: 0\r\n"
    "\r\n";

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void read_and_check(struct h1_reader *reader, struct http_request *request)
{
    struct slice input = slice_of(head_text, sizeof(head_text) - 1);
    struct slice body;

    must(h1_reader_next(reader, &input, &body) == H1_HEAD);
    must(request_parse(h1_reader_head(reader), 443, request).status == 0);
}

static void write_anew(struct h1_reader *reader, const struct http_request *request,
                       struct buffer *out)
{
    struct h1_request_line line = {
        .method = request->method,
        .path = request->path,
        .host = host_name_view(&request->authority.host),
    };

    http_head_strip_hop_by_hop(h1_reader_head(reader));
    must(h1_writer_request(&line, h1_reader_head(reader), request->framing, out) == OK);
}

static double measure(struct h1_reader *reader, struct buffer *out)
{
    struct http_request request;
    double start = now_ns();

    for (int i = 0; i < ROUNDS; i++) {
        read_and_check(reader, &request);
        if (out != NULL) {
            write_anew(reader, &request, out);
            buffer_reset(out);
        }
        h1_reader_restart(reader);
    }
    return (now_ns() - start) / ROUNDS;
}

int main(void)
{
    struct h1_reader *reader = h1_reader_new(H1_REQUESTS);
    struct buffer out;

    must(reader != NULL);
    buffer_init(&out, 1 << 16);
    measure(reader, &out);
    double read_ns = measure(reader, NULL);
    double both_ns = measure(reader, &out);
    printf("request head of %zu bytes: read and checked %.0f ns, and written %.0f ns\n",
           sizeof(head_text) - 1, read_ns, both_ns);
    buffer_clear(&out);
    h1_reader_free(reader);
    return 0;
}
