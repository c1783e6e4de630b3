/* SPDX-License-Identifier: Apache-2.0 */
/* `sealgate run`: a private, short-lived instance around one command. Never writes a key or a value
 * to a disk. */
#include "process/hardening.h"
#include "process/process.h"
#include "process/run_certificates.h"
#include "process/run_environment.h"
#include "process/run_state.h"

#include "observe/log.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { UNIX_SOCKETS_MAX = 16 * 1024 * 1024 };

void run_end(struct run *run, int exit_status)
{
    if (run->has_ended)
        return;
    run->has_ended = true;
    supervisor_stop(&run->supervisor, exit_status);
}

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

/* First of all, as long as nothing secret has been read and no limit has been changed. */
static enum error start_init(struct run *run)
{
    int pair[2];
    sigset_t all;

    TRY(run_link_pair(pair));
    run->link = pair[0];
    run->init.inside.link = pair[1];
    run->init.outer_link = pair[0];
    run->init.command = run->options->command;
    run->init.is_isolated = !run->options->is_not_isolated;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &run->mask);
    run->init.mask = run->mask;
    enum error error = run_init_start(&run->init, &run->init_pid);
    int reason = errno;
    sigprocmask(SIG_SETMASK, &run->mask, NULL);
    close(pair[1]);
    if (error != OK)
        run_refusal_explain("make namespaces", reason);
    return error;
}

/* The input and output of the command are not ours; the proxy's processes inherit nothing of them
 * but where errors go. */
static void let_go_of_streams(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return;
    dup2(fd, STDIN_FILENO);
    dup2(fd, STDOUT_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

/* Without isolation there is no place of the command's own for the bundle. */
static enum error make_bundle_file(struct run *run)
{
    const char *folder = getenv("XDG_RUNTIME_DIR");

    if (!run->options->is_not_isolated)
        return OK;
    snprintf(run->bundle_path, sizeof(run->bundle_path), "%s/sealgate-ca-XXXXXX",
             folder == NULL ? "/tmp" : folder);
    int fd = mkstemp(run->bundle_path);
    if (fd >= 0)
        close(fd);
    else
        run->bundle_path[0] = '\0';
    return fd >= 0 ? OK : ERR_SYSTEM;
}

static bool has_server(const struct run *run)
{
    return run->server.store != NULL;
}

static enum error ask_server(struct run *run)
{
    const struct process_run_source *source = run->options->server;

    return source == NULL || source->open(source->context, &run->server) ? OK : ERR_UNAVAILABLE;
}

static enum error prepare_upstream(struct run *run, const struct config *config)
{
    struct upstream_files **files = &run->supervisor.upstream_files;

    return has_server(run) ? upstream_files_new(run->server.credentials, files)
                           : upstream_files_read_logging(config, files);
}

static enum error prepare_configuration(struct run *run)
{
    struct config *config = run->supervisor.file.config;

    TRY(has_server(run) ? run_stores_build_for_server(&run->server, &run->stores)
                        : run_stores_build(run->options, config, &run->stores));
    TRY(make_bundle_file(run));
    run->settings = (struct config_private){
        .default_deny = run->stores.is_restricted,
        .hints_name_flags = !has_server(run),
        .upstream_proxy = run->server.proxy,
        .ca_path = slice_from_string(run->bundle_path[0] != '\0' ? run->bundle_path
                                                                 : run_certificates_path())};
    TRY(config_make_private(config, &run->settings));
    config->stores = run->stores.stores;
    run->supervisor.private_settings = &run->settings;
    TRY(prepare_upstream(run, config));
    return declared_values_read(config, NULL, &run->supervisor.declared);
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

static void say_what_is_weaker(const struct run *run)
{
    if (run->options->is_not_isolated)
        fputs("sealgate: warning: the command is not isolated: a program that ignores HTTPS_PROXY "
              "reaches the network directly, and the machine's services and processes are in its "
              "sight\n",
              stderr);
    if (has_server(run) && !run->stores.is_restricted)
        fprintf(stderr, "sealgate: the allowlist of %s is empty: here nothing is denied\n",
                run->server.store);
    else if (run->options->learns)
        fputs("sealgate: learning: nothing is denied\n", stderr);
    else if (!run->stores.is_restricted)
        fputs("sealgate: nothing is denied: there is no --allow, --secret or --store\n", stderr);
}

static enum error prepare(struct run *run)
{
    TRY(configuration_file_load(run->options->config_path, NULL, &run->supervisor.file));
    TRY(describe_surroundings(run));
    TRY(start_init(run));
    let_go_of_streams();
    hardening_prepare();
    TRY(ask_server(run));
    TRY(prepare_configuration(run));
    TRY(open_audit(run));
    TRY(supervisor_make_parts(&run->supervisor));
    TRY(open_listener(run));
    TRY(run_watch_open(run));
    sigprocmask(SIG_SETMASK, &run->mask, NULL);
    say_what_is_weaker(run);
    return OK;
}

/* The kernel ends everything in the namespaces with their first process. */
static void end_init(struct run *run)
{
    if (run->init_pid <= 0)
        return;
    kill(run->init_pid, SIGKILL);
    while (waitpid(run->init_pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

static void close_descriptor(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void run_clear(struct run *run)
{
    if (run->bundle_path[0] != '\0')
        unlink(run->bundle_path);
    close_descriptor(run->link);
    close_descriptor(run->audit);
    close_descriptor(run->bundle);
    close_descriptor(run->root);
    for (size_t i = 0; i < RUN_NETWORK_SOCKETS; i++)
        close_descriptor(run->sockets[i]);
    for (size_t i = 0; i < run->shared_count; i++)
        free(run->shared[i]);
    buffer_clear(&run->environment);
    buffer_clear(&run->unix_sockets);
    run_summary_free(run->summary);
    supervisor_clear(&run->supervisor);
    run_stores_clear(&run->stores);
}

static void print_summary(const struct run *run)
{
    run_summary_print_refusals(run->summary, !has_server(run), stderr);
    if (!run->options->learns)
        return;
    fputs("sealgate: this is what it needed:\n", stderr);
    run_summary_print_learned(run->summary, stderr);
}

static int live(struct run *run)
{
    supervisor_live(&run->supervisor);
    end_init(run);
    run_watch_close(run);
    if (!run->has_ended)
        fputs("sealgate: a process of the proxy has failed, and the command was ended\n", stderr);
    if (run->has_started)
        print_summary(run);
    return run->supervisor.exit_status;
}

int process_run(const struct process_run_options *options)
{
    static struct run run;

    run = (struct run){.options = options, .link = -1, .audit = -1, .bundle = -1, .root = -1};
    run.supervisor = (struct supervisor){
        .data_dir = -1, .lock = -1, .audit = {.write_fd = -1, .read_fd = -1}, .hooks = &run.hooks};
    run.hooks = run_start_hooks;
    run.hooks.context = &run;
    for (size_t i = 0; i < RUN_NETWORK_SOCKETS; i++)
        run.sockets[i] = -1;
    log_open("run", LEVEL_ERROR);
    signal(SIGCHLD, SIG_DFL); /* whoever ignored it before us: we have children to wait for */
    enum error error = sodium_init() < 0 ? ERR_CRYPTO : prepare(&run);
    int exit_status = error == OK ? live(&run) : 1;
    if (error != OK) {
        end_init(&run);
        run_watch_close(&run);
    }
    run_clear(&run);
    return exit_status;
}
