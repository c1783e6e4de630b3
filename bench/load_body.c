/* SPDX-License-Identifier: Apache-2.0 */
/* Where a response ends. Never more than what a benchmark needs: it judges nobody's HTTP. */
#include "bench/load_body.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void load_body_begin(struct load_body *body)
{
    body->state = LOAD_BODY_HEAD;
    body->status = 0;
    body->left = body->received = 0;
    body->head_len = body->line_len = 0;
    body->is_chunked = body->has_length = false;
}

static bool is_field(const char *line, const char *name, const char **value)
{
    size_t len = strlen(name);

    if (strncasecmp(line, name, len) != 0 || line[len] != ':')
        return false;
    *value = line + len + 1 + strspn(line + len + 1, " ");
    return true;
}

static enum load_body_state state_after_head(const struct load_body *body)
{
    if (body->is_chunked)
        return LOAD_BODY_CHUNK_SIZE;
    if (!body->has_length)
        return LOAD_BODY_UNTIL_CLOSE;
    return body->left == 0 ? LOAD_BODY_COMPLETE : LOAD_BODY_LENGTH;
}

static void take_head_line(struct load_body *body)
{
    const char *value;

    if (body->status == 0) {
        const char *space = strchr(body->line, ' ');
        body->status = space == NULL ? 0 : (unsigned)strtoul(space, NULL, 10);
        body->state = body->status < 200 ? LOAD_BODY_BROKEN : LOAD_BODY_HEAD;
    } else if (body->line_len == 0) {
        body->state = state_after_head(body);
    } else if (is_field(body->line, "content-length", &value)) {
        body->left = strtoull(value, NULL, 10);
        body->has_length = true;
    } else if (is_field(body->line, "transfer-encoding", &value)) {
        body->is_chunked = strncasecmp(value, "chunked", 7) == 0;
    }
}

static void take_chunk_size(struct load_body *body)
{
    char *end;

    body->left = strtoull(body->line, &end, 16);
    if (end == body->line)
        body->state = LOAD_BODY_BROKEN;
    else
        body->state = body->left == 0 ? LOAD_BODY_TRAILER : LOAD_BODY_CHUNK;
}

static void take_line(struct load_body *body)
{
    body->line[body->line_len] = '\0';
    if (body->state == LOAD_BODY_HEAD)
        take_head_line(body);
    else if (body->state == LOAD_BODY_CHUNK_SIZE)
        take_chunk_size(body);
    else if (body->state == LOAD_BODY_CHUNK_END)
        body->state = LOAD_BODY_CHUNK_SIZE;
    else if (body->line_len == 0)
        body->state = LOAD_BODY_COMPLETE;
    body->line_len = 0;
}

static size_t feed_line(struct load_body *body, const char *bytes, size_t len)
{
    const char *end = memchr(bytes, '\n', len);
    size_t used = end == NULL ? len : (size_t)(end - bytes) + 1;

    for (size_t i = 0; i < used; i++) {
        if (bytes[i] != '\r' && bytes[i] != '\n' && body->line_len < LOAD_LINE_MAX - 1)
            body->line[body->line_len++] = bytes[i];
    }
    body->head_len += body->state == LOAD_BODY_HEAD ? used : 0;
    if (end != NULL)
        take_line(body);
    if (body->head_len > LOAD_HEAD_MAX)
        body->state = LOAD_BODY_BROKEN;
    return used;
}

static size_t feed_data(struct load_body *body, const char *bytes, size_t len)
{
    bool is_bounded = body->state != LOAD_BODY_UNTIL_CLOSE;
    size_t used = is_bounded && body->left < len ? (size_t)body->left : len;

    if (body->on_bytes != NULL)
        body->on_bytes(body->owner, bytes, used);
    body->received += used;
    if (!is_bounded)
        return used;
    body->left -= used;
    if (body->left == 0)
        body->state = body->state == LOAD_BODY_CHUNK ? LOAD_BODY_CHUNK_END : LOAD_BODY_COMPLETE;
    return used;
}

static bool is_data(enum load_body_state state)
{
    return state == LOAD_BODY_LENGTH || state == LOAD_BODY_CHUNK || state == LOAD_BODY_UNTIL_CLOSE;
}

size_t load_body_feed(struct load_body *body, const char *bytes, size_t len)
{
    size_t used = 0;

    while (used < len && body->state < LOAD_BODY_COMPLETE)
        used += is_data(body->state) ? feed_data(body, bytes + used, len - used)
                                     : feed_line(body, bytes + used, len - used);
    return used;
}

bool load_body_ends_here(const struct load_body *body)
{
    return body->state == LOAD_BODY_UNTIL_CLOSE;
}
