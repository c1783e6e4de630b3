/* SPDX-License-Identifier: Apache-2.0 */
/* The keyholder's life: keys in, channels up. Never touches a network. */
#include "process/keyholder/keyholder.h"

#include "observe/log.h"
#include "process/keyholder/key_files.h"
#include "process/keyholder/keyholder_state.h"

#include <sodium.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static struct keyholder *keyholder_of(struct child *child)
{
    return child->context;
}

static enum error make_sandbox_key(struct keyholder *keyholder)
{
    keyholder->sandbox_key = sodium_malloc(SANDBOX_MAC_KEY_SIZE);
    if (keyholder->sandbox_key == NULL)
        return ERR_NO_MEMORY;
    randombytes_buf(keyholder->sandbox_key, SANDBOX_MAC_KEY_SIZE);
    return OK;
}

/* `sealgate run`: they end with this process. */
static enum error make_keys_in_memory(struct keyholder *keyholder)
{
    TRY(root_create(time(NULL), &keyholder->root));
    return keyring_generate(keyholder->ring, NULL);
}

static enum error on_begin(struct child *child)
{
    struct keyholder *keyholder = keyholder_of(child);

    keyholder->workers = calloc(child->worker_count, sizeof(*keyholder->workers));
    keyholder->ring = keyring_new();
    if (keyholder->workers == NULL || keyholder->ring == NULL)
        return ERR_NO_MEMORY;
    keyholder->worker_count = child->worker_count;
    TRY(keyholder_tickets_start(keyholder));
    TRY(make_sandbox_key(keyholder));
    TRY(child_confine(child));
    if (child->config->data_dir.len == 0)
        return make_keys_in_memory(keyholder);
    TRY(key_files_open(child->config->data_dir, &keyholder->folder));
    TRY(key_files_load_root(keyholder->folder, &keyholder->root));
    TRY(key_files_load_sandbox_key(keyholder->folder, keyholder->sandbox_key,
                                   &keyholder->takes_over));
    return key_files_load_ring(keyholder->folder, keyholder->ring);
}

static void on_control_gone(struct peer *peer)
{
    struct keyholder *keyholder = peer->context;

    child_report_lost(keyholder->child, peer);
}

static void connect_control(struct keyholder *keyholder, struct message_peer *message)
{
    keyholder->control.generation = message->generation;
    enum error error =
        peer_open(&keyholder->control, keyholder->child->base, message_take_fd(&message->channel));
    if (error != OK)
        LOG(LEVEL_ERROR, "peer_not_connected", .error = error);
}

static void connect_worker(struct keyholder *keyholder, struct message_peer *message)
{
    if (message->index >= keyholder->worker_count)
        return;
    struct keyholder_worker **worker = &keyholder->workers[message->index];
    enum error error =
        *worker != NULL ? OK : keyholder_worker_new(keyholder, message->index, worker);
    if (error == OK)
        keyholder_worker_connect(*worker, message);
    else
        LOG(LEVEL_ERROR, "peer_not_connected", .error = error);
}

static void on_peer(struct child *child, struct message_peer *message)
{
    if (message->role == PROCESS_CONTROL)
        connect_control(keyholder_of(child), message);
    else if (message->role == PROCESS_WORKER)
        connect_worker(keyholder_of(child), message);
}

static void on_end(struct child *child)
{
    struct keyholder *keyholder = keyholder_of(child);

    peer_close(&keyholder->control);
    for (size_t i = 0; i < keyholder->worker_count; i++)
        keyholder_worker_free(keyholder->workers[i]);
    free(keyholder->workers);
    keyring_free(keyholder->ring);
    root_free(keyholder->root);
    keyholder_tickets_stop(keyholder);
    sodium_free(keyholder->sandbox_key);
    view_floor_clear(&keyholder->floor);
    if (keyholder->folder >= 0)
        close(keyholder->folder);
}

static enum error on_created(struct child *child)
{
    struct keyholder *keyholder = keyholder_of(child);

    keyholder->child = child;
    keyholder->folder = -1;
    view_floor_init(&keyholder->floor);
    keyholder->control = (struct peer){.role = PROCESS_CONTROL,
                                       .context = keyholder,
                                       .handlers = keyholder_calls_handlers,
                                       .on_gone = on_control_gone};
    return OK;
}

int keyholder_main(void)
{
    static const struct child_role role = {.role = PROCESS_KEYHOLDER,
                                           .on_created = on_created,
                                           .on_begin = on_begin,
                                           .on_peer = on_peer,
                                           .on_end = on_end};
    struct keyholder keyholder = {0};

    return child_run(&role, 0, &keyholder);
}
