/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Calls to the control API on behalf of a command. */

#include "cli/cli.h"

#include <jansson.h>

enum { API_PATH_MAX = 8192 };

struct api_path {
    char text[API_PATH_MAX];
    bool is_cut;
};

/* "/api/" and the segments, escaped, up to a NULL: api_path("secret-stores", id, NULL). */
struct api_path api_path(const char *first, ...) __attribute__((sentinel));
/* Adds a parameter of the query; a NULL value adds nothing. */
void api_path_add(struct api_path *path, const char *name, const char *value);

/* The server that --url or a variable names; NULL: none, the local socket is used. */
const char *api_url(const struct cli *cli);

/* NULL when it failed, which was said on standard error. An empty answer is an empty object. `body`
 * is taken and may be NULL. */
MUST_USE json_t *api_call(const struct cli *cli, const char *method, const struct api_path *path,
                          json_t *body);
MUST_USE json_t *api_get(const struct cli *cli, const struct api_path *path);
/* The body as it is, for what is no JSON: malloc'd and NUL-terminated, or NULL when it failed.
 * `path` begins with "/". */
MUST_USE char *api_get_text(const struct cli *cli, const char *path);

/* Fields of a request body from options: left out when the option was not given. */
void api_set_option(json_t *body, const char *field, const struct cli *cli, const char *option);
/* Comma-separated and repeated; one empty value gives an empty list. */
void api_set_list(json_t *body, const char *field, const struct cli *cli, const char *option);
/* NAME=VALUE, repeated, as option_check_variable() has seen. */
void api_set_map(json_t *body, const char *field, const struct cli *cli, const char *option);
/* A number, as option_check_seconds() has seen. */
void api_set_number(json_t *body, const char *field, const struct cli *cli, const char *option);
