/* SPDX-License-Identifier: Apache-2.0 */
/* The encoding inside a box and the text around it. Never copies a value but into `out`. */
#include "seal/box_encoding.h"

#include "base/wire.h"

#define MAGIC "SGB1"

enum { MAGIC_LEN = 4, LENGTH_SIZE = 4 };

enum error box_encoding_check_value(struct slice value)
{
    if (value.len == 0)
        return ERR_SYNTAX;
    if (value.len > SECRET_VALUE_MAX)
        return ERR_TOO_LARGE;
    for (size_t i = 0; i < value.len; i++)
        if (value.data[i] == '\r' || value.data[i] == '\n' || value.data[i] == '\0')
            return ERR_SYNTAX;
    return OK;
}

static void write_string(struct wire_writer *writer, struct slice string)
{
    if (string.len > SEAL_STRING_MAX && writer->error == OK)
        writer->error = ERR_TOO_LARGE;
    wire_write_slice(writer, string);
}

static void write_list(struct wire_writer *writer, const struct slice *items, size_t count,
                       size_t max)
{
    if (count > max && writer->error == OK)
        writer->error = ERR_TOO_LARGE;
    wire_write_u32(writer, (uint32_t)count);
    for (size_t i = 0; i < count && writer->error == OK; i++)
        write_string(writer, items[i]);
}

enum error box_encoding_write(const struct seal_binding *binding, struct slice value,
                              struct buffer *out)
{
    struct wire_writer writer = wire_writer_of(out);

    wire_write_raw(&writer, MAGIC, MAGIC_LEN);
    write_string(&writer, binding->org);
    write_string(&writer, binding->store);
    write_string(&writer, binding->name);
    write_list(&writer, binding->places, binding->place_count, SEAL_PLACES_MAX);
    write_list(&writer, binding->hosts, binding->host_count, SEAL_HOSTS_MAX);
    wire_write_slice(&writer, value);
    return writer.error;
}

static size_t read_list(struct wire_reader *reader, struct slice *items, size_t max)
{
    uint32_t count = wire_read_count(reader, LENGTH_SIZE);

    if (count > max) {
        reader->failed = true;
        return 0;
    }
    for (uint32_t i = 0; i < count; i++)
        items[i] = wire_read_slice(reader, SEAL_STRING_MAX);
    return count;
}

enum error box_encoding_read(struct slice plain, struct slice *items, struct seal_binding *binding,
                             struct slice *value)
{
    struct wire_reader reader = wire_reader_of(plain);
    struct seal_binding read = {.places = items};
    char magic[MAGIC_LEN];

    wire_read_raw(&reader, magic, sizeof(magic));
    read.org = wire_read_slice(&reader, SEAL_STRING_MAX);
    read.store = wire_read_slice(&reader, SEAL_STRING_MAX);
    read.name = wire_read_slice(&reader, SEAL_STRING_MAX);
    read.place_count = read_list(&reader, items, SEAL_PLACES_MAX);
    read.hosts = items + read.place_count;
    read.host_count = read_list(&reader, items + read.place_count, SEAL_HOSTS_MAX);
    struct slice inside = wire_read_slice(&reader, SEAL_TEXT_MAX);

    if (!wire_reader_done(&reader) || memcmp(magic, MAGIC, sizeof(magic)) != 0)
        return ERR_BOX_FORM;
    TRY(box_encoding_check_value(inside));
    *binding = read;
    *value = inside;
    return OK;
}

static bool is_key_id(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!ascii_is_digit(text.data[i]) && !(text.data[i] >= 'a' && text.data[i] <= 'f'))
            return false;
    return text.len == SEAL_KEY_ID_LEN;
}

static bool is_base64url(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!ascii_is_digit(text.data[i]) && !ascii_is_alpha(text.data[i]) && text.data[i] != '-' &&
            text.data[i] != '_')
            return false;
    return text.len > 0 && text.len % 4 != 1;
}

enum error box_encoding_split_text(struct slice sealed, struct slice *out_key_id,
                                   struct slice *out_base64)
{
    struct slice rest = sealed;

    if (sealed.len > SEAL_TEXT_MAX || !slice_starts_with(sealed, SLICE(SEAL_FORMAT ".")))
        return ERR_BOX_FORM;
    rest = slice_skip(rest, sizeof(SEAL_FORMAT));
    struct slice key_id = slice_split(&rest, '.');
    if (!is_key_id(key_id) || !is_base64url(rest))
        return ERR_BOX_FORM;
    *out_key_id = key_id;
    *out_base64 = rest;
    return OK;
}
