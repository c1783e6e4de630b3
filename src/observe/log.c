/* SPDX-License-Identifier: Apache-2.0 */
/* Events as lines on standard error, one write each. Never allocates, never waits for memory, never
 * passes a byte on that a terminal or a log reader would act on. */
#include "observe/log.h"

#include "base/compiler.h"
#include "observe/utc_time.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_MAX_LEN = 4096, /* PIPE_BUF: lines of several processes on one pipe do not mix */
    VALUE_MAX_LEN = 700, /* as written; the five texts and the rest fit into a line */
};

struct line {
    size_t len;
    char text[LINE_MAX_LEN];
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *process_name = "sealgate";
static enum log_level lowest_level = LEVEL_INFO;

void log_open(const char *process, enum log_level level)
{
    process_name = process;
    lowest_level = level;
}

void log_set_level(enum log_level level)
{
    lowest_level = level;
}

/* What does not fit is left out, but the last byte stays free for the newline. */
static void put(struct line *line, struct slice bytes)
{
    size_t room = sizeof(line->text) - 1 - line->len;

    bytes = slice_take(bytes, room);
    if (bytes.len > 0)
        memcpy(line->text + line->len, bytes.data, bytes.len);
    line->len += bytes.len;
}

static bool is_plain(char c)
{
    return c > ' ' && c < 0x7F && c != '"' && c != '=' && c != '\\';
}

static bool needs_quotes(struct slice value)
{
    for (size_t i = 0; i < value.len; i++)
        if (!is_plain(value.data[i]))
            return true;
    return value.len == 0;
}

/* Writes at most 4 bytes to `out`. */
static size_t escape(char c, char *out)
{
    static const char digits[] = "0123456789abcdef";

    if (c == '"' || c == '\\') {
        out[0] = '\\';
        out[1] = c;
        return 2;
    }
    if (c >= ' ' && c < 0x7F) {
        out[0] = c;
        return 1;
    }
    out[0] = '\\';
    out[1] = 'x';
    out[2] = digits[(uint8_t)c >> 4];
    out[3] = digits[(uint8_t)c & 15];
    return 4;
}

static void put_quoted(struct line *line, struct slice value)
{
    size_t start = line->len;
    char escaped[4];

    put(line, SLICE("\""));
    for (size_t i = 0; i < value.len; i++) {
        if (line->len - start > VALUE_MAX_LEN) {
            put(line, SLICE("..."));
            break;
        }
        put(line, slice_of(escaped, escape(value.data[i], escaped)));
    }
    put(line, SLICE("\""));
}

static void put_value(struct line *line, struct slice value)
{
    if (value.len > VALUE_MAX_LEN || needs_quotes(value))
        put_quoted(line, value);
    else
        put(line, value);
}

static void put_field(struct line *line, const char *key, struct slice value)
{
    if (value.len == 0)
        return;
    put(line, SLICE(" "));
    put(line, slice_from_string(key));
    put(line, SLICE("="));
    put_value(line, value);
}

static void put_number(struct line *line, long long number)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%lld", number);

    put_field(line, "number", slice_of(text, (size_t)len));
}

static void put_head(struct line *line, enum log_level level, const char *event)
{
    struct timespec now;
    char time[UTC_TIME_LEN + 1];

    clock_gettime(CLOCK_REALTIME, &now);
    utc_time_format((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000, time);
    put(line, slice_of(time, UTC_TIME_LEN));
    put(line, SLICE(" "));
    put(line, slice_from_string(level_names[level]));
    put(line, SLICE(" "));
    put_value(line, slice_from_string(process_name));
    put(line, SLICE(" "));
    put(line, slice_from_string(event));
}

static void put_fields(struct line *line, const struct log_fields *fields)
{
    char reason[128];

    put_field(line, "name", slice_from_string(fields->name));
    if (fields->error != OK)
        put_field(line, "error", slice_from_string(error_name(fields->error)));
    if (fields->system_error != 0)
        put_field(line, "system_error",
                  slice_from_string(strerror_r(fields->system_error, reason, sizeof(reason))));
    if (fields->has_number)
        put_number(line, fields->number);
    put_field(line, "sandbox", fields->sandbox);
    put_field(line, "host", fields->host);
    put_field(line, "path", fields->path);
    put_field(line, "address", fields->address);
    put_field(line, "detail", fields->detail);
}

static void write_line(struct line *line)
{
    ssize_t written;

    line->text[line->len++] = '\n';
    do
        written = write(STDERR_FILENO, line->text, line->len);
    while (written < 0 && errno == EINTR);
}

void log_write(enum log_level level, const char *event, const struct log_fields *fields)
{
    int saved_errno = errno;
    struct line line;

    if (level < lowest_level)
        return;
    line.len = 0;
    put_head(&line, level, event);
    put_fields(&line, fields);
    write_line(&line);
    errno = saved_errno;
}
