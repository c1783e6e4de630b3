/* SPDX-License-Identifier: Apache-2.0 */
/* Publishes the root certificates. Never sees a private key. */

#include "control/ca_files.h"

#include "control/clock.h"
#include "observe/log.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <unistd.h>

enum { BUNDLE_MAX = 16 * 1024 * 1024, ROOT_MAX = 64 * 1024, RETRY_MS = 1000 };

struct ca_files {
    struct control *control; /* borrowed */
    struct buffer system, root, bundle;
    uint64_t retry_at_ms;
};

static enum error read_all(int fd, struct buffer *out)
{
    for (;;) {
        char *room;
        TRY(buffer_reserve(out, 65536, &room));
        ssize_t count = read(fd, room, 65536);
        if (count == 0)
            return OK;
        if (count < 0)
            return ERR_SYSTEM;
        buffer_commit(out, (size_t)count);
    }
}

static enum error read_system_roots(struct buffer *out)
{
    static const char debian[] = "/etc/ssl/certs/ca-certificates.crt";
    int fd = open(debian, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fd = open(X509_get_default_cert_file(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ERR_SYSTEM;
    enum error error = read_all(fd, out);
    close(fd);
    return error;
}

struct ca_files *ca_files_new(struct control *control)
{
    struct ca_files *files = calloc(1, sizeof *files);
    if (files == NULL)
        return NULL;
    files->control = control;
    buffer_init(&files->system, BUNDLE_MAX);
    buffer_init(&files->root, ROOT_MAX);
    buffer_init(&files->bundle, BUNDLE_MAX + ROOT_MAX);
    enum error error = read_system_roots(&files->system);
    if (error != OK)
        LOG(LEVEL_WARN, "system_roots_not_read", .error = error, .system_error = errno);
    return files;
}

void ca_files_free(struct ca_files *files)
{
    if (files == NULL)
        return;
    buffer_clear(&files->system);
    buffer_clear(&files->root);
    buffer_clear(&files->bundle);
    free(files);
}

static void ca_files_publish(const struct ca_files *files)
{
    const struct control_services *services = &files->control->services;

    if (services->publish_file == NULL)
        return;
    services->publish_file(services->context, SLICE("ca.pem"), buffer_view(&files->root));
    services->publish_file(services->context, SLICE("ca-bundle.pem"), buffer_view(&files->bundle));
}

static enum error ca_files_load(struct ca_files *files, struct buffer *root, struct buffer *bundle)
{
    const struct control_services *services = &files->control->services;
    TRY(services->ca_certificates(services->context, root));
    TRY(buffer_append(bundle, buffer_view(&files->system)));
    struct slice system = buffer_view(bundle);
    if (system.len > 0 && system.data[system.len - 1] != '\n')
        TRY(buffer_append_byte(bundle, '\n'));
    return buffer_append(bundle, buffer_view(root));
}

enum error ca_files_refresh(struct ca_files *files)
{
    struct buffer root, bundle;
    buffer_init(&root, ROOT_MAX);
    buffer_init(&bundle, BUNDLE_MAX + ROOT_MAX);
    enum error error = ca_files_load(files, &root, &bundle);
    if (error != OK) {
        buffer_clear(&root);
        buffer_clear(&bundle);
        return error;
    }
    buffer_clear(&files->root);
    buffer_clear(&files->bundle);
    files->root = root;
    files->bundle = bundle;
    ca_files_publish(files);
    return OK;
}

enum error ca_files_ensure(struct ca_files *files)
{
    uint64_t now = clock_monotonic_ms();
    if (buffer_len(&files->root) > 0)
        return OK;
    if (now < files->retry_at_ms)
        return ERR_UNAVAILABLE;
    enum error error = ca_files_refresh(files);
    if (error != OK)
        files->retry_at_ms = now + RETRY_MS;
    return error;
}

struct slice ca_files_root(const struct ca_files *files)
{
    return buffer_view(&files->root);
}

struct slice ca_files_bundle(const struct ca_files *files)
{
    return buffer_view(&files->bundle);
}
