/* SPDX-License-Identifier: Apache-2.0 */
/* One record as one line of JSON. Never writes a byte of a peer unescaped. */
#include "observe/audit.h"

#include "observe/json_text.h"
#include "observe/utc_time.h"

enum { PATH_MAX_LEN = 2048, TEXT_MAX_LEN = 512 };

/* `key` with its quotes, colon and, before it, the comma. */
static enum error append_text(struct buffer *out, const char *key, struct slice text)
{
    if (text.len == 0)
        return OK;
    TRY(buffer_append(out, slice_from_string(key)));
    return json_text_append(out, json_text_cut(text, TEXT_MAX_LEN));
}

static enum error append_path(struct buffer *out, struct slice path)
{
    if (path.len == 0)
        return OK;
    TRY(buffer_append(out, SLICE(",\"path\":")));
    return json_text_append(out, json_text_cut(path, PATH_MAX_LEN));
}

static enum error append_number(struct buffer *out, const char *key, uint64_t number)
{
    TRY(buffer_append(out, slice_from_string(key)));
    return buffer_append_u64(out, number);
}

static enum error append_number_if_set(struct buffer *out, const char *key, uint64_t number)
{
    return number == 0 ? OK : append_number(out, key, number);
}

static enum error append_list(struct buffer *out, const char *key, const struct slice *items,
                              size_t count)
{
    TRY(buffer_append(out, slice_from_string(key)));
    TRY(buffer_append_byte(out, '['));
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            TRY(buffer_append_byte(out, ','));
        TRY(json_text_append(out, json_text_cut(items[i], TEXT_MAX_LEN)));
    }
    return buffer_append_byte(out, ']');
}

static enum error append_who(struct buffer *out, const struct audit_record *record)
{
    char time[UTC_TIME_LEN + 1];

    utc_time_format(record->time_ms, time);
    TRY(buffer_append(out, SLICE("{\"time\":\"")));
    TRY(buffer_append(out, slice_of(time, UTC_TIME_LEN)));
    TRY(buffer_append_byte(out, '"'));
    TRY(append_text(out, ",\"sandbox\":", record->sandbox));
    TRY(append_text(out, ",\"org\":", record->org));
    TRY(append_list(out, ",\"stores\":", record->stores, record->store_count));
    return append_text(out, ",\"client\":", record->client);
}

static enum error append_what(struct buffer *out, const struct audit_record *record)
{
    TRY(append_text(out, ",\"protocol\":", record->protocol));
    TRY(append_text(out, ",\"method\":", record->method));
    TRY(append_text(out, ",\"scheme\":", record->scheme));
    TRY(append_text(out, ",\"host\":", record->host));
    TRY(append_number_if_set(out, ",\"port\":", record->port));
    return append_path(out, record->path);
}

static enum error append_outcome(struct buffer *out, const struct audit_record *record)
{
    TRY(append_text(out, ",\"decision\":", record->decision));
    TRY(append_text(out, ",\"code\":", record->code));
    TRY(append_list(out, ",\"secrets\":", record->secrets, record->secret_count));
    TRY(append_number_if_set(out, ",\"status\":", record->status));
    TRY(append_number(out, ",\"bytes_in\":", record->bytes_in));
    TRY(append_number(out, ",\"bytes_out\":", record->bytes_out));
    TRY(append_number(out, ",\"duration_ms\":", record->duration_ms));
    TRY(append_text(out, ",\"upstream\":", record->upstream));
    return buffer_append(out, SLICE("}\n"));
}

static enum error append_record(struct buffer *out, const struct audit_record *record)
{
    TRY(append_who(out, record));
    TRY(append_what(out, record));
    return append_outcome(out, record);
}

enum error audit_format(const struct audit_record *record, struct buffer *out)
{
    size_t len = buffer_len(out);
    enum error error = append_record(out, record);

    if (error != OK)
        buffer_truncate(out, len);
    return error;
}
