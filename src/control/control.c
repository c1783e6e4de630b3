/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the parts together, and hands on what other processes say. Never decides anything itself. */

#include "control/control.h"

#include "control/auth.h"
#include "control/ca_files.h"
#include "control/clock.h"
#include "control/declared.h"
#include "control/explain.h"
#include "control/idle.h"
#include "control/json_memory.h"
#include "control/propagation.h"
#include "control/rotation.h"
#include "control/router.h"
#include "control/sandbox_signature.h"
#include "control/store_signature.h"
#include "observe/log.h"

#include <signal.h>
#include <sodium.h>
#include <stdlib.h>

static enum error control_adopt_settings(struct control *control,
                                         const struct control_settings *settings)
{
    struct arena memory;
    struct control_settings adopted = *settings;
    arena_init(&memory);
    enum error error = arena_copy(&memory, settings->ca_path, &adopted.ca_path);
    if (error == OK)
        error = arena_copy(&memory, settings->data_dir, &adopted.data_dir);
    if (error != OK) {
        arena_clear(&memory);
        return error;
    }
    arena_clear(&control->settings_memory);
    control->settings_memory = memory;
    control->settings = adopted;
    return OK;
}

static enum error control_make_first_key(struct control *control, struct buffer *out)
{
    uint64_t count;
    char text[AUTH_KEY_SIZE];
    struct api_key key;
    TRY(api_keys_count(control->store, &count));
    if (count > 0)
        return OK;
    const struct api_key_new new_key = {.org_id = control->default_org,
                                        .name = SLICE("first"),
                                        .text = auth_make_key(text),
                                        .is_admin = true};
    enum error error = buffer_append(out, new_key.text);
    if (error == OK)
        error = api_keys_create(control->store, &control->memory, &new_key, &key);
    if (error != OK)
        buffer_reset(out);
    sodium_memzero(text, sizeof text);
    return error;
}

static enum error control_make_parts(struct control *control)
{
    const struct http_server_events events = {.context = control,
                                              .on_request = router_on_request,
                                              .on_fault = router_on_fault,
                                              .on_gone = router_on_gone};
    control->propagation = propagation_new(control);
    control->explain_waits = explain_waits_new(control);
    control->rotation = rotation_new(control);
    control->idle = idle_new(control);
    control->ca_files = ca_files_new(control);
    control->declared = declared_new();
    control->signatures = store_signatures_new();
    control->server = http_server_new(control->base, &events);
    bool made = control->propagation != NULL && control->explain_waits != NULL &&
                control->rotation != NULL && control->idle != NULL && control->ca_files != NULL &&
                control->declared != NULL && control->signatures != NULL && control->server != NULL;
    return made ? OK : ERR_NO_MEMORY;
}

static enum error control_start(struct control *control, const struct control_settings *settings,
                                struct buffer *out_first_key)
{
    struct org org;
    TRY(control_adopt_settings(control, settings));
    TRY(orgs_ensure_default(control->store, &control->memory, &org));
    control->default_org = org.id;
    TRY(control_make_parts(control));
    enum error error = ca_files_ensure(control->ca_files);
    if (error != OK) /* the idle round tries again */
        LOG(LEVEL_WARN, "ca_not_known_yet", .error = error);
    return control_make_first_key(control, out_first_key);
}

enum error control_new(struct event_base *base, struct store *store,
                       const struct control_services *services,
                       const struct control_settings *settings, struct buffer *out_first_key,
                       struct control **out)
{
    struct control *control = calloc(1, sizeof *control);
    if (control == NULL)
        return ERR_NO_MEMORY;
    json_memory_install();
    signal(SIGPIPE, SIG_IGN);
    control->base = base;
    control->store = store;
    control->services = *services;
    control->generation = clock_monotonic_ns(); /* beyond those of the process before */
    enum error error = control_start(control, settings, out_first_key);
    if (error != OK) {
        control_free(control);
        return error;
    }
    *out = control;
    return OK;
}

void control_free(struct control *control)
{
    if (control == NULL)
        return;
    http_server_free(control->server); /* first: calls then have no connection left */
    propagation_free(control->propagation);
    explain_waits_free(control->explain_waits);
    rotation_free(control->rotation);
    idle_free(control->idle);
    ca_files_free(control->ca_files);
    declared_free(control->declared);
    store_signatures_free(control->signatures);
    arena_clear(&control->settings_memory);
    arena_clear(&control->memory);
    free(control);
}

enum error control_listen(struct control *control, int fd, enum control_listener_kind kind,
                          SSL_CTX *tls)
{
    return http_server_listen(control->server, fd, kind == CONTROL_UNIX, tls);
}

void control_reconfigure(struct control *control, const struct control_settings *settings)
{
    if (control_adopt_settings(control, settings) != OK)
        LOG(LEVEL_ERROR, "settings_not_adopted", .error = ERR_NO_MEMORY);
}

void control_set_ready(struct control *control, bool is_ready)
{
    control->lacks_processes = !is_ready;
    if (is_ready && !control->has_taken_over)
        sandbox_signature_take_over(control);
    if (is_ready && ca_files_root(control->ca_files).len == 0 &&
        ca_files_refresh(control->ca_files) != OK)
        LOG(LEVEL_WARN, "ca_not_known_yet");
}

void control_drain(struct control *control, void (*done)(void *argument), void *argument)
{
    http_server_drain(control->server, done, argument);
}

void control_on_worker_ready(struct control *control, unsigned worker)
{
    propagation_on_worker_ready(control->propagation, worker);
}

void control_on_worker_gone(struct control *control, unsigned worker)
{
    propagation_on_worker_gone(control->propagation, worker);
}

static struct slice find_by_source(struct control *control, struct arena *arena,
                                   const struct ip_address *source)
{
    char text[IP_ADDRESS_TEXT_MAX];
    struct slice id = SLICE_NONE;
    enum error error =
        sandboxes_find_source(control->store, arena, ip_address_format(source, text), &id);
    if (error != OK && error != ERR_NOT_FOUND)
        LOG(LEVEL_ERROR, "source_not_looked_up", .error = error);
    return error == OK ? id : SLICE_NONE;
}

void control_on_view_request(struct control *control, unsigned worker, uint64_t ticket,
                             struct slice sandbox_id, const struct ip_address *source)
{
    struct arena arena;
    arena_init(&arena);
    if (sandbox_id.len == 0 && source != NULL && source->len > 0)
        sandbox_id = find_by_source(control, &arena, source);
    propagation_on_request(control->propagation, worker, ticket, sandbox_id);
    arena_clear(&arena);
}

void control_on_view_release(struct control *control, unsigned worker, struct slice sandbox_id)
{
    propagation_on_release(control->propagation, worker, sandbox_id);
}

void control_on_view_taken(struct control *control, unsigned worker, uint64_t push)
{
    propagation_on_taken(control->propagation, worker, push);
}

uint64_t control_generation(const struct control *control)
{
    return control->generation;
}

void control_on_views_outdated(struct control *control, uint64_t push)
{
    propagation_on_taken(control->propagation, PROPAGATION_DIALER, push);
}

void control_on_dialer_gone(struct control *control)
{
    propagation_on_dialer_gone(control->propagation);
}

void control_on_activity(struct control *control, unsigned worker, struct slice sandbox_id)
{
    (void)worker;
    idle_note_activity(control->idle, sandbox_id);
}

void control_on_resolved(struct control *control, uint64_t ticket,
                         const struct control_resolution *resolution)
{
    explain_on_resolved(control->explain_waits, ticket, resolution);
}
