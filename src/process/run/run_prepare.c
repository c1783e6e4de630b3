/* SPDX-License-Identifier: Apache-2.0 */
/* What has to be there before the proxy's processes start. Never fails without a sentence that says
 * at what. */
#include "process/hardening.h"
#include "process/run/run_certificates.h"
#include "process/run/run_environment.h"
#include "process/run/run_state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { UNIX_SOCKETS_MAX = 16 * 1024 * 1024 };

static enum error read_all(const char *path, struct buffer *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : 1;

    while (len > 0) {
        char *room;
        enum error error = buffer_reserve(out, 64 * 1024, &room);

        if (error != OK) {
            close(fd);
            return error;
        }
        len = read(fd, room, 64 * 1024);
        buffer_commit(out, len > 0 ? (size_t)len : 0);
    }
    if (fd >= 0)
        close(fd);
    return len == 0 ? OK : ERR_SYSTEM;
}

/* /tmp in its place, which everybody may write to, is no runtime folder and stays. */
static bool find_runtime_folder(char out[PATH_MAX])
{
    const char *folder = getenv("XDG_RUNTIME_DIR");
    struct stat status;

    if (folder == NULL || folder[0] != '/' || folder[1] == '\0' || stat(folder, &status) != 0 ||
        (status.st_mode & S_IWOTH) != 0)
        return false;
    return snprintf(out, PATH_MAX, "%s", folder) < PATH_MAX;
}

/* Everything that the command's surroundings need to know, before the process for them exists. */
static enum error describe_surroundings(struct run *run)
{
    struct run_places *places = &run->init.inside.places;

    buffer_init(&run->unix_sockets, UNIX_SOCKETS_MAX);
    TRY(read_all("/proc/net/unix", &run->unix_sockets));
    run->shared_count =
        run_environment_shared_paths(run->options, run->shared, RUN_PLACES_SHARED_MAX);
    run->more_places[places->more_count++] = run->supervisor.file.config->data_dir.data;
    if (find_runtime_folder(run->runtime_folder))
        run->more_places[places->more_count++] = run->runtime_folder;
    places->uid = run->init.inside.uid = geteuid();
    run->init.inside.gid = getegid();
    places->more = run->more_places;
    places->shared = (const char *const *)run->shared;
    places->shared_count = run->shared_count;
    places->sockets = buffer_view(&run->unix_sockets);
    return OK;
}

static enum error open_link(struct run *run)
{
    int pair[2];

    TRY(run_link_pair(pair));
    run->link = pair[0];
    run->init.inside.link = pair[1];
    run->init.outer_link = pair[0];
    return OK;
}

/* First of all, as long as nothing secret has been read and no limit has been changed. */
static enum error start_init(struct run *run)
{
    sigset_t all;

    run->init.command = run->options->command;
    run->init.is_isolated = !run->options->is_not_isolated;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &run->mask);
    run->init.mask = run->mask;
    enum error error = run_init_start(&run->init, &run->init_pid);
    int reason = errno;
    sigprocmask(SIG_SETMASK, &run->mask, NULL);
    close(run->init.inside.link);
    if (error != OK)
        run_refusal_explain(
            run, run->init.is_isolated ? "make namespaces" : "start a process for it", reason);
    return error;
}

/* The input and output of the command are not ours; the proxy's processes inherit nothing of them
 * but where errors go. */
static enum error let_go_of_streams(struct run *run UNUSED)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return ERR_SYSTEM;
    dup2(fd, STDIN_FILENO);
    dup2(fd, STDOUT_FILENO);
    close(fd);
    hardening_prepare();
    return OK;
}

/* In the first folder that takes it; errno says why the last did not. */
static bool make_file_in(const char *folder, char path[PATH_MAX])
{
    int fd = -1;

    if (folder == NULL || folder[0] != '/')
        return false;
    if (snprintf(path, PATH_MAX, "%s/sealgate-ca-XXXXXX", folder) < PATH_MAX)
        fd = mkstemp(path);
    if (fd >= 0)
        close(fd);
    else
        path[0] = '\0';
    return fd >= 0;
}

/* Without isolation there is no place of the command's own for the bundle. */
static enum error make_bundle_file(struct run *run)
{
    if (!run->options->is_not_isolated ||
        make_file_in(getenv("XDG_RUNTIME_DIR"), run->bundle_path) ||
        make_file_in(getenv("TMPDIR"), run->bundle_path) || make_file_in("/tmp", run->bundle_path))
        return OK;
    fprintf(
        stderr,
        "sealgate: there is no folder for a file with our certificates: XDG_RUNTIME_DIR, TMPDIR "
        "and /tmp were tried (%s)\nsealgate: set TMPDIR to a folder that you may write to\n",
        strerror(errno));
    return ERR_SYSTEM;
}

static enum error ask_server(struct run *run)
{
    const struct process_run_source *source = run->options->server;

    return source == NULL || source->open(source->context, &run->server) ? OK : ERR_UNAVAILABLE;
}

static enum error load_configuration(struct run *run)
{
    return configuration_file_load(run->options->config_path, NULL, &run->supervisor.file);
}

static enum error build_stores(struct run *run)
{
    return run_has_server(run)
               ? run_stores_build_for_server(&run->server, &run->stores)
               : run_stores_build(run->options, run->supervisor.file.config, &run->stores);
}

static enum error make_configuration_ours(struct run *run)
{
    struct config *config = run->supervisor.file.config;
    const char *bundle = run->bundle_path[0] != '\0' ? run->bundle_path : run_certificates_path();

    run->settings = (struct config_private){.default_deny = run->stores.is_restricted,
                                            .hints_name_flags = !run_has_server(run),
                                            .upstream_proxy = run->server.proxy,
                                            .ca_path = slice_from_string(bundle)};
    TRY(config_make_private(config, &run->settings));
    config->stores = run->stores.stores;
    run->supervisor.private_settings = &run->settings;
    return OK;
}

static enum error read_upstream_files(struct run *run)
{
    struct upstream_files **files = &run->supervisor.upstream_files;

    return run_has_server(run) ? upstream_files_new(run->server.credentials, files)
                               : upstream_files_read_logging(run->supervisor.file.config, files);
}

static enum error read_secrets(struct run *run)
{
    return declared_values_read(run->supervisor.file.config, NULL, &run->supervisor.declared);
}

/* An explicit proxy on the machine's own loopback; which port, the variables say. */
static enum error open_listener(struct run *run)
{
    static struct ip_endpoint loopback = {.address = {4, {127, 0, 0, 1}}};
    const struct config config = {.listen_proxy = {&loopback, 1}};

    if (!run->options->is_not_isolated)
        return OK;
    run->has_captured = true;
    return listeners_open(&config, 1, &run->supervisor.listeners);
}

static enum error open_audit(struct run *run)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return ERR_SYSTEM;
    run->audit = ends[0];
    run->supervisor.audit.write_fd = ends[1];
    run->summary = run_summary_new();
    return run->summary == NULL ? ERR_NO_MEMORY : OK;
}

static enum error make_parts(struct run *run)
{
    return supervisor_make_parts(&run->supervisor);
}

static void say_what_is_weaker(const struct run *run)
{
    if (run->options->is_not_isolated)
        fputs("sealgate: warning: the command is not isolated: a program that ignores HTTPS_PROXY "
              "reaches the network directly, and the machine's services and processes are in its "
              "sight\n",
              stderr);
    if (run_has_server(run) && !run->stores.is_restricted)
        fprintf(stderr, "sealgate: the allowlist of %s is empty: here nothing is denied\n",
                run->server.store);
    else if (run->options->learns)
        fputs("sealgate: learning: nothing is denied\n", stderr);
    else if (!run->stores.is_restricted)
        fputs("sealgate: nothing is denied: there is no --allow, --secret or --store\n", stderr);
}

/* In this order; each with what it does, or NULL where it says itself that it could not. */
static const struct step {
    enum error (*take)(struct run *run);
    const char *what;
} steps[] = {
    {load_configuration, "use the configuration"},
    {describe_surroundings, "read /proc/net/unix"},
    {open_link, "make a channel to the command's surroundings"},
    {start_init, NULL},
    {let_go_of_streams, "open /dev/null"},
    {ask_server, NULL},
    {build_stores, NULL},
    {make_bundle_file, NULL},
    {make_configuration_ours, "use the configuration"},
    {read_upstream_files, "use what the configuration has under `upstream`"},
    {read_secrets, "read the secrets"},
    {open_audit, "make a channel for audit records"},
    {make_parts, "make what the proxy's processes share"},
    {open_listener, "listen on the machine's loopback"},
    {run_watch_open, "watch over the command"},
};

bool run_prepare(struct run *run)
{
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        enum error error = steps[i].take(run);

        if (error == OK)
            continue;
        if (steps[i].what != NULL || error == ERR_NO_MEMORY)
            run_refusal_say(steps[i].what, error);
        return false;
    }
    sigprocmask(SIG_SETMASK, &run->mask, NULL);
    say_what_is_weaker(run);
    return true;
}
