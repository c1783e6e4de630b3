/* SPDX-License-Identifier: Apache-2.0 */
/* Publishes the root certificates. Never sees a private key. */

#include "control/ca_files.h"

#include "control/clock.h"
#include "observe/log.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUNDLE_MAX = 16 * 1024 * 1024, ROOT_MAX = 64 * 1024, RETRY_MS = 5000 };

struct ca_files {
    struct control *control; /* borrowed */
    int directory;           /* -1: none, the files are not written */
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
    char *path = slice_dup(control->settings.data_dir);
    files->directory =
        path == NULL || path[0] == '\0' ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(path);
    enum error error = read_system_roots(&files->system);
    if (error != OK)
        LOG(LEVEL_WARN, "system_roots_not_read", .error = error, .system_error = errno);
    return files;
}

void ca_files_free(struct ca_files *files)
{
    if (files == NULL)
        return;
    if (files->directory >= 0)
        close(files->directory);
    buffer_clear(&files->system);
    buffer_clear(&files->root);
    buffer_clear(&files->bundle);
    free(files);
}

static bool write_all(int fd, struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t count = write(fd, bytes.data, bytes.len);
        if (count <= 0)
            return false;
        bytes = slice_skip(bytes, (size_t)count);
    }
    return fchmod(fd, 0644) == 0 && fsync(fd) == 0;
}

static bool replace_file(int directory, const char *name, struct slice bytes)
{
    char temporary[64];
    snprintf(temporary, sizeof temporary, ".%s.new", name);
    int fd =
        openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return false;
    bool written = write_all(fd, bytes);
    close(fd);
    return written && renameat(directory, temporary, directory, name) == 0;
}

static void ca_files_write(const struct ca_files *files)
{
    if (files->directory < 0)
        return;
    if (!replace_file(files->directory, "ca.pem", buffer_view(&files->root)) ||
        !replace_file(files->directory, "ca-bundle.pem", buffer_view(&files->bundle)))
        LOG(LEVEL_ERROR, "ca_files_not_written", .system_error = errno);
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
    ca_files_write(files);
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
