/* SPDX-License-Identifier: Apache-2.0 */
/* Roots for upstream connections. Never an empty list by accident: a file that cannot be read ends
 * the process. */
#include "process/worker/trust_store.h"

#include "observe/log.h"

#include <dirent.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdio.h>

static bool load_folder(X509_STORE *store, const char *path)
{
    char file[PATH_MAX];
    struct dirent *entry;
    bool is_any = false;
    DIR *entries = opendir(path);

    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        int len = snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.' && len < (int)sizeof(file))
            is_any = X509_STORE_load_file(store, file) == 1 || is_any;
    }
    if (entries != NULL)
        closedir(entries);
    return is_any;
}

static enum error load_files(const struct config_strings *files, X509_STORE *store)
{
    for (size_t i = 0; i < files->count; i++) {
        if (X509_STORE_load_file(store, files->items[i].data) != 1) {
            LOG(LEVEL_ERROR, "trust_file_unusable", .path = files->items[i]);
            return ERR_CONFIG;
        }
    }
    return OK;
}

/* Debian's, OpenSSL's, and where there is but a folder of them, that. All now: a worker opens no
 * file later on. */
static bool load_system(X509_STORE *store)
{
    return X509_STORE_load_file(store, "/etc/ssl/certs/ca-certificates.crt") == 1 ||
           X509_STORE_load_file(store, X509_get_default_cert_file()) == 1 ||
           load_folder(store, X509_get_default_cert_dir());
}

enum error trust_store_load(const struct config *config, X509_STORE **out)
{
    X509_STORE *store = X509_STORE_new();

    if (store == NULL)
        return ERR_NO_MEMORY;
    enum error error = OK;
    if (config->trust_system && !load_system(store))
        LOG(LEVEL_WARN, "system_has_no_roots");
    ERR_clear_error(); /* of places that were not there */
    if (error == OK)
        error = load_files(&config->trust_files, store);
    if (error != OK) {
        X509_STORE_free(store);
        return error;
    }
    *out = store;
    return OK;
}
