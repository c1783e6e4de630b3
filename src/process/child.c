/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a child process. Never outlives the supervisor's end of its channel. */
#include "process/child.h"

#include "observe/log.h"
#include "process/hardening.h"

#include <event2/event.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

enum { SUPERVISOR_FD = 3 };

static struct child *child_of(struct peer *peer)
{
    return peer->context;
}

static void child_stop(struct child *child)
{
    event_base_loopbreak(child->base);
}

/* When another process has gone, its end is the news, and the supervisor's to tell: often it was
 * the supervisor that ended it. */
static void child_fail(struct child *child, const char *event, enum error error)
{
    LOG(error == ERR_CLOSED ? LEVEL_INFO : LEVEL_ERROR, event, .error = error);
    child->has_failed = true;
    child_stop(child);
}

/* The former configuration lives until the role has moved over to the new one. */
static void child_replace_config(struct child *child, struct config *config)
{
    OWNED_STRUCT(config) *former = child->config;

    child->config = config;
    if (child->has_begun && child->role->on_reconfigure != NULL)
        child->role->on_reconfigure(child);
    (void)former;
}

static enum error child_parse_config(const struct child *child,
                                     const struct message_configuration *message,
                                     struct config **out)
{
    struct config_error why;
    OWNED_STRUCT(config) *config = NULL;

    enum error error = config_parse(message->text, message->path, &config, &why);
    if (error == ERR_CONFIG)
        LOG(LEVEL_ERROR, "configuration_refused", .detail = slice_from_string(why.message));
    if (error != OK)
        return error;
    TRY(child->private_settings == NULL ? config_override_data_dir(config, message->data_dir)
                                        : config_make_private(config, child->private_settings));
    *out = TAKE(config);
    return OK;
}

static void free_private_settings(struct child *child)
{
    struct config_private *settings = child->private_settings;

    if (settings == NULL)
        return;
    free((void *)(uintptr_t)settings->ca_path.data);
    free((void *)(uintptr_t)settings->upstream_proxy.data);
    free(settings);
}

/* The command's terminal is no place for what only an operator would want to know. */
static void on_private(struct peer *peer, struct message *message)
{
    struct child *child = child_of(peer);
    const struct message_private *private = &message->private;
    struct config_private *settings = calloc(1, sizeof(*settings));
    char *ca_path = slice_dup(private->ca_path);
    char *upstream_proxy = slice_dup(private->upstream_proxy);

    if (settings == NULL || ca_path == NULL || upstream_proxy == NULL) {
        free(settings);
        free(ca_path);
        free(upstream_proxy);
        child_fail(child, "configuration_unusable", ERR_NO_MEMORY);
        return;
    }
    free_private_settings(child);
    *settings = (struct config_private){.default_deny = private->default_deny,
                                        .hints_name_flags = private->hints_name_flags,
                                        .ca_path = slice_from_string(ca_path),
                                        .upstream_proxy = slice_from_string(upstream_proxy)};
    child->private_settings = settings;
    log_set_level(LEVEL_ERROR);
}

static void on_configuration(struct peer *peer, struct message *message)
{
    struct child *child = child_of(peer);
    struct config *config = NULL;
    enum error error = child_parse_config(child, &message->configuration, &config);

    if (error != OK) {
        child_fail(child, "configuration_unusable", error);
        return;
    }
    child->route_tag = message->configuration.route_tag;
    child_replace_config(child, config);
}

static void on_topology(struct peer *peer, struct message *message)
{
    struct child *child = child_of(peer);

    child->worker_count = message->topology.worker_count;
    child->owner_uid = message->topology.owner_uid;
}

static void on_view_key(struct peer *peer, struct message *message)
{
    memcpy(child_of(peer)->view_key.bytes, message->view_key.key, MESSAGE_KEY_SIZE);
}

static void on_shared_pages(struct peer *peer, struct message *message)
{
    struct child *child = child_of(peer);

    if (child->role->on_shared_pages != NULL)
        child->role->on_shared_pages(child, &message->shared_pages);
}

static void on_listener(struct peer *peer, struct message *message)
{
    struct child *child = child_of(peer);

    if (child->role->on_listener != NULL)
        child->role->on_listener(child, &message->listener);
}

static void on_audit(struct peer *peer, struct message *message)
{
    struct child *child = child_of(peer);

    if (child->role->on_audit != NULL)
        child->role->on_audit(child, &message->audit);
}

static void on_control_tls(struct peer *peer, struct message *message)
{
    struct child *child = child_of(peer);

    if (child->role->on_control_tls != NULL)
        child->role->on_control_tls(child, &message->control_tls);
}

static void on_upstream_file(struct peer *peer, struct message *message)
{
    struct child *child = child_of(peer);

    if (child->role->on_upstream_file == NULL || !child->role->on_upstream_file(child, message))
        child_fail(child, "message_not_for_this_role", ERR_FORBIDDEN);
}

static void on_peer(struct peer *peer, struct message *message)
{
    struct child *child = child_of(peer);

    if (child->role->on_peer != NULL)
        child->role->on_peer(child, &message->peer);
}

static void on_begin(struct peer *peer, struct message *message UNUSED)
{
    struct child *child = child_of(peer);
    enum error error = child->config == NULL ? ERR_CONFIG : child->role->on_begin(child);

    if (error == OK && !child->is_confined)
        error = ERR_FORBIDDEN;
    if (error != OK) {
        child_fail(child, "start_failed", error);
        return;
    }
    child->has_begun = true;
    peer_post(peer, &(struct message){.type = MESSAGE_READY});
}

static void on_all_ready(struct peer *peer, struct message *message)
{
    struct child *child = child_of(peer);

    if (child->has_begun && child->role->on_all_ready != NULL)
        child->role->on_all_ready(child, message->all_ready.is_ready);
}

static void on_drain(struct peer *peer, struct message *message UNUSED)
{
    struct child *child = child_of(peer);

    if (child->has_begun && child->role->on_drain != NULL)
        child->role->on_drain(child);
    else
        child_drained(child);
}

/* What only some roles accept. */
static void on_role_message(struct peer *peer, struct message *message)
{
    struct child *child = child_of(peer);

    if (!child->has_begun)
        return; /* it could not start, and is on its way out */
    if (child->role->on_message == NULL || !child->role->on_message(child, message))
        child_fail(child, "message_not_for_this_role", ERR_FORBIDDEN);
}

static message_handler *const handlers[MESSAGE_COUNT] = {
    [MESSAGE_CONFIGURATION] = on_configuration,
    [MESSAGE_PRIVATE] = on_private,
    [MESSAGE_TOPOLOGY] = on_topology,
    [MESSAGE_VIEW_KEY] = on_view_key,
    [MESSAGE_SHARED_PAGES] = on_shared_pages,
    [MESSAGE_LISTENER] = on_listener,
    [MESSAGE_AUDIT] = on_audit,
    [MESSAGE_PEER] = on_peer,
    [MESSAGE_BEGIN] = on_begin,
    [MESSAGE_ALL_READY] = on_all_ready,
    [MESSAGE_DRAIN] = on_drain,
    [MESSAGE_DECLARE_BEGIN] = on_role_message,
    [MESSAGE_DECLARE_STORE] = on_role_message,
    [MESSAGE_DECLARE_SECRET] = on_role_message,
    [MESSAGE_DECLARE_VALUE] = on_role_message,
    [MESSAGE_DECLARE_END] = on_role_message,
    [MESSAGE_CREATE_SANDBOX] = on_role_message,
    [MESSAGE_CONTROL_TLS] = on_control_tls,
    [MESSAGE_PROXY_CREDENTIALS] = on_upstream_file,
    [MESSAGE_HOST_ROOTS] = on_upstream_file,
    [MESSAGE_CLIENT_CERTIFICATE] = on_upstream_file,
};

static void on_supervisor_gone(struct peer *peer)
{
    child_stop(child_of(peer));
}

void child_drained(struct child *child)
{
    peer_post(&child->supervisor, &(struct message){.type = MESSAGE_DRAINED});
}

void child_report_lost(struct child *child, const struct peer *peer)
{
    peer_post(&child->supervisor, &(struct message){.type = MESSAGE_PEER_LOST,
                                                    .peer_lost = {.role = peer->role,
                                                                  .index = peer->index,
                                                                  .generation = peer->generation}});
}

/* Signals come from terminals and service managers to the whole group; only the supervisor acts on
 * them. Its channel says the rest. */
static void ignore_signals(void)
{
    const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2};

    for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
        signal(ignored[i], SIG_IGN);
}

static enum error child_prepare(struct child *child)
{
    ignore_signals();
    TRY(hardening_confine());
    if (sodium_init() < 0)
        return ERR_CRYPTO;
    child->base = event_base_new();
    if (child->base == NULL)
        return ERR_NO_MEMORY;
    return peer_open(&child->supervisor, child->base, SUPERVISOR_FD);
}

static const char *open_log(enum process_role role, unsigned index)
{
    static char name[32]; /* the log keeps it */

    if (role == PROCESS_WORKER)
        snprintf(name, sizeof(name), "%s %u", hardening_role_name(role), index);
    else
        snprintf(name, sizeof(name), "%s", hardening_role_name(role));
    log_open(name, LEVEL_INFO);
    prctl(PR_SET_NAME, name, 0, 0, 0);
    return name;
}

static void child_live(struct child *child)
{
    enum error error = child->role->on_created == NULL ? OK : child->role->on_created(child);

    if (error == OK)
        event_base_dispatch(child->base);
    else
        child_fail(child, "start_failed", error);
    if (child->role->on_end != NULL)
        child->role->on_end(child);
}

int child_run(const struct child_role *role, unsigned index, void *context)
{
    struct child child = {.role = role, .index = index, .context = context};

    open_log(role->role, index);
    child.supervisor = (struct peer){.role = PROCESS_SUPERVISOR,
                                     .context = &child,
                                     .handlers = handlers,
                                     .on_gone = on_supervisor_gone};
    enum error error = child_prepare(&child);
    if (error == OK)
        child_live(&child);
    else
        LOG(LEVEL_ERROR, "process_not_started", .error = error);
    peer_close(&child.supervisor);
    config_free(child.config);
    free_private_settings(&child);
    sodium_memzero(&child.view_key, sizeof(child.view_key));
    if (child.base != NULL)
        event_base_free(child.base);
    return error != OK || child.has_failed ? 1 : 0;
}
