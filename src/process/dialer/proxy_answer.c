/* SPDX-License-Identifier: Apache-2.0 */
/* CONNECT to another proxy, as bytes. Never takes anything but a whole and strict 2xx head, with
 * nothing behind it, for a tunnel. */
#include "process/dialer/proxy_answer.h"

#include "http/h1_reader.h"
#include "http/h1_writer.h"

#include <stdlib.h>

struct proxy_answer {
    struct h1_reader *reader;
    size_t received;
};

struct proxy_answer *proxy_answer_new(void)
{
    OWNED_STRUCT(proxy_answer) *answer = calloc(1, sizeof(*answer));

    if (answer == NULL)
        return NULL;
    answer->reader = h1_reader_new(H1_RESPONSES);
    return answer->reader == NULL ? NULL : TAKE(answer);
}

void proxy_answer_free(struct proxy_answer *answer)
{
    if (answer == NULL)
        return;
    h1_reader_free(answer->reader);
    free(answer);
}

static enum proxy_verdict judge(uint16_t status, struct slice rest, uint16_t *out_status)
{
    if (status / 100 == 2)
        return rest.len == 0 ? PROXY_CONNECTED : PROXY_MALFORMED;
    *out_status = status;
    return PROXY_REFUSED;
}

enum proxy_verdict proxy_answer_feed(struct proxy_answer *answer, struct slice bytes,
                                     uint16_t *status)
{
    struct slice input = bytes, body;

    answer->received += bytes.len;
    switch (h1_reader_next(answer->reader, &input, &body)) {
    case H1_NEED_MORE:
        return answer->received < PROXY_ANSWER_MAX ? PROXY_AWAITS_MORE : PROXY_MALFORMED;
    case H1_HEAD:
        return judge(h1_reader_head(answer->reader)->status, input, status);
    default:
        return PROXY_MALFORMED;
    }
}

static enum error write_authority(const struct authority *target, struct buffer *out)
{
    bool is_ipv6 = target->host.literal.len == 16;

    return buffer_append_format(out, is_ipv6 ? "[%s]:%u" : "%s:%u", target->host.text,
                                target->port);
}

static enum error write_head(const struct authority *target, struct slice credentials,
                             struct buffer *out)
{
    OWNED_STRUCT(buffer) *name = &(struct buffer){.limit = HOST_NAME_MAX_LEN + 16};
    struct http_head head;

    TRY(write_authority(target, name));
    struct h1_request_line line = {
        .method = SLICE("CONNECT"), .path = buffer_view(name), .host = buffer_view(name)};
    http_head_init(&head);
    if (credentials.len > 0)
        TRY(http_head_add_borrowed(&head, SLICE("Proxy-Authorization"), credentials));
    return h1_writer_request(&line, &head, (struct http_framing){0}, out);
}

enum error proxy_answer_request(const struct authority *target,
                                const struct proxy_credentials *credentials, struct buffer *out)
{
    OWNED_STRUCT(buffer) *value = &(struct buffer){.limit = PROXY_REQUEST_MAX};

    if (credentials != NULL)
        TRY(proxy_credentials_write(credentials, value));
    return write_head(target, buffer_view(value), out);
}
