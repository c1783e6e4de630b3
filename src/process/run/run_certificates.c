/* SPDX-License-Identifier: Apache-2.0 */
/* Lays a combined bundle over the machine's. Never changes a file that others see. */
#include "process/run/run_certificates.h"

#include "process/run/run_mount.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "/etc/ssl/certs"
#define BUNDLE FOLDER "/ca-certificates.crt"
/* On a machine without a folder for certificates. */
#define OTHER_BUNDLE "/dev/shm/.sealgate-ca-bundle.pem"

/* Bundles elsewhere, by distribution. */
static const char *const bundles[] = {
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ca-certificates/extracted/tls-ca-bundle.pem",
    "/var/lib/ca-certificates/ca-bundle.pem",
    "/usr/lib/ssl/cert.pem",
    "/usr/local/etc/ssl/cert.pem",
};

static bool has_folder(void)
{
    struct stat status;

    return stat(FOLDER, &status) == 0 && S_ISDIR(status.st_mode);
}

const char *run_certificates_path(void)
{
    return has_folder() ? BUNDLE : OTHER_BUNDLE;
}

/* A file or folder is mounted, from where it was, over an empty one. */
static enum error mount_over(int former, const struct dirent *entry, const char *path)
{
    int fd = openat(former, entry->d_name, O_PATH | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return ERR_SYSTEM;
    bool is_folder = entry->d_type == DT_DIR;
    enum error error =
        is_folder ? (mkdir(path, 0755) == 0 ? OK : ERR_SYSTEM) : run_mount_write(path, SLICE_NONE);
    if (error == OK)
        error = run_mount_at(fd, path);
    close(fd);
    return error;
}

/* A link stays a link. */
static enum error carry_over(int former, const struct dirent *entry)
{
    char path[PATH_MAX], target[PATH_MAX];
    ssize_t len = readlinkat(former, entry->d_name, target, sizeof(target) - 1);

    snprintf(path, sizeof(path), FOLDER "/%s", entry->d_name);
    if (len < 0)
        return mount_over(former, entry, path);
    target[len] = '\0';
    return symlink(target, path) == 0 ? OK : ERR_SYSTEM;
}

static enum error carry_entries_over(DIR *entries)
{
    const struct dirent *entry;

    while ((entry = readdir(entries)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            strcmp(entry->d_name, "ca-certificates.crt") != 0)
            TRY(carry_over(dirfd(entries), entry));
    }
    return OK;
}

/* Takes the descriptor. */
static enum error carry_all_over(int former)
{
    DIR *entries = fdopendir(former);

    if (entries == NULL) {
        close(former);
        return ERR_SYSTEM;
    }
    enum error error = carry_entries_over(entries);
    closedir(entries);
    return error;
}

/* OpenSSL looks a root up in a folder by the hash of its name. */
static void link_by_hash(X509 *root)
{
    char path[PATH_MAX];

    for (int i = 0; i < 16; i++) {
        snprintf(path, sizeof(path), FOLDER "/%08lx.%d", X509_subject_name_hash(root), i);
        if (symlink("sealgate.pem", path) == 0)
            return;
    }
}

static void link_all_by_hash(struct slice roots)
{
    BIO *text = BIO_new_mem_buf(roots.data, (int)roots.len);
    X509 *root;

    while (text != NULL && (root = PEM_read_bio_X509(text, NULL, NULL, NULL)) != NULL) {
        link_by_hash(root);
        X509_free(root);
    }
    BIO_free(text);
}

static enum error replace_folder(struct slice bundle, struct slice root)
{
    int former = open(FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (former < 0)
        return ERR_SYSTEM;
    enum error error = run_mount_empty(FOLDER, "0755");
    if (error != OK) {
        close(former);
        return ERR_SYSTEM;
    }
    TRY(carry_all_over(former));
    TRY(run_mount_write(FOLDER "/sealgate.pem", root));
    link_all_by_hash(root);
    return run_mount_write(BUNDLE, bundle);
}

static enum error replace_bundles(int with)
{
    for (size_t i = 0; i < ARRAY_LEN(bundles); i++) {
        if (access(bundles[i], F_OK) == 0)
            TRY(run_mount_at(with, bundles[i]));
    }
    return OK;
}

enum error run_certificates_lay(struct slice bundle, struct slice root)
{
    const char *path = run_certificates_path();

    TRY(has_folder() ? replace_folder(bundle, root) : run_mount_write(path, bundle));
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return ERR_SYSTEM;
    enum error error = replace_bundles(fd);
    close(fd);
    return error;
}
