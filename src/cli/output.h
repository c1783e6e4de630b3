/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What commands print: JSON for machines, tables for people. Everything that came from the API is
 * cleaned of control characters before it reaches a terminal. */

#include "cli/cli.h"

#include <jansson.h>

struct output_column {
    const char *title;
    const char *field;
};

bool output_is_json(const struct cli *cli);
/* One value and a newline. */
void output_json(const json_t *value);

/* Each takes its JSON, which may be NULL (it failed: CLI_FAILED), prints it as JSON with --json,
 * and else as a table of an array's objects, or an object's fields one a line. */
enum cli_status output_list(const struct cli *cli, json_t *array,
                            const struct output_column *columns, size_t count);
enum cli_status output_object(const struct cli *cli, json_t *object,
                              const struct output_column *columns, size_t count);
/* The same with one sentence for people; `sentence` is printed as it is. */
enum cli_status output_done(const struct cli *cli, json_t *answer, const char *sentence);
/* "warnings" of an answer, on standard error. */
void output_warnings(const json_t *answer);

/* A field for people: text, number, yes/no, a list with commas. Cleaned and cut to fit. */
const char *output_field(const json_t *object, const char *field, char *out, size_t size);
/* Copies text with "?" for every control character, cut to fit. */
void output_clean(const char *text, char *out, size_t size);
