/* SPDX-License-Identifier: Apache-2.0 */
/* sealgate seal: seals a value here, with the public key alone. The value never leaves this
 * process, and only the sealed text is printed. */
#include "seal/seal.h"

#include "cli/api.h"
#include "cli/commands.h"
#include "cli/value_input.h"
#include "policy/policy.h"

#include <sodium.h>
#include <stdio.h>

struct seal_lists {
    struct slice hosts[SEAL_HOSTS_MAX], places[SEAL_PLACES_MAX];
    size_t host_count, place_count;
};

/* Adds what stands between commas. False when that makes more than `max`. */
static bool split(struct slice rest, struct slice *out, size_t max, size_t *count)
{
    while (rest.len > 0) {
        struct slice item = slice_trim(slice_split(&rest, ','));

        if (item.len > 0 && *count == max)
            return false;
        if (item.len > 0)
            out[(*count)++] = item;
    }
    return true;
}

/* The same of all values of an option. */
static bool collect(const struct cli *cli, const char *option, struct slice *out, size_t max,
                    size_t *count)
{
    size_t from = 0;

    for (const char *value = cli_next(cli, option, &from); value != NULL;
         value = cli_next(cli, option, &from))
        if (!split(slice_from_string(value), out, max, count))
            return false;
    return true;
}

static bool read_lists(const struct cli *cli, struct seal_lists *out)
{
    if (!collect(cli, "hosts", out->hosts, SEAL_HOSTS_MAX, &out->host_count) ||
        !collect(cli, "inject", out->places, SEAL_PLACES_MAX, &out->place_count)) {
        cli_misuse(cli, "too many hosts or places");
        return false;
    }
    if (out->place_count == 0)
        out->places[out->place_count++] = SLICE("header");
    return true;
}

static bool read_key(const struct cli *cli, const char *store, struct seal_public_key *out)
{
    const struct api_path path = api_path("secret-stores", store, "sealing-key", NULL);
    json_t *answer = api_get(cli, &path);
    const char *text = json_string_value(json_object_get(answer, "publicKey"));
    const char *format = json_string_value(json_object_get(answer, "format"));
    uint8_t bytes[SEAL_PUBLIC_KEY_SIZE];
    size_t len = 0;

    if (answer == NULL)
        return false;
    bool is_good = text != NULL && format != NULL && strcmp(format, SEAL_FORMAT) == 0 &&
                   sodium_base642bin(bytes, sizeof(bytes), text, strlen(text), NULL, &len, NULL,
                                     sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
                   len == sizeof(bytes);
    json_decref(answer);
    if (is_good)
        seal_public_key_from_bytes(bytes, out);
    else
        cli_fail("the server has no sealing key of a form that is known here");
    return is_good;
}

static enum cli_status seal_and_print(const struct seal_public_key *key,
                                      const struct seal_binding *binding, struct slice value)
{
    OWNED_STRUCT(buffer) *sealed = &(struct buffer){.limit = SEAL_TEXT_MAX};
    enum error error = seal_value(key, binding, value, sealed);

    if (error == ERR_SYNTAX)
        return cli_fail("the value contains a line break or a NUL byte, which no field can carry");
    if (error != OK)
        return cli_fail("the value cannot be sealed: %s", error_text(error));
    struct slice text = buffer_view(sealed);
    printf("%.*s\n", SLICE_ARG(text));
    return CLI_DONE;
}

/* What the box is bound to is the store's id, so that a rename does not break it. */
static enum cli_status seal_for(const struct cli *cli, const json_t *store,
                                struct seal_lists *lists)
{
    const char *org = json_string_value(json_object_get(store, "orgId"));
    const char *id = json_string_value(json_object_get(store, "id"));
    struct seal_public_key key;
    struct buffer value;

    if (org == NULL || id == NULL)
        return cli_fail("the answer is not that of a control API");
    if (!read_key(cli, id, &key) || !value_input_read(cli, "Value", SECRET_VALUE_MAX, &value))
        return CLI_FAILED;
    const struct seal_binding binding = {
        slice_from_string(org), slice_from_string(id), slice_from_string(cli_option(cli, "name")),
        lists->places,          lists->place_count,    lists->hosts,
        lists->host_count};
    enum cli_status status = seal_and_print(&key, &binding, buffer_view(&value));
    buffer_clear(&value);
    return status;
}

enum cli_status seal_run(struct cli *cli)
{
    static struct seal_lists lists;
    const char *store_name = cli_option(cli, "store");

    if (store_name == NULL || cli_option(cli, "name") == NULL)
        return cli_misuse(cli, "--store and --name are needed: a sealed value is bound to them");
    lists = (struct seal_lists){.host_count = 0};
    if (value_input_check(cli) != CLI_DONE || !read_lists(cli, &lists))
        return CLI_USAGE;
    const struct api_path path = api_path("secret-stores", store_name, NULL);
    json_t *store = api_get(cli, &path);
    if (store == NULL)
        return CLI_FAILED;
    enum cli_status status = seal_for(cli, store, &lists);
    json_decref(store);
    return status;
}
