/* SPDX-License-Identifier: Apache-2.0 */
/* /api/audit: the last records of the audit file, newest last. Never reads more of it than a bound,
 * and never shows another organization's unless an administrator asks for all. */

#include "control/handlers.h"
#include "control/output.h"

#include <sys/stat.h>
#include <unistd.h>

enum { AUDIT_READ_MAX = 8 * 1024 * 1024, AUDIT_LIMIT_DEFAULT = 100, AUDIT_LIMIT_MAX = 1000 };

/* Each is a parameter of the query and a field of the records. */
static const char *const filters[] = {"sandbox", "host", "code", "decision", "secret"};

struct audit_query {
    struct slice wanted[ARRAY_LEN(filters)]; /* data NULL: any */
    struct slice org;                        /* empty: all */
    uint64_t limit;
};

static enum error read_query(struct api_call *call, struct audit_query *out)
{
    struct slice limit, all;
    for (size_t i = 0; i < ARRAY_LEN(filters); i++)
        TRY(api_query(call, filters[i], &out->wanted[i]));
    TRY(api_query(call, "all", &all));
    out->org = slice_equals(all, SLICE("true")) ? SLICE_NONE : call->org;
    out->limit = AUDIT_LIMIT_DEFAULT;
    TRY(api_query(call, "limit", &limit));
    if (limit.data != NULL &&
        (!slice_parse_u64(limit, &out->limit) || out->limit == 0 || out->limit > AUDIT_LIMIT_MAX))
        return api_refuse(call, API_BAD_REQUEST, "the parameter \"limit\" is 1 to %d",
                          AUDIT_LIMIT_MAX);
    return OK;
}

/* The end of the file, from the first whole line on. */
static enum error read_tail(int fd, struct buffer *out)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return ERR_UNSUPPORTED;
    off_t start = status.st_size > AUDIT_READ_MAX ? status.st_size - AUDIT_READ_MAX : 0;
    size_t len = (size_t)(status.st_size - start);
    char *room;
    TRY(buffer_reserve(out, len, &room));
    ssize_t count = pread(fd, room, len, start);
    if (count < 0)
        return ERR_SYSTEM;
    buffer_commit(out, (size_t)count);
    if (start > 0)
        buffer_consume(out, slice_find(buffer_view(out), '\n'));
    return OK;
}

static bool field_is(const json_t *record, const char *field, struct slice wanted)
{
    const json_t *value = json_object_get(record, field);
    return json_is_string(value) &&
           slice_equals(wanted, slice_of(json_string_value(value), json_string_length(value)));
}

static bool lists_secret(const json_t *record, struct slice wanted)
{
    const json_t *secrets = json_object_get(record, "secrets");
    for (size_t i = 0; i < json_array_size(secrets); i++) {
        const json_t *name = json_array_get(secrets, i);
        if (json_is_string(name) &&
            slice_equals(wanted, slice_from_string(json_string_value(name))))
            return true;
    }
    return false;
}

static bool record_matches(const json_t *record, const struct audit_query *query)
{
    if (query->org.len > 0 && !field_is(record, "org", query->org))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        if (query->wanted[i].data == NULL)
            continue;
        bool matches = strcmp(filters[i], "secret") == 0
                           ? lists_secret(record, query->wanted[i])
                           : field_is(record, filters[i], query->wanted[i]);
        if (!matches)
            return false;
    }
    return true;
}

static struct slice last_line(struct slice *text)
{
    size_t start = text->len;
    while (start > 0 && text->data[start - 1] != '\n')
        start--;
    struct slice line = slice_skip(*text, start);
    *text = slice_take(*text, start > 0 ? start - 1 : 0);
    return line;
}

static json_t *select_records(struct slice text, const struct audit_query *query)
{
    json_t *array = json_array();
    while (text.len > 0 && json_array_size(array) < query->limit) {
        struct slice line = last_line(&text);
        json_t *record = line.len > 0 ? json_loadb(line.data, line.len, 0, NULL) : NULL;
        if (record == NULL || !record_matches(record, query)) {
            json_decref(record);
        } else if (json_array_insert_new(array, 0, record) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

enum error audit_api_list(struct api_call *call)
{
    struct audit_query query;
    OWNED_STRUCT(buffer) *text = &(struct buffer){.limit = AUDIT_READ_MAX};
    TRY(read_query(call, &query));
    enum error error = call->control->settings.audit_fd < 0
                           ? ERR_UNSUPPORTED
                           : read_tail(call->control->settings.audit_fd, text);
    if (error == ERR_UNSUPPORTED)
        return api_refuse(call, API_NOT_IMPLEMENTED,
                          "the audit log is not a file here (audit: in the configuration)");
    TRY(error);
    api_answer(call, 200, select_records(buffer_view(text), &query));
    return OK;
}
