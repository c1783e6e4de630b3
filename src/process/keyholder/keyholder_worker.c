/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker asks the keyholder for. Never answers on the worker's word: views are
 * authenticated, and every value is checked against its box. */
#include "observe/log.h"
#include "process/keyholder/keyholder_state.h"

#include <event2/event.h>
#include <stdlib.h>
#include <time.h>

/* Boxes opened before other workers get their turn. */
enum { BOXES_PER_TURN = 16 };

/* One request for values. While it runs nothing more is read from the worker, and no value is
 * released before the one before has left: at most one lies in the queue. */
struct value_job {
    bool is_running;
    uint64_t ticket, handle;
    struct authority target;
    uint32_t next_secret;
};

struct keyholder_worker {
    struct keyholder *keyholder;
    struct peer peer;
    EVP_PKEY *leaf_key;
    struct presented_views views;
    struct value_job job;
    struct event *turn;
};

static struct keyholder_worker *worker_of(struct peer *peer)
{
    return peer->context;
}

static void on_leaf_key(struct peer *peer, struct message *message)
{
    struct keyholder_worker *worker = worker_of(peer);
    const unsigned char *der = (const unsigned char *)message->leaf_key.public_key.data;
    long len = (long)message->leaf_key.public_key.len;
    OWNED(EVP_PKEY) *key = d2i_PUBKEY(NULL, &der, len);

    if (worker->leaf_key != NULL || key == NULL || !EVP_PKEY_is_a(key, "EC") ||
        EVP_PKEY_get_bits(key) != 256)
        peer_reject(peer, "leaf_key_refused", ERR_CRYPTO);
    else
        worker->leaf_key = TAKE(key);
}

/* The certificate in DER; the caller frees it. */
static enum error mint(const struct keyholder_worker *worker, const struct host_name *host,
                       struct slice *out)
{
    OWNED(X509) *leaf = NULL;
    unsigned char *der = NULL;

    if (worker->leaf_key == NULL)
        return ERR_FORBIDDEN;
    TRY(leaf_mint(worker->keyholder->root, worker->leaf_key, host, time(NULL), &leaf));
    int len = i2d_X509(leaf, &der);
    if (len <= 0)
        return ERR_CRYPTO;
    *out = slice_of(der, (size_t)len);
    return OK;
}

static void on_mint(struct peer *peer, struct message *message)
{
    struct slice certificate = SLICE_NONE;
    enum error error = mint(worker_of(peer), &message->mint.host, &certificate);

    peer_post(peer, &(struct message){.type = MESSAGE_MINTED,
                                      .minted = {.ticket = message->mint.ticket,
                                                 .error = error,
                                                 .certificate = certificate}});
    OPENSSL_free((void *)(uintptr_t)certificate.data);
}

static void on_present_view(struct peer *peer, struct message *message)
{
    struct keyholder_worker *worker = worker_of(peer);
    enum error error = presented_views_add(&worker->views, &worker->keyholder->child->view_key,
                                           &message->present_view);

    if (error != OK)
        peer_reject(peer, "view_refused", error);
}

static void on_forget_view(struct peer *peer, struct message *message)
{
    presented_views_remove(&worker_of(peer)->views, message->forget_view.handle);
}

static void job_answer(struct keyholder_worker *worker, const struct message *answer)
{
    worker->job.is_running = false;
    peer_post(&worker->peer, answer);
    if (peer_is_open(&worker->peer))
        channel_resume(worker->peer.channel);
}

static void job_end(struct keyholder_worker *worker, enum error error)
{
    job_answer(worker,
               &(struct message){.type = MESSAGE_VALUES_DONE,
                                 .values_done = {.ticket = worker->job.ticket, .error = error}});
}

/* Also in the middle: what a change took away is not released any more. */
static void job_outdated(struct keyholder_worker *worker)
{
    job_answer(worker, &(struct message){.type = MESSAGE_VIEW_OUTDATED,
                                         .view_outdated = {.ticket = worker->job.ticket}});
}

static void send_value(struct keyholder_worker *worker, const struct opened_box *box)
{
    struct secret value = opened_box_value(box);

    peer_post(&worker->peer, &(struct message){.type = MESSAGE_VALUE,
                                               .value = {.ticket = worker->job.ticket,
                                                         .secret_index = worker->job.next_secret,
                                                         .value = secret_reveal(&value)}});
}

/* A box that does not fit its place is withheld, and the others still go. */
static void job_release_next(struct keyholder_worker *worker, struct presented_view *presented)
{
    struct value_job *job = &worker->job;
    OWNED_STRUCT(opened_box) *box = NULL;
    enum error error =
        keyholder_values_open(worker->keyholder, presented, job->next_secret, &job->target, &box);

    if (error == OK)
        send_value(worker, box);
    else if (error != ERR_FORBIDDEN)
        LOG(LEVEL_ERROR, "value_withheld", .sandbox = presented->view->sandbox_id,
            .detail = presented->view->secrets[job->next_secret].name, .error = error);
    job->next_secret++;
}

static bool can_send(const struct keyholder_worker *worker)
{
    return peer_is_open(&worker->peer) && channel_is_drained(worker->peer.channel);
}

static void job_step(struct keyholder_worker *worker)
{
    struct value_job *job = &worker->job;
    struct presented_view *presented = presented_views_find(&worker->views, job->handle);
    const struct timeval at_once = {0, 0};

    if (presented == NULL) {
        job_end(worker, ERR_NOT_FOUND);
        return;
    }
    if (!view_floor_honours(&worker->keyholder->floor, presented->view)) {
        job_outdated(worker);
        return;
    }
    for (int i = 0; i < BOXES_PER_TURN && can_send(worker); i++) {
        if (job->next_secret == presented->view->secret_count) {
            job_end(worker, OK);
            return;
        }
        job_release_next(worker, presented);
    }
    if (can_send(worker))
        event_add(worker->turn, &at_once);
}

static void on_open_values(struct peer *peer, struct message *message)
{
    struct keyholder_worker *worker = worker_of(peer);

    worker->job = (struct value_job){.is_running = true,
                                     .ticket = message->open_values.ticket,
                                     .handle = message->open_values.handle,
                                     .target = message->open_values.target};
    channel_pause(peer->channel);
    job_step(worker);
}

static void on_turn(evutil_socket_t fd UNUSED, short what UNUSED, void *argument)
{
    struct keyholder_worker *worker = argument;

    if (worker->job.is_running)
        job_step(worker);
}

static void on_drained(struct peer *peer)
{
    on_turn(-1, 0, worker_of(peer));
}

static message_handler *const handlers[MESSAGE_COUNT] = {
    [MESSAGE_LEAF_KEY] = on_leaf_key,         [MESSAGE_MINT] = on_mint,
    [MESSAGE_PRESENT_VIEW] = on_present_view, [MESSAGE_FORGET_VIEW] = on_forget_view,
    [MESSAGE_OPEN_VALUES] = on_open_values,
};

static void worker_forget(struct keyholder_worker *worker)
{
    event_del(worker->turn);
    worker->job = (struct value_job){0};
    presented_views_clear(&worker->views);
    EVP_PKEY_free(TAKE(worker->leaf_key));
}

static void on_gone(struct peer *peer)
{
    struct keyholder_worker *worker = worker_of(peer);

    worker_forget(worker);
    child_report_lost(worker->keyholder->child, peer);
}

enum error keyholder_worker_new(struct keyholder *keyholder, unsigned index,
                                struct keyholder_worker **out)
{
    struct keyholder_worker *worker = calloc(1, sizeof(*worker));

    if (worker == NULL)
        return ERR_NO_MEMORY;
    worker->keyholder = keyholder;
    worker->turn = evtimer_new(keyholder->child->base, on_turn, worker);
    worker->peer = (struct peer){.role = PROCESS_WORKER,
                                 .index = index,
                                 .context = worker,
                                 .handlers = handlers,
                                 .on_gone = on_gone,
                                 .on_drained = on_drained};
    presented_views_init(&worker->views);
    if (worker->turn == NULL) {
        free(worker);
        return ERR_NO_MEMORY;
    }
    *out = worker;
    return OK;
}

void keyholder_worker_free(struct keyholder_worker *worker)
{
    if (worker == NULL)
        return;
    peer_close(&worker->peer);
    worker_forget(worker);
    event_free(worker->turn);
    free(worker);
}

/* A worker that is not told begins nothing; one that was told less goes on with what it knows. */
static void send_own_ca(struct keyholder_worker *worker)
{
    OWNED_STRUCT(buffer) *pem = &(struct buffer){.limit = KEYHOLDER_CERTIFICATES_MAX};
    enum error error = keyholder_certificates(worker->keyholder, pem);

    if (error != OK)
        LOG(LEVEL_ERROR, "own_ca_not_sent", .error = error);
    else
        peer_post(&worker->peer,
                  &(struct message){.type = MESSAGE_OWN_CA, .own_ca = {buffer_view(pem)}});
}

void keyholder_worker_connect(struct keyholder_worker *worker, struct message_peer *message)
{
    struct keyholder *keyholder = worker->keyholder;

    worker_forget(worker);
    worker->peer.generation = message->generation;
    enum error error =
        peer_open(&worker->peer, keyholder->child->base, message_take_fd(&message->channel));
    if (error != OK) {
        LOG(LEVEL_ERROR, "peer_not_connected", .error = error);
        return;
    }
    send_own_ca(worker);
    keyholder_tickets_send(keyholder, &worker->peer);
}

void keyholder_worker_rotate_tickets(struct keyholder_worker *worker)
{
    keyholder_tickets_send(worker->keyholder, &worker->peer);
}

void keyholder_worker_root_rotated(struct keyholder_worker *worker)
{
    send_own_ca(worker);
    peer_post(&worker->peer, &(struct message){.type = MESSAGE_LEAVES_STALE});
}
