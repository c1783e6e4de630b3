/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the command's environment together. Never passes on a variable that holds a secret. */
#include "process/run/run_environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Ways to services of the machine, and the key to our own. */
static const char *const removed[] = {
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    "GPG_AGENT_INFO",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "DOCKER_HOST",
    "CONTAINER_HOST",
    "PULSE_SERVER",
    "NOTIFY_SOCKET",
    "LISTEN_FDS",
    "LISTEN_PID",
    "TMUX",
    "STY",
    "VSCODE_IPC_HOOK_CLI",
    "VSCODE_GIT_IPC_HANDLE",
    "SEALGATE_API_KEY",
    "SEALGATE_URL",
    "OPENCOMPUTER_API_KEY",
    "OPENCOMPUTER_API_URL",
};

static bool is_named(struct slice variable, const char *name)
{
    size_t len = strlen(name);

    return variable.len > len && variable.data[len] == '=' && memcmp(variable.data, name, len) == 0;
}

static bool has_same_name(struct slice a, struct slice b)
{
    size_t len = slice_find(a, '=');

    return slice_equals(slice_take(a, len + 1), slice_take(b, len + 1));
}

static bool is_shared(const struct process_run_options *options, struct slice variable)
{
    for (size_t i = 0; i < options->share.count; i++) {
        if (is_named(variable, options->share.items[i]))
            return true;
    }
    return false;
}

static bool leads_out(struct slice variable)
{
    if (slice_starts_with(variable, SLICE("DBUS_")))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(removed); i++) {
        if (is_named(variable, removed[i]))
            return true;
    }
    return false;
}

static bool is_replaced(const struct process_run_options *options,
                        const struct message_list *sandbox, struct slice variable)
{
    for (size_t i = 0; i < sandbox->count; i++) {
        if (has_same_name(sandbox->items[i], variable))
            return true;
    }
    for (size_t i = 0; i < options->environment.count; i++) {
        if (has_same_name(slice_from_string(options->environment.items[i]), variable))
            return true;
    }
    return false;
}

static enum error append(struct buffer *out, struct slice variable)
{
    TRY(buffer_append(out, variable));
    return buffer_append_byte(out, '\0');
}

static enum error append_inherited(const struct process_run_options *options,
                                   const struct declared_values *declared,
                                   const struct message_list *sandbox, struct buffer *out)
{
    for (char **item = environ; *item != NULL; item++) {
        struct slice variable = slice_from_string(*item);
        struct slice value = slice_skip(variable, slice_find(variable, '=') + 1);

        if (declared_values_appear_in(declared, value) || is_replaced(options, sandbox, variable) ||
            (leads_out(variable) && !is_shared(options, variable)))
            continue;
        TRY(append(out, variable));
    }
    return OK;
}

enum error run_environment_build(const struct process_run_options *options,
                                 const struct declared_values *declared,
                                 const struct message_list *sandbox, struct buffer *out)
{
    static const struct message_list none = {NULL, 0};
    const struct process_run_strings *own = &options->environment;

    TRY(append_inherited(options, declared, sandbox, out));
    for (size_t i = 0; i < sandbox->count; i++) {
        if (!is_replaced(options, &none, sandbox->items[i]))
            TRY(append(out, sandbox->items[i]));
    }
    for (size_t i = 0; i < own->count; i++)
        TRY(append(out, slice_from_string(own->items[i])));
    return OK;
}

/* "unix:path=/run/user/1000/bus,guid=…", "unix:///run/docker.sock", "/tmp/agent.1": from the first
 * slash that begins a path to what ends it. */
static char *path_in(const char *value)
{
    const char *start = strchr(value, '/');

    while (start != NULL && start[1] == '/')
        start++;
    return start == NULL ? NULL : strndup(start, strcspn(start, ",;"));
}

static char *path_of(const char *name)
{
    const char *value = getenv(name), *runtime = getenv("XDG_RUNTIME_DIR");
    char *path = NULL;

    if (name[0] == '/')
        return strdup(name);
    if (value == NULL)
        return NULL;
    if (strcmp(name, "DISPLAY") == 0)
        return strdup("/tmp/.X11-unix");
    if (strcmp(name, "WAYLAND_DISPLAY") == 0 && value[0] != '/' && runtime != NULL)
        return asprintf(&path, "%s/%s", runtime, value) < 0 ? NULL : path;
    return path_in(value);
}

size_t run_environment_shared_paths(const struct process_run_options *options, char **paths,
                                    size_t max)
{
    size_t count = 0;

    for (size_t i = 0; i < options->share.count && count < max; i++) {
        paths[count] = path_of(options->share.items[i]);
        if (paths[count] != NULL)
            count++;
    }
    return count;
}
