/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to the control API. Never shows a request's body: it may hold a value. */
#include "cli/api.h"

#include "cli/data_dir.h"
#include "cli/output.h"
#include "control/client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_unreserved(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

static void append_text(struct api_path *path, const char *text)
{
    size_t len = strlen(path->text);

    if (len + strlen(text) >= sizeof(path->text))
        path->is_cut = true;
    else
        memcpy(path->text + len, text, strlen(text) + 1);
}

static void append_escaped(struct api_path *path, const char *text)
{
    for (; *text != '\0'; text++) {
        char escaped[4];

        snprintf(escaped, sizeof(escaped), is_unreserved(*text) ? "%c" : "%%%02X",
                 (unsigned char)*text);
        append_text(path, escaped);
    }
}

struct api_path api_path(const char *first, ...)
{
    struct api_path path = {.text = "/api"};
    va_list segments;

    va_start(segments, first);
    for (const char *segment = first; segment != NULL; segment = va_arg(segments, const char *)) {
        append_text(&path, "/");
        append_escaped(&path, segment);
    }
    va_end(segments);
    return path;
}

void api_path_add(struct api_path *path, const char *name, const char *value)
{
    if (value == NULL)
        return;
    append_text(path, strchr(path->text, '?') == NULL ? "?" : "&");
    append_text(path, name);
    append_text(path, "=");
    append_escaped(path, value);
}

static const char *first_set(const char *first, const char *second, const char *third)
{
    if (first != NULL && first[0] != '\0')
        return first;
    return second != NULL && second[0] != '\0' ? second : third;
}

const char *api_url(const struct cli *cli)
{
    const char *url =
        first_set(cli_option(cli, "url"), getenv("SEALGATE_URL"), getenv("OPENCOMPUTER_API_URL"));

    return url == NULL || url[0] == '\0' ? NULL : url;
}

static bool find_control(const struct cli *cli, char socket_path[DATA_DIR_PATH_MAX],
                         struct client *out)
{
    *out = (struct client){
        .url = api_url(cli),
        .api_key = first_set(cli_option(cli, "api-key"), getenv("SEALGATE_API_KEY"),
                             getenv("OPENCOMPUTER_API_KEY")),
        .org = cli_option(cli, "org"),
        .ca_file = first_set(cli_option(cli, "ca-file"), getenv("SEALGATE_CA_FILE"), NULL),
        .socket_path = socket_path,
    };
    return out->url != NULL || data_dir_path(cli, "control.sock", socket_path);
}

static void report_failure(const struct client *client, enum error error)
{
    if (error == ERR_FORBIDDEN)
        cli_fail("the API key is not sent to %s in the clear: use https://", client->url);
    else if (client->url == NULL && error == ERR_CONNECT)
        cli_fail("cannot reach %s: is `sealgate serve` running, with this data directory?",
                 client->socket_path);
    else
        cli_fail("no answer from %s: %s", client->url == NULL ? client->socket_path : client->url,
                 error_text(error));
}

static bool send_request(const struct cli *cli, const struct client_request *request,
                         struct client_answer *out)
{
    char socket_path[DATA_DIR_PATH_MAX];
    struct client client;

    if (!find_control(cli, socket_path, &client))
        return false;
    enum error error = client_call(&client, request, out);
    if (error != OK)
        report_failure(&client, error);
    return error == OK;
}

static void report_refusal(const struct cli *cli, const struct client_answer *answer)
{
    char sentence[1024];
    const char *text = json_string_value(json_object_get(answer->body, "error"));

    if (output_is_json(cli) && answer->body != NULL)
        output_json(answer->body);
    output_clean(text == NULL ? "the answer is not one of a control API" : text, sentence,
                 sizeof(sentence));
    cli_fail("%s (%d)", sentence, answer->status);
}

/* The answer as JSON, or NULL after it was reported. */
static json_t *take_answer(const struct cli *cli, const struct client_answer *answer)
{
    bool is_empty = buffer_len(&answer->text) == 0;

    if (answer->status >= 200 && answer->status < 300 && (answer->body != NULL || is_empty))
        return is_empty ? json_object() : json_incref(answer->body);
    report_refusal(cli, answer);
    return NULL;
}

json_t *api_call(const struct cli *cli, const char *method, const struct api_path *path,
                 json_t *body)
{
    OWNED_STRUCT(client_answer) *answer = &(struct client_answer){.status = 0};
    const struct client_request request = {method, path->text, body};
    bool is_sent = false;

    if (path->is_cut)
        cli_fail("the request is too large");
    else
        is_sent = send_request(cli, &request, answer);
    json_decref(body);
    return is_sent ? take_answer(cli, answer) : NULL;
}

json_t *api_get(const struct cli *cli, const struct api_path *path)
{
    return api_call(cli, "GET", path, NULL);
}

char *api_get_text(const struct cli *cli, const char *path)
{
    OWNED_STRUCT(client_answer) *answer = &(struct client_answer){.status = 0};
    const struct client_request request = {"GET", path, NULL};

    if (!send_request(cli, &request, answer))
        return NULL;
    if (answer->status == 200)
        return slice_dup(buffer_view(&answer->text));
    report_refusal(cli, answer);
    return NULL;
}

void api_set_option(json_t *body, const char *field, const struct cli *cli, const char *option)
{
    const char *value = cli_option(cli, option);

    if (value != NULL)
        json_object_set_new(body, field, json_string(value));
}

static void append_items(json_t *array, struct slice text)
{
    while (text.len > 0) {
        struct slice item = slice_trim(slice_split(&text, ','));

        if (item.len > 0)
            json_array_append_new(array, json_stringn(item.data, item.len));
    }
}

void api_set_list(json_t *body, const char *field, const struct cli *cli, const char *option)
{
    size_t from = 0;

    if (!cli_has(cli, option))
        return;
    json_t *array = json_array();
    for (const char *value = cli_next(cli, option, &from); value != NULL;
         value = cli_next(cli, option, &from))
        append_items(array, slice_from_string(value));
    json_object_set_new(body, field, array);
}

void api_set_map(json_t *body, const char *field, const struct cli *cli, const char *option)
{
    size_t from = 0;

    if (!cli_has(cli, option))
        return;
    json_t *map = json_object();
    json_object_set_new(body, field, map);
    for (const char *value = cli_next(cli, option, &from); value != NULL;
         value = cli_next(cli, option, &from)) {
        size_t len = slice_find(slice_from_string(value), '=');

        json_object_setn_new(map, value, len, json_string(value + len + 1));
    }
}

void api_set_number(json_t *body, const char *field, const struct cli *cli, const char *option)
{
    const char *value = cli_option(cli, option);
    uint64_t number;

    if (value != NULL && slice_parse_u64(slice_from_string(value), &number))
        json_object_set_new(body, field, json_integer((json_int_t)number));
}
