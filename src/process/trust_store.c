/* SPDX-License-Identifier: Apache-2.0 */
/* Roots for upstream connections. Never an empty list by accident: a file that cannot be read ends
 * the process. */
#include "process/trust_store.h"

#include "observe/log.h"

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

enum error trust_store_load(const struct config *config, X509_STORE **out)
{
    X509_STORE *store = X509_STORE_new();

    if (store == NULL)
        return ERR_NO_MEMORY;
    enum error error = OK;
    if (config->trust_system && X509_STORE_set_default_paths(store) != 1)
        error = ERR_CONFIG;
    if (error == OK)
        error = load_files(&config->trust_files, store);
    if (error != OK) {
        X509_STORE_free(store);
        return error;
    }
    *out = store;
    return OK;
}
