/* SPDX-License-Identifier: Apache-2.0 */
/* The files that sealgate lives on. Looks at names and modes, never into a key. */
#include "cli/data_dir.h"
#include "cli/doctor.h"
#include "process/supervisor/upstream_files.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WARN_DAYS = 30 };

static void path_of(const struct doctor *doctor, const char *name, char out[DATA_DIR_PATH_MAX])
{
    snprintf(out, DATA_DIR_PATH_MAX, "%.*s%s%s", SLICE_ARG(doctor->config->data_dir),
             name[0] == '\0' ? "" : "/", name);
}

/* Nothing of `forbidden` may be set; what is not there is made at the first start. */
static void check_mode(struct doctor *doctor, const char *name, mode_t forbidden,
                       const char *advice)
{
    char path[DATA_DIR_PATH_MAX];
    struct stat status;

    path_of(doctor, name, path);
    if (lstat(path, &status) != 0)
        return;
    if ((status.st_mode & forbidden) != 0)
        doctor_find_format(doctor, DOCTOR_BROKEN, advice, "%s has mode %04o", path,
                           (unsigned)status.st_mode & 07777);
    else
        doctor_find_format(doctor, DOCTOR_FINE, NULL, "%s has mode %04o", path,
                           (unsigned)status.st_mode & 07777);
}

static void check_parent(struct doctor *doctor, const char *path)
{
    char parent[DATA_DIR_PATH_MAX];

    snprintf(parent, sizeof(parent), "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash != NULL)
        slash[slash == parent] = '\0';
    bool is_writable = access(parent, W_OK | X_OK) == 0;
    doctor_find_format(doctor, is_writable ? DOCTOR_FINE : DOCTOR_BROKEN,
                       "Make it, owned by the user that sealgate runs as, or name another with "
                       "--data-dir.",
                       "%s is not there yet%s", path,
                       is_writable ? "; the first start makes it" : ", and cannot be made");
}

void doctor_check_data_dir(struct doctor *doctor)
{
    char path[DATA_DIR_PATH_MAX];
    struct stat status;

    path_of(doctor, "", path);
    if (stat(path, &status) != 0) {
        check_parent(doctor, path);
        return;
    }
    bool is_ours = status.st_uid == geteuid() || geteuid() == 0;
    doctor_find_format(doctor, S_ISDIR(status.st_mode) && is_ours ? DOCTOR_FINE : DOCTOR_BROKEN,
                       "It must be a directory of the user that sealgate runs as.",
                       "data directory %s belongs to uid %u", path, (unsigned)status.st_uid);
    check_mode(doctor, "", S_IWGRP | S_IWOTH, "Nobody else may write there: chmod 0711.");
    check_mode(doctor, "keys", S_IRWXG | S_IRWXO, "Only the keyholder may look: chmod 0700.");
    check_mode(doctor, "db", S_IRWXG | S_IRWXO, "Only control may look: chmod 0700.");
    check_mode(doctor, "api-key", S_IRWXG | S_IRWXO, "Only its owner may read it: chmod 0600.");
}

static void judge_certificate(struct doctor *doctor, const X509 *certificate)
{
    int days = 0, seconds = 0;

    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
        doctor_find(doctor, DOCTOR_BROKEN, "the CA certificate is not valid yet",
                    "Is the clock of this machine right?");
    else if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) != 1)
        doctor_find(doctor, DOCTOR_BROKEN, "the CA certificate has no readable end", NULL);
    else
        doctor_find_format(doctor,
                           days < 0 || seconds < 0 ? DOCTOR_BROKEN
                           : days < WARN_DAYS      ? DOCTOR_NOTE
                                                   : DOCTOR_FINE,
                           "Make a new one: sealgate ca rotate.",
                           "the CA certificate is valid for another %d days", days);
}

void doctor_check_ca(struct doctor *doctor)
{
    char path[DATA_DIR_PATH_MAX];

    path_of(doctor, "ca.pem", path);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        doctor_find_format(doctor, errno == ENOENT ? DOCTOR_FINE : DOCTOR_NOTE,
                           "It is public: it should have mode 0644.",
                           errno == ENOENT ? "%s is made at the first start" : "%s cannot be read",
                           path);
        return;
    }
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    if (certificate == NULL)
        doctor_find_format(doctor, DOCTOR_BROKEN, "Stop sealgate, remove the file and start again.",
                           "%s holds no certificate", path);
    else
        judge_certificate(doctor, certificate);
    X509_free(certificate);
}

void doctor_check_roots(struct doctor *doctor)
{
    const char *file = getenv(X509_get_default_cert_file_env());
    X509_STORE *store = X509_STORE_new();

    if (!doctor->config->trust_system || store == NULL) {
        X509_STORE_free(store);
        return;
    }
    bool is_loaded = file != NULL
                         ? X509_STORE_load_file(store, file) == 1
                         : X509_STORE_load_file(store, X509_get_default_cert_file()) == 1 ||
                               access("/etc/ssl/certs/ca-certificates.crt", R_OK) == 0 ||
                               access("/etc/pki/tls/certs/ca-bundle.crt", R_OK) == 0;
    X509_STORE_free(store);
    doctor_find(doctor, is_loaded ? DOCTOR_FINE : DOCTOR_BROKEN,
                is_loaded ? "the system's root certificates are there"
                          : "the system has no root certificates",
                "Install ca-certificates, or name a PEM file in upstream.trust.");
}

static void on_complaint(void *context, const struct upstream_complaint *complaint)
{
    doctor_find_format(context, DOCTOR_BROKEN,
                       complaint->is_absent
                           ? "The user that sealgate starts as must be able to read it."
                           : "Replace the file, then send SIGHUP.",
                       "%s: %.*s: %s", complaint->key, SLICE_ARG(complaint->path), complaint->why);
}

void doctor_check_upstream(struct doctor *doctor)
{
    const struct config *config = doctor->config;
    const struct upstream_listener listener = {doctor, on_complaint};
    OWNED_STRUCT(upstream_files) *files = NULL;
    bool has_files = config->client_certs.count + config->host_trusts.count > 0 ||
                     config->upstream_proxy.credentials.len > 0;
    unsigned broken = doctor->broken;

    if (has_files && upstream_files_read(config, &listener, &files) == OK &&
        doctor->broken == broken)
        doctor_find(doctor, DOCTOR_FINE, "the files that upstream: names are usable", NULL);
}

static bool names_a_server(FILE *file)
{
    char line[512];
    bool found = false;

    while (fgets(line, sizeof(line), file) != NULL)
        found |= strncmp(line, "nameserver", 10) == 0;
    return found;
}

void doctor_check_resolvers(struct doctor *doctor)
{
    if (doctor->config->nameservers.count > 0) {
        doctor_find_format(doctor, DOCTOR_FINE, NULL, "%zu nameservers from the configuration",
                           doctor->config->nameservers.count);
        return;
    }
    FILE *file = fopen("/etc/resolv.conf", "re");
    bool found = file != NULL && names_a_server(file);
    if (file != NULL)
        fclose(file);
    doctor_find(doctor, found ? DOCTOR_FINE : DOCTOR_NOTE,
                found ? "/etc/resolv.conf names a nameserver"
                      : "/etc/resolv.conf names no nameserver",
                "Names cannot be resolved: set upstream.nameservers, or upstream.resolve.");
}
