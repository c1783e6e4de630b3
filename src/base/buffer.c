/* SPDX-License-Identifier: Apache-2.0 */
/* Owned bytes with a limit. Never leaves a byte behind in memory that it gives back. */
#include "base/buffer.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SMALLEST_CAPACITY = 256 };

void buffer_init(struct buffer *buffer, size_t limit)
{
    *buffer = (struct buffer){.limit = limit};
}

static void release(struct buffer *buffer)
{
    if (buffer->data != NULL)
        sodium_memzero(buffer->data, buffer->end);
    free(buffer->data);
}

void buffer_clear(struct buffer *buffer)
{
    release(buffer);
    buffer_init(buffer, buffer->limit);
}

void buffer_reset(struct buffer *buffer)
{
    if (buffer->data != NULL)
        sodium_memzero(buffer->data, buffer->end);
    buffer->start = buffer->end = 0;
}

static void move_to_front(struct buffer *buffer)
{
    size_t len = buffer_len(buffer);

    memmove(buffer->data, buffer->data + buffer->start, len);
    sodium_memzero(buffer->data + len, buffer->end - len);
    buffer->start = 0;
    buffer->end = len;
}

static size_t grown_capacity(const struct buffer *buffer, size_t need)
{
    size_t capacity = buffer->capacity < SMALLEST_CAPACITY ? SMALLEST_CAPACITY : buffer->capacity;

    while (capacity < need && capacity <= buffer->limit / 2)
        capacity *= 2;
    return capacity < need || capacity > buffer->limit ? buffer->limit : capacity;
}

/* realloc() would leave the old bytes in the heap. */
static enum error grow(struct buffer *buffer, size_t need)
{
    size_t len = buffer_len(buffer);
    size_t capacity = grown_capacity(buffer, need);
    char *data = malloc(capacity);

    if (data == NULL)
        return ERR_NO_MEMORY;
    if (len > 0)
        memcpy(data, buffer->data + buffer->start, len);
    release(buffer);
    buffer->data = data;
    buffer->start = 0;
    buffer->end = len;
    buffer->capacity = capacity;
    return OK;
}

enum error buffer_reserve(struct buffer *buffer, size_t len, char **out)
{
    size_t held = buffer_len(buffer);

    if (len <= buffer->capacity - buffer->end) { /* and so within the limit */
        *out = buffer->data + buffer->end;
        return OK;
    }
    if (len > buffer->limit || held > buffer->limit - len)
        return ERR_TOO_LARGE;
    if (held + len > buffer->capacity)
        TRY(grow(buffer, held + len));
    else if (buffer->end + len > buffer->capacity)
        move_to_front(buffer);
    *out = buffer->data + buffer->end;
    return OK;
}

void buffer_commit(struct buffer *buffer, size_t len)
{
    buffer->end += len;
}

enum error buffer_append(struct buffer *buffer, struct slice bytes)
{
    char *room;

    if (bytes.len == 0)
        return OK;
    TRY(buffer_reserve(buffer, bytes.len, &room));
    memcpy(room, bytes.data, bytes.len);
    buffer_commit(buffer, bytes.len);
    return OK;
}

enum error buffer_append_byte(struct buffer *buffer, char byte)
{
    return buffer_append(buffer, slice_of(&byte, 1));
}

enum error buffer_append_u64(struct buffer *buffer, uint64_t number)
{
    char text[24];
    size_t at = sizeof(text);

    do {
        text[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return buffer_append(buffer, slice_of(text + at, sizeof(text) - at));
}

enum error buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    char *room;

    va_start(arguments, format);
    int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (len < 0)
        return ERR_SYSTEM;

    TRY(buffer_reserve(buffer, (size_t)len + 1, &room));
    va_start(arguments, format);
    vsnprintf(room, (size_t)len + 1, format, arguments);
    va_end(arguments);
    buffer_commit(buffer, (size_t)len);
    return OK;
}

void buffer_consume(struct buffer *buffer, size_t len)
{
    buffer->start += len;
    if (buffer->start >= buffer->end)
        buffer_reset(buffer);
}

void buffer_truncate(struct buffer *buffer, size_t len)
{
    size_t end = buffer->start + len;

    if (end >= buffer->end)
        return;
    sodium_memzero(buffer->data + end, buffer->end - end);
    buffer->end = end;
}
