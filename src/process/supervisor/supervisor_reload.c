/* SPDX-License-Identifier: Apache-2.0 */
/* SIGHUP: a new configuration, whole or not at all. Never leaves half of a bad one in force. */
#include "observe/log.h"
#include "process/supervisor/supervisor_state.h"

/* What a reload has read, before any of it is in force. */
struct reload {
    struct configuration_file file;
    struct declared_values *declared;
    struct upstream_files *upstream_files;
    struct audit_output audit;
};

static bool endpoints_equal(const struct config_endpoints *a, const struct config_endpoints *b)
{
    bool equal = a->count == b->count;

    for (size_t i = 0; equal && i < a->count; i++)
        equal = a->items[i].port == b->items[i].port &&
                ip_address_equals(&a->items[i].address, &b->items[i].address);
    return equal;
}

static bool strings_equal(const struct config_strings *a, const struct config_strings *b)
{
    bool equal = a->count == b->count;

    for (size_t i = 0; equal && i < a->count; i++)
        equal = slice_equals(a->items[i], b->items[i]);
    return equal;
}

static bool trust_equals(const struct config *a, const struct config *b)
{
    return a->trust_system == b->trust_system && strings_equal(&a->trust_files, &b->trust_files);
}

static void warn_when(bool is_changed, const char *key)
{
    if (is_changed)
        LOG(LEVEL_WARN, "reload_needs_restart", .name = key);
}

/* Sockets, directories, certificates and the number of processes are as they were at the start. */
static void warn_of_unchangeable(const struct supervisor *supervisor,
                                 const struct configuration_file *file)
{
    const struct config *now = supervisor->file.config, *next = file->config;

    warn_when(!slice_equals(now->data_dir, next->data_dir), "data_dir");
    warn_when(!endpoints_equal(&now->listen_proxy, &next->listen_proxy), "listen.proxy");
    warn_when(!endpoints_equal(&now->listen_transparent, &next->listen_transparent),
              "listen.transparent");
    warn_when(!endpoints_equal(&now->listen_dns, &next->listen_dns), "listen.dns");
    warn_when(!endpoints_equal(&now->listen_control, &next->listen_control), "listen.control");
    warn_when(!trust_equals(now, next), "upstream.trust");
    warn_when(!slice_equals(now->control_cert, next->control_cert) ||
                  !slice_equals(now->control_key, next->control_key),
              "control_tls");
    warn_when(supervisor->worker_count != configuration_file_workers(file), "workers");
}

static void reload_clear(struct reload *reload)
{
    configuration_file_clear(&reload->file);
    declared_values_free(reload->declared);
    upstream_files_free(reload->upstream_files);
    audit_output_close(&reload->audit);
}

static enum error reload_read(const struct supervisor *supervisor, struct reload *reload)
{
    TRY(configuration_file_load(supervisor->file.path, supervisor->file.data_dir, &reload->file));
    TRY(declared_values_read(reload->file.config, supervisor->declared, &reload->declared));
    TRY(upstream_files_read_logging(reload->file.config, &reload->upstream_files));
    return audit_output_open(reload->file.config, &reload->audit);
}

/* Afterwards `reload` holds what was in force before. */
static void reload_exchange(struct supervisor *supervisor, struct reload *reload)
{
    struct reload former = {supervisor->file, supervisor->declared, supervisor->upstream_files,
                            supervisor->audit};

    supervisor->file = reload->file;
    supervisor->declared = reload->declared;
    supervisor->upstream_files = reload->upstream_files;
    supervisor->audit = reload->audit;
    *reload = former;
}

static void tell_children(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->child_count; i++) {
        supervisor_handover_configuration(&supervisor->children[i]);
        supervisor_handover_audit(&supervisor->children[i]);
    }
    supervisor_handover_declared(supervisor);
}

void supervisor_reload(struct supervisor *supervisor)
{
    struct reload reload = {.audit = {.write_fd = -1, .read_fd = -1}};

    enum error error = reload_read(supervisor, &reload);
    if (error == OK) {
        warn_of_unchangeable(supervisor, &reload.file);
        reload_exchange(supervisor, &reload);
        tell_children(supervisor);
        LOG(LEVEL_INFO, "reloaded");
    } else {
        LOG(LEVEL_ERROR, "reload_refused", .error = error);
    }
    reload_clear(&reload);
}
