/* SPDX-License-Identifier: Apache-2.0 */
/* The control process's life: database, listeners, channels. Never holds a secret key. */
#include "process/control/control_process.h"

#include "observe/log.h"
#include "observe/metrics.h"
#include "process/control/control_process_state.h"
#include "process/control/control_tls.h"
#include "store/store.h"

#include <stdlib.h>
#include <unistd.h>

enum { KEY_TEXT_MAX = 1024, DATABASE_REASON_MAX = 1024 };

static struct control_process *process_of(struct child *child)
{
    return child->context;
}

static struct control_settings settings_of(const struct control_process *process)
{
    const struct config *config = process->child->config;
    struct control_settings settings = {
        .decision = {.default_deny = config->default_deny},
        .proxy_advertise = process->proxy_address,
        .ca_path = config->sandbox_ca_path,
        .data_dir = config->data_dir,
        .audit_fd = process->audit_fd,
    };

    if (config->advertise.port != 0) {
        settings.proxy_advertise_name = config->advertise.host;
        settings.proxy_advertise.port = config->advertise.port;
    }
    return settings;
}

static enum error open_store(struct control_process *process)
{
    OWNED_STRUCT(buffer) *why = &(struct buffer){.limit = DATABASE_REASON_MAX};
    enum error error =
        store_open(SLICE("sqlite"), process->child->config->data_dir, why, &process->store);

    if (error != OK)
        LOG(LEVEL_ERROR, "database_not_opened", .detail = buffer_view(why), .error = error);
    return error;
}

/* The supervisor writes it to a file that only the owner can read. */
static void hand_over_first_key(struct control_process *process, const struct buffer *key)
{
    if (buffer_len(key) > 0)
        peer_post(
            &process->child->supervisor,
            &(struct message){.type = MESSAGE_FIRST_KEY, .first_key = {.key = buffer_view(key)}});
}

static enum error make_control(struct control_process *process)
{
    OWNED_STRUCT(buffer) *first_key = &(struct buffer){.limit = KEY_TEXT_MAX};
    struct control_settings settings = settings_of(process);
    struct control_services services = control_calls_services;

    services.context = process;
    TRY(control_new(process->child->base, process->store, &services, &settings, first_key,
                    &process->control));
    control_set_ready(process->control, false);
    control_calls_outdate_all(process, &process->keyholder);
    control_calls_outdate_all(process, &process->dialer);
    hand_over_first_key(process, first_key);
    return OK;
}

static enum error listen_everywhere(struct control_process *process)
{
    while (process->listener_count > 0) {
        struct control_listener listener = process->listeners[--process->listener_count];
        SSL_CTX *tls = listener.kind == CONTROL_TCP ? process->tls : NULL;

        TRY(control_listen(process->control, listener.fd, listener.kind, tls));
    }
    return OK;
}

static enum error make_workers(struct control_process *process)
{
    unsigned count = process->child->worker_count;

    process->workers = calloc(count, sizeof(*process->workers));
    if (process->workers == NULL)
        return ERR_NO_MEMORY;
    for (unsigned i = 0; i < count; i++)
        control_worker_init(process, i);
    return OK;
}

static void close_tls_files(struct control_process *process)
{
    if (process->certificate_fd >= 0)
        close(process->certificate_fd);
    if (process->key_fd >= 0)
        close(process->key_fd);
    process->certificate_fd = process->key_fd = -1;
}

static void on_control_tls(struct child *child, struct message_control_tls *files)
{
    struct control_process *process = process_of(child);

    process->certificate_fd = message_take_fd(&files->certificate);
    process->key_fd = message_take_fd(&files->key);
}

static enum error on_begin(struct child *child)
{
    struct control_process *process = process_of(child);

    TRY(make_workers(process));
    if (child->config->control_cert.len > 0) /* never plain HTTP when TLS is configured */
        TRY(control_tls_load(process->certificate_fd, process->key_fd, &process->tls));
    close_tls_files(process);
    TRY(child_confine(child));
    TRY(open_store(process));
    TRY(make_control(process));
    return listen_everywhere(process);
}

static void on_reconfigure(struct child *child)
{
    struct control_settings settings = settings_of(process_of(child));

    control_reconfigure(process_of(child)->control, &settings);
}

static void on_service_gone(struct peer *peer)
{
    struct control_process *process = peer->context;

    if (peer == &process->dialer && process->control != NULL)
        control_on_dialer_gone(process->control);
    child_report_lost(process->child, peer);
}

static void connect_service(struct control_process *process, struct peer *peer,
                            struct message_peer *message)
{
    peer->generation = message->generation;
    if (peer == &process->dialer && process->control != NULL)
        control_on_dialer_gone(process->control); /* the one before */
    enum error error = peer_open(peer, process->child->base, message_take_fd(&message->channel));
    if (error != OK)
        LOG(LEVEL_ERROR, "peer_not_connected", .error = error);
    else if (process->control != NULL)
        control_calls_outdate_all(process, peer);
}

/* When it could not begin, workers still come until the loop has ended. */
static bool takes_worker(const struct control_process *process, unsigned index)
{
    return process->control != NULL && index < process->child->worker_count;
}

static void on_peer(struct child *child, struct message_peer *message)
{
    struct control_process *process = process_of(child);

    if (message->role == PROCESS_KEYHOLDER)
        connect_service(process, &process->keyholder, message);
    else if (message->role == PROCESS_DIALER)
        connect_service(process, &process->dialer, message);
    else if (message->role == PROCESS_WORKER && takes_worker(process, message->index))
        control_worker_connect(&process->workers[message->index], message);
}

static void add_listener(struct control_process *process, struct message_listener *message)
{
    if (process->listener_count == CONTROL_LISTENERS_MAX) {
        LOG(LEVEL_ERROR, "too_many_listeners");
        return;
    }
    process->listeners[process->listener_count++] = (struct control_listener){
        .fd = message_take_fd(&message->socket),
        .kind = message->kind == LISTENER_CONTROL ? CONTROL_TCP : CONTROL_UNIX};
}

static void on_listener(struct child *child, struct message_listener *message)
{
    struct control_process *process = process_of(child);

    if (message->kind == LISTENER_CONTROL || message->kind == LISTENER_CONTROL_SOCKET)
        add_listener(process, message);
    else if (message->kind == LISTENER_PROXY && process->proxy_address.port == 0)
        process->proxy_address = message->address;
}

static void on_shared_pages(struct child *child, struct message_shared_pages *message)
{
    struct control_process *process = process_of(child);
    size_t workers = child->worker_count;
    enum error error = shared_pages_map(workers, message_take_fd(&message->metrics),
                                        message_take_fd(&message->counts), &process->pages);

    if (error == OK)
        metrics_attach(process->pages.metrics, shared_pages_rows(workers),
                       shared_pages_row_of_control(workers));
    else
        LOG(LEVEL_ERROR, "metrics_not_shared", .error = error);
}

static void on_audit(struct child *child, struct message_audit *message)
{
    struct control_process *process = process_of(child);
    int former = process->audit_fd;

    process->audit_fd = message_take_fd(&message->file);
    if (process->control != NULL)
        on_reconfigure(child);
    if (former >= 0)
        close(former);
}

static void on_all_ready(struct child *child, bool is_ready)
{
    if (process_of(child)->control != NULL)
        control_set_ready(process_of(child)->control, is_ready);
}

static bool on_message(struct child *child, struct message *message)
{
    if (!child->has_begun)
        return false;
    if (message->type == MESSAGE_CREATE_SANDBOX)
        return control_sandbox_create(process_of(child), &message->create_sandbox);
    return control_declaration_take(process_of(child), message);
}

static void on_drained(void *argument)
{
    child_drained(argument);
}

static void on_drain(struct child *child)
{
    control_drain(process_of(child)->control, on_drained, child);
}

static enum error on_created(struct child *child)
{
    struct control_process *process = process_of(child);

    process->child = child;
    process->audit_fd = process->certificate_fd = process->key_fd = -1;
    process->keyholder = (struct peer){.role = PROCESS_KEYHOLDER,
                                       .context = process,
                                       .handlers = control_calls_from_keyholder,
                                       .on_gone = on_service_gone};
    process->dialer = (struct peer){.role = PROCESS_DIALER,
                                    .context = process,
                                    .handlers = control_calls_from_dialer,
                                    .on_gone = on_service_gone};
    process->declaration = control_declaration_new();
    return process->declaration == NULL ? ERR_NO_MEMORY : OK;
}

static void on_end(struct child *child)
{
    struct control_process *process = process_of(child);

    control_free(process->control);
    store_close(process->store);
    peer_close(&process->keyholder);
    peer_close(&process->dialer);
    for (unsigned i = 0; process->workers != NULL && i < child->worker_count; i++)
        peer_close(&process->workers[i].peer);
    free(process->workers);
    control_declaration_free(process->declaration);
    SSL_CTX_free(process->tls);
    if (process->audit_fd >= 0)
        close(process->audit_fd);
}

int control_process_main(void)
{
    static const struct child_role role = {.role = PROCESS_CONTROL,
                                           .on_created = on_created,
                                           .on_begin = on_begin,
                                           .on_reconfigure = on_reconfigure,
                                           .on_peer = on_peer,
                                           .on_listener = on_listener,
                                           .on_shared_pages = on_shared_pages,
                                           .on_audit = on_audit,
                                           .on_control_tls = on_control_tls,
                                           .on_all_ready = on_all_ready,
                                           .on_message = on_message,
                                           .on_drain = on_drain,
                                           .on_end = on_end};
    static struct control_process process;

    return child_run(&role, 0, &process);
}
