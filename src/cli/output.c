/* SPDX-License-Identifier: Apache-2.0 */
/* Prints answers. Never lets a control character of theirs through to a terminal. */
#include "cli/output.h"

#include <stdio.h>
#include <string.h>

enum { CELL_MAX = 512, COLUMNS_MAX = 12 };

bool output_is_json(const struct cli *cli)
{
    return cli_has(cli, "json");
}

void output_json(const json_t *value)
{
    json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
    putchar('\n');
}

void output_clean(const char *text, char *out, size_t size)
{
    size_t len = strnlen(text, size - 1);

    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];

        out[i] = byte < 0x20 || byte == 0x7f ? '?' : text[i];
    }
    out[len] = '\0';
}

static void append(char *out, size_t size, const char *text)
{
    size_t len = strlen(out);

    if (len + 1 < size)
        output_clean(text, out + len, size - len);
}

static void append_value(const json_t *value, char *out, size_t size);

static void append_list(const json_t *array, char *out, size_t size)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        append(out, size, i == 0 ? "" : ", ");
        append_value(json_array_get(array, i), out, size);
    }
}

static void append_value(const json_t *value, char *out, size_t size)
{
    char number[32];

    if (json_is_string(value)) {
        append(out, size, json_string_value(value));
    } else if (json_is_integer(value)) {
        snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
        append(out, size, number);
    } else if (json_is_boolean(value)) {
        append(out, size, json_is_true(value) ? "yes" : "no");
    } else if (json_is_array(value)) {
        append_list(value, out, size);
    }
}

const char *output_field(const json_t *object, const char *field, char *out, size_t size)
{
    out[0] = '\0';
    append_value(json_object_get(object, field), out, size);
    if (out[0] == '\0')
        append(out, size, "-");
    return out;
}

static void measure(const json_t *array, const struct output_column *columns, size_t count,
                    int widths[COLUMNS_MAX])
{
    char cell[CELL_MAX];

    for (size_t column = 0; column < count; column++) {
        size_t width = strlen(columns[column].title);

        for (size_t row = 0; row < json_array_size(array); row++) {
            size_t len = strlen(
                output_field(json_array_get(array, row), columns[column].field, cell, CELL_MAX));

            width = len > width ? len : width;
        }
        widths[column] = column + 1 == count ? 0 : (int)width;
    }
}

static void print_row(const json_t *object, const struct output_column *columns, size_t count,
                      const int widths[COLUMNS_MAX])
{
    char cell[CELL_MAX];

    for (size_t column = 0; column < count; column++) {
        const char *text = object == NULL
                               ? columns[column].title
                               : output_field(object, columns[column].field, cell, CELL_MAX);

        printf("%-*s%s", widths[column], text, column + 1 == count ? "\n" : "  ");
    }
}

enum cli_status output_list(const struct cli *cli, json_t *array,
                            const struct output_column *columns, size_t count)
{
    int widths[COLUMNS_MAX] = {0};

    if (array == NULL)
        return CLI_FAILED;
    count = count < COLUMNS_MAX ? count : COLUMNS_MAX;
    if (output_is_json(cli)) {
        output_json(array);
    } else {
        measure(array, columns, count, widths);
        print_row(NULL, columns, count, widths);
        for (size_t row = 0; row < json_array_size(array); row++)
            print_row(json_array_get(array, row), columns, count, widths);
    }
    json_decref(array);
    return CLI_DONE;
}

enum cli_status output_object(const struct cli *cli, json_t *object,
                              const struct output_column *columns, size_t count)
{
    char cell[4096];

    if (object == NULL)
        return CLI_FAILED;
    if (output_is_json(cli))
        output_json(object);
    for (size_t i = 0; i < count && !output_is_json(cli); i++) {
        if (json_object_get(object, columns[i].field) != NULL)
            printf("%-18s %s\n", columns[i].title,
                   output_field(object, columns[i].field, cell, sizeof(cell)));
    }
    json_decref(object);
    return CLI_DONE;
}

enum cli_status output_done(const struct cli *cli, json_t *answer, const char *sentence)
{
    if (answer == NULL)
        return CLI_FAILED;
    if (output_is_json(cli))
        output_json(answer);
    else
        puts(sentence);
    json_decref(answer);
    return CLI_DONE;
}

void output_warnings(const json_t *answer)
{
    const json_t *warnings = json_object_get(answer, "warnings");

    for (size_t i = 0; i < json_array_size(warnings); i++) {
        char text[CELL_MAX] = "";

        append_value(json_array_get(warnings, i), text, sizeof(text));
        cli_warn("%s", text);
    }
}
