/* SPDX-License-Identifier: Apache-2.0 */
/* Files for upstream connections, on their way from disk to the processes that use them. Never
 * sends one to a process that does not need it. */
#include "process/supervisor/upstream_files.h"

#include "base/secret.h"
#include "observe/log.h"
#include "process/dialer/proxy_credentials.h"
#include "process/supervisor/secret_file.h"
#include "process/supervisor/upstream_pem.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CERTIFICATES_MAX = 32 * 1024, KEY_MAX = 16 * 1024, ROOTS_MAX = 4 * 1024 * 1024 };

/* Of one host: its own certificate and key, or roots. */
struct host_files {
    struct buffer text;       /* certificates or roots */
    struct secret_slab *slab; /* NULL: no key */
    struct secret key;
};

struct upstream_files {
    struct secret_slab *slab; /* NULL: no credentials */
    struct secret credentials;
    struct host_files *certificates, *roots; /* in the order of the configuration */
    size_t certificate_count, roots_count;
};

/* One reading of all files. */
struct reading {
    const struct upstream_listener *listener;
    bool has_failed;
};

/* Where in the configuration a file is named. */
struct file_place {
    struct reading *reading;
    unsigned line;
    const char *section, *part; /* "upstream.client_cert", ".key" */
    struct slice name, path;
};

static void complain(const struct file_place *place, const char *why, enum error error)
{
    const struct upstream_listener *listener = place->reading->listener;
    char key[HOST_PATTERN_MAX_LEN + 64];

    snprintf(key, sizeof(key), "%s%s%.*s%s", place->section, place->name.len > 0 ? "." : "",
             SLICE_ARG(place->name), place->part);
    const struct upstream_complaint complaint = {.line = place->line,
                                                 .key = key,
                                                 .path = place->path,
                                                 .why = why,
                                                 .is_fatal = error != OK,
                                                 .is_absent = error == ERR_NOT_FOUND};
    listener->on_complaint(listener->context, &complaint);
    place->reading->has_failed |= complaint.is_fatal;
}

/* Out of memory ends the reading; whatever else is wrong was complained of. */
static enum error settle(const struct file_place *place, enum error error, const char *why)
{
    if (error == OK || error == ERR_NO_MEMORY)
        return error;
    complain(place, why, error);
    return ERR_CONFIG;
}

static enum error read_secret(const struct file_place *place, struct buffer *out)
{
    const char *why = NULL;
    enum error error = secret_file_read(place->path.data, out, &why);

    return settle(place, error, why);
}

static enum error read_public(const struct file_place *place, struct buffer *out)
{
    const char *why = NULL;
    enum error error = secret_file_read_public(place->path.data, out, &why);

    return settle(place, error, why);
}

static enum error keep(struct slice value, struct secret_slab **slab, struct secret *out)
{
    *slab = secret_slab_new(value.len);
    return *slab == NULL ? ERR_NO_MEMORY : secret_slab_add(*slab, value, out);
}

/* What the dialer would refuse is refused here, where it can be said. */
static enum error take_credentials(struct slice value, struct upstream_files *files)
{
    struct proxy_credentials *credentials = NULL;

    TRY(proxy_credentials_new(value, &credentials));
    proxy_credentials_unref(credentials);
    return keep(value, &files->slab, &files->credentials);
}

static enum error take_line(struct slice text, struct upstream_files *files)
{
    struct slice line;

    return secret_file_only_line(text, &line) ? take_credentials(line, files) : ERR_SYNTAX;
}

static enum error read_credentials(const struct config_upstream_proxy *proxy,
                                   struct reading *reading, struct upstream_files *files)
{
    const struct file_place place = {reading,        proxy->line, "upstream.proxy",
                                     ".credentials", SLICE_NONE,  proxy->credentials};
    OWNED_STRUCT(buffer) *text = &(struct buffer){.limit = PROXY_CREDENTIALS_MAX + 2};

    if (proxy->credentials.len == 0)
        return OK;
    TRY(read_secret(&place, text));
    return settle(&place, take_line(buffer_view(text), files), "expected one line, user:password");
}

static enum error check_identity(const struct file_place *of_certificate,
                                 const struct file_place *of_key, struct slice certificate,
                                 struct slice key)
{
    struct upstream_pem_identity identity = {NULL, NULL, NULL};
    const char *why = NULL;
    bool is_about_key = false;

    enum error error = upstream_pem_read_identity(certificate, key, &identity, &why, &is_about_key);
    TRY(settle(is_about_key ? of_key : of_certificate, error, why));
    why = upstream_pem_why_not_now(identity.leaf);
    if (why != NULL)
        complain(of_certificate, why, OK);
    upstream_pem_clear(&identity);
    return OK;
}

static enum error read_certificate(const struct config_client_cert *entry, struct reading *reading,
                                   struct host_files *out)
{
    static const char section[] = "upstream.client_cert";
    const struct file_place of_certificate = {reading, entry->line, section,
                                              ".cert", entry->name, entry->cert};
    const struct file_place of_key = {reading, entry->line, section,
                                      ".key",  entry->name, entry->key};
    OWNED_STRUCT(buffer) *key = &(struct buffer){.limit = KEY_MAX};

    buffer_init(&out->text, CERTIFICATES_MAX);
    TRY(read_public(&of_certificate, &out->text));
    TRY(read_secret(&of_key, key));
    TRY(check_identity(&of_certificate, &of_key, buffer_view(&out->text), buffer_view(key)));
    return keep(buffer_view(key), &out->slab, &out->key);
}

static enum error check_roots(struct slice text)
{
    X509_STORE *store = X509_STORE_new();
    if (store == NULL)
        return ERR_NO_MEMORY;

    enum error error = upstream_pem_add_roots(text, store);
    X509_STORE_free(store);
    return error;
}

/* A file without a line break at its end must not run into the next. */
static enum error read_root_file(const struct file_place *place, struct buffer *out)
{
    size_t before = buffer_len(out);

    TRY(read_public(place, out));
    TRY(settle(place, check_roots(slice_skip(buffer_view(out), before)),
               "it holds no PEM certificate"));
    return settle(place, buffer_append_byte(out, '\n'), "the files are too long together");
}

/* Where trust_store.c looks first. */
static struct slice system_roots(void)
{
    static const char debian[] = "/etc/ssl/certs/ca-certificates.crt";

    return slice_from_string(access(debian, R_OK) == 0 ? debian : X509_get_default_cert_file());
}

static enum error read_roots(const struct config_host_trust *entry, struct reading *reading,
                             struct host_files *out)
{
    struct file_place place = {reading, entry->line, "upstream.trust_for",
                               "",      entry->name, SLICE_NONE};

    buffer_init(&out->text, ROOTS_MAX);
    if (entry->system) {
        place.path = system_roots();
        TRY(read_root_file(&place, &out->text));
    }
    for (size_t i = 0; i < entry->files.count; i++) {
        place.path = entry->files.items[i];
        TRY(read_root_file(&place, &out->text));
    }
    return OK;
}

/* Goes on after one that is unusable, so that all are named. */
static enum error read_all(const struct config *config, struct reading *reading,
                           struct upstream_files *files)
{
    enum error error = read_credentials(&config->upstream_proxy, reading, files);

    for (; error != ERR_NO_MEMORY && files->certificate_count < config->client_certs.count;
         files->certificate_count++)
        error = read_certificate(&config->client_certs.items[files->certificate_count], reading,
                                 &files->certificates[files->certificate_count]);
    for (; error != ERR_NO_MEMORY && files->roots_count < config->host_trusts.count;
         files->roots_count++)
        error = read_roots(&config->host_trusts.items[files->roots_count], reading,
                           &files->roots[files->roots_count]);
    if (error == ERR_NO_MEMORY)
        return error;
    return reading->has_failed ? ERR_CONFIG : OK;
}

enum error upstream_files_read(const struct config *config,
                               const struct upstream_listener *listener,
                               struct upstream_files **out)
{
    OWNED_STRUCT(upstream_files) *files = calloc(1, sizeof(*files));
    struct reading reading = {listener, false};

    if (files == NULL)
        return ERR_NO_MEMORY;
    files->certificates = calloc(config->client_certs.count + 1, sizeof(*files->certificates));
    files->roots = calloc(config->host_trusts.count + 1, sizeof(*files->roots));
    if (files->certificates == NULL || files->roots == NULL)
        return ERR_NO_MEMORY;
    TRY(read_all(config, &reading, files));
    *out = TAKE(files);
    return OK;
}

enum error upstream_files_new(struct slice credentials, struct upstream_files **out)
{
    OWNED_STRUCT(upstream_files) *files = calloc(1, sizeof(*files));

    if (files == NULL)
        return ERR_NO_MEMORY;
    TRY(take_credentials(credentials, files));
    *out = TAKE(files);
    return OK;
}

static void log_complaint(void *context UNUSED, const struct upstream_complaint *complaint)
{
    LOG(complaint->is_fatal ? LEVEL_ERROR : LEVEL_WARN, "upstream_file", .name = complaint->key,
        .path = complaint->path, .detail = slice_from_string(complaint->why));
}

enum error upstream_files_read_logging(const struct config *config, struct upstream_files **out)
{
    static const struct upstream_listener listener = {NULL, log_complaint};

    return upstream_files_read(config, &listener, out);
}

static void host_files_clear(struct host_files *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buffer_clear(&files[i].text);
        secret_slab_free(files[i].slab);
    }
    free(files);
}

void upstream_files_free(struct upstream_files *files)
{
    if (files == NULL)
        return;
    secret_slab_free(files->slab);
    if (files->certificates != NULL)
        host_files_clear(files->certificates, files->certificate_count);
    if (files->roots != NULL)
        host_files_clear(files->roots, files->roots_count);
    free(files);
}

uint64_t upstream_files_route_tag(const struct upstream_files *files, const struct config *config,
                                  const uint8_t key[MESSAGE_KEY_SIZE])
{
    const uint64_t way = config_route_tag(config);
    struct slice credentials =
        files->slab == NULL ? SLICE_NONE : secret_reveal(&files->credentials);
    unsigned char digest[crypto_generichash_BYTES_MIN];
    crypto_generichash_state state;
    uint64_t tag;

    crypto_generichash_init(&state, key, MESSAGE_KEY_SIZE, sizeof(digest));
    crypto_generichash_update(&state, (const unsigned char *)&way, sizeof(way));
    crypto_generichash_update(&state, (const unsigned char *)credentials.data, credentials.len);
    crypto_generichash_final(&state, digest, sizeof(digest));
    sodium_memzero(&state, sizeof(state));
    memcpy(&tag, digest, sizeof(tag));
    return tag;
}

static void send_credentials(const struct upstream_files *files, struct peer *dialer)
{
    if (files->slab == NULL)
        return;
    peer_post(dialer, &(struct message){.type = MESSAGE_PROXY_CREDENTIALS,
                                        .proxy_credentials = {secret_reveal(&files->credentials)}});
}

static void send_roots(const struct config_host_trust *entry, const struct host_files *files,
                       struct peer *worker)
{
    peer_post(worker, &(struct message){.type = MESSAGE_HOST_ROOTS,
                                        .host_roots = {.hosts = entry->hosts,
                                                       .roots = buffer_view(&files->text)}});
}

static void send_certificate(const struct config_client_cert *entry, const struct host_files *files,
                             struct peer *worker)
{
    peer_post(worker, &(struct message){.type = MESSAGE_CLIENT_CERTIFICATE,
                                        .client_certificate = {
                                            .hosts = entry->hosts,
                                            .stores = {entry->stores.items, entry->stores.count},
                                            .certificate = buffer_view(&files->text),
                                            .key = secret_reveal(&files->key),
                                        }});
}

static void send_rules(const struct upstream_files *files, const struct config *config,
                       struct peer *worker)
{
    for (size_t i = 0; i < files->roots_count; i++)
        send_roots(&config->host_trusts.items[i], &files->roots[i], worker);
    for (size_t i = 0; i < files->certificate_count; i++)
        send_certificate(&config->client_certs.items[i], &files->certificates[i], worker);
}

void upstream_files_send(const struct upstream_files *files, const struct config *config,
                         struct peer *child)
{
    if (child->role == PROCESS_DIALER)
        send_credentials(files, child);
    else if (child->role == PROCESS_WORKER)
        send_rules(files, config, child);
}
