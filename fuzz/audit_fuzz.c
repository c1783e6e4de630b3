/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes in any field give one line: valid JSON, one newline, at its end, and every field that
 * was set is there once with a string. */
#include "observe/audit.h"

#include <jansson.h>
#include <stdlib.h>

enum { LISTED_MAX = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static size_t split_list(struct slice *rest, struct slice *items)
{
    size_t count = 0;

    while (count < LISTED_MAX && rest->len > 0 && rest->data[0] != 0)
        items[count++] = slice_split(rest, '\xfe');
    return count;
}

static void require_string(const json_t *json, const char *key, struct slice text)
{
    const json_t *value = json_object_get(json, key);

    require(text.len == 0 ? value == NULL : json_string_length(value) > 0);
}

static void check_line(struct slice line, const struct audit_record *record)
{
    require(line.len > 0 && slice_find(line, '\n') == line.len - 1);
    json_t *json = json_loadb(line.data, line.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    require(json != NULL);
    require_string(json, "sandbox", record->sandbox);
    require_string(json, "method", record->method);
    require_string(json, "host", record->host);
    require_string(json, "path", record->path);
    require(json_array_size(json_object_get(json, "stores")) == record->store_count);
    require(json_array_size(json_object_get(json, "secrets")) == record->secret_count);
    require(json_is_string(json_object_get(json, "time")));
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    OWNED_STRUCT(buffer) *line = &(struct buffer){.limit = 1 << 20};
    struct slice stores[LISTED_MAX], secrets[LISTED_MAX], rest = slice_of(data, size);
    struct audit_record record = {.stores = stores, .secrets = secrets};

    if (size >= sizeof(record.time_ms))
        memcpy(&record.time_ms, data, sizeof(record.time_ms));
    record.store_count = split_list(&rest, stores);
    record.sandbox = slice_split(&rest, '\xff');
    record.method = slice_split(&rest, '\xff');
    record.host = slice_split(&rest, '\xff');
    record.secret_count = split_list(&rest, secrets);
    record.path = rest;
    if (audit_format(&record, line) == OK)
        check_line(buffer_view(line), &record);
    return 0;
}
