/* SPDX-License-Identifier: Apache-2.0 */
/* A sandbox of a server for one run. Never shows its credentials, and never leaves it behind where
 * it can be helped. */
#include "cli/run_server.h"

#include "cli/api.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* Whom a run left behind that was killed: it hibernates after a day without a request. */
enum { IDLE_SECONDS = 24 * 60 * 60 };

static void block_signals(void)
{
    static const int ending[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LEN(ending); i++)
        sigaddset(&set, ending[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static bool create_sandbox(struct run_server *server)
{
    const struct api_path path = api_path("sandboxes", NULL);
    json_t *body = json_pack("{s:s, s:i, s:{s:s}}", "secretStore", server->store, "timeout",
                             IDLE_SECONDS, "metadata", "madeBy", "sealgate run");

    block_signals();
    server->sandbox = api_call(server->cli, "POST", &path, body);
    if (server->sandbox == NULL)
        return false;
    const char *id = json_string_value(json_object_get(server->sandbox, "sandboxID"));
    if (id == NULL || strlen(id) >= sizeof(server->sandbox_id)) {
        cli_fail("the server's answer has no sandboxID");
        return false;
    }
    snprintf(server->sandbox_id, sizeof(server->sandbox_id), "%s", id);
    return true;
}

static bool ask_for_hosts(struct run_server *server)
{
    const struct api_path path = api_path("sandboxes", server->sandbox_id, "allowed-hosts", NULL);

    server->hosts = api_get(server->cli, &path);
    return server->hosts != NULL;
}

/* Where "http://user:password@host:port" leads, and with what. */
static bool split_proxy_url(const char *url, struct process_run_server *out,
                            struct authority *where)
{
    struct slice rest = slice_from_string(url);

    if (!slice_starts_with(rest, SLICE("http://")))
        return false;
    rest = slice_skip(rest, 7);
    out->credentials = slice_split(&rest, '@');
    out->proxy = slice_take(rest, slice_find(rest, '/'));
    return slice_find(out->credentials, ':') < out->credentials.len &&
           authority_parse(out->proxy, 80, where) == OK;
}

/* "https://host:port/…" */
static bool is_url_local(const char *url)
{
    struct slice rest = slice_from_string(url);
    struct authority where;
    size_t scheme = slice_find(rest, ':');

    rest = slice_skip(rest, scheme + 3);
    return authority_parse(slice_take(rest, slice_find(rest, '/')), 443, &where) == OK &&
           host_name_is_loopback(&where.host);
}

static bool take_proxy(const struct run_server *server, struct process_run_server *out)
{
    const char *url = json_string_value(json_object_get(server->sandbox, "proxyURL"));
    struct authority where;

    if (url == NULL || !split_proxy_url(url, out, &where)) {
        cli_fail("the server's answer has no proxyURL that can be used");
        return false;
    }
    bool is_local = host_name_is_loopback(&where.host);
    if (is_local && !is_url_local(api_url(server->cli))) {
        cli_fail("the server says that its proxy is at %.*s, which is not reachable from here: set "
                 "listen.advertise in its configuration",
                 SLICE_ARG(out->proxy));
        return false;
    }
    if (!is_local)
        cli_warn("the credentials of the sandbox go to %.*s in the clear: use them in networks "
                 "that you trust",
                 SLICE_ARG(out->proxy));
    return true;
}

/* Takes `text`; NULL: out of memory. */
static bool keep(struct run_server *server, char *text)
{
    server->strings[server->string_count] = text;
    if (text != NULL)
        server->string_count++;
    return text != NULL;
}

static bool take_hosts(struct run_server *server, const json_t *hosts,
                       struct process_run_server *out)
{
    out->allowed.items = (const char *const *)&server->strings[server->string_count];
    for (size_t i = 0; i < json_array_size(hosts); i++) {
        const char *host = json_string_value(json_array_get(hosts, i));

        if (host == NULL || !keep(server, strdup(host)))
            return false;
        out->allowed.count++;
    }
    return true;
}

/* Whether a variable tells the way to the server, which is not for the command. */
static bool has_password(struct slice text, struct slice credentials)
{
    struct slice password = slice_skip(credentials, slice_find(credentials, ':') + 1);

    return slice_find_slice(text, password) < text.len;
}

static bool take_variables(struct run_server *server, json_t *variables,
                           struct process_run_server *out)
{
    const char *name;
    json_t *value;

    out->environment.items = (const char *const *)&server->strings[server->string_count];
    json_object_foreach(variables, name, value)
    {
        const char *text = json_string_value(value);
        char *variable = NULL;

        if (text == NULL || has_password(slice_from_string(text), out->credentials))
            continue;
        if (asprintf(&variable, "%s=%s", name, text) < 0 || !keep(server, variable))
            return false;
        out->environment.count++;
    }
    return true;
}

static bool take_lists(struct run_server *server, struct process_run_server *out)
{
    const json_t *hosts = json_object_get(server->hosts, "egressAllowlist");
    json_t *variables = json_object_get(server->sandbox, "envs");

    server->strings =
        calloc(json_array_size(hosts) + json_object_size(variables) + 1, sizeof(char *));
    if (server->strings != NULL && take_hosts(server, hosts, out) &&
        take_variables(server, variables, out))
        return true;
    cli_fail("the server's answer cannot be used: its lists are not lists, or memory is short");
    return false;
}

bool run_server_open(void *context, struct process_run_server *out)
{
    struct run_server *server = context;
    struct process_run_server given = {.store = server->store};

    server->certificates = api_get_text(server->cli, "/ca.pem");
    if (server->certificates == NULL || !create_sandbox(server) || !ask_for_hosts(server) ||
        !take_proxy(server, &given) || !take_lists(server, &given))
        return false;
    given.certificates = slice_from_string(server->certificates);
    *out = given;
    return true;
}

static void delete_sandbox(const struct run_server *server)
{
    const struct api_path path = api_path("sandboxes", server->sandbox_id, NULL);

    if (server->sandbox_id[0] != '\0')
        json_decref(api_call(server->cli, "DELETE", &path, NULL));
}

void run_server_close(struct run_server *server)
{
    delete_sandbox(server);
    for (size_t i = 0; i < server->string_count; i++)
        free(server->strings[i]);
    free(server->strings);
    free(server->certificates);
    json_decref(server->hosts);
    json_decref(server->sandbox);
}
