/* SPDX-License-Identifier: Apache-2.0 */
/* What each role keeps of the machine once it runs. Never more for one than its own work needs. */
#include "process/child.h"

#include "observe/log.h"
#include "process/confine.h"
#include "process/landlock.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PLACES_MAX = 16 };

struct places {
    size_t count;
    struct landlock_place items[PLACES_MAX];
    char own[PATH_MAX], followed[PATH_MAX];
};

static void add(struct places *places, const char *path, enum landlock_access access)
{
    places->items[places->count++] = (struct landlock_place){path, access};
}

/* `sealgate run` has no data directory. */
static enum error add_own_folder(struct places *places, const struct config *config,
                                 const char *name)
{
    if (config->data_dir.len == 0)
        return OK;
    int len =
        snprintf(places->own, sizeof(places->own), "%.*s/%s", SLICE_ARG(config->data_dir), name);
    if (len >= (int)sizeof(places->own))
        return ERR_TOO_LARGE;
    add(places, places->own, LANDLOCK_REPLACE);
    return OK;
}

/* Certificates, for the bundle that sandboxes get; /proc, to know who is at the control socket. */
static enum error places_of_control(struct places *places, const struct config *config)
{
    add(places, "/proc", LANDLOCK_READ);
    add(places, "/etc/ssl", LANDLOCK_READ);
    add(places, "/etc/pki", LANDLOCK_READ);
    add(places, X509_get_default_cert_file(), LANDLOCK_READ);
    return add_own_folder(places, config, "db");
}

/* Folders, because these files are replaced by others of the same name. */
static void places_of_dialer(struct places *places)
{
    add(places, "/etc", LANDLOCK_READ);
    add(places, "/run/systemd/resolve", LANDLOCK_READ);
    add(places, "/run/resolvconf", LANDLOCK_READ);
    add(places, "/run/NetworkManager", LANDLOCK_READ);
    if (realpath("/etc/resolv.conf", places->followed) == NULL)
        return;
    char *name = strrchr(places->followed, '/');
    if (name > places->followed) {
        *name = '\0';
        add(places, places->followed, LANDLOCK_READ);
    }
}

static enum error places_of(const struct child *child, struct places *out)
{
    if (child->role->role == PROCESS_KEYHOLDER)
        return add_own_folder(out, child->config, "keys");
    if (child->role->role == PROCESS_CONTROL)
        return places_of_control(out, child->config);
    if (child->role->role == PROCESS_DIALER)
        places_of_dialer(out);
    return OK;
}

/* What libraries read once, on first use, they read now. */
static void settle_libraries(void)
{
    tzset();
    (void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
}

enum error child_confine(struct child *child)
{
    enum process_role role = child->role->role;
    struct places places = {.count = 0};

    settle_libraries();
    enum error error = places_of(child, &places);
    if (error == OK)
        error = landlock_confine(places.items, places.count, role == PROCESS_DIALER);
    if (error == OK)
        error = confine_calls(role);
    if (error != OK)
        LOG(LEVEL_ERROR, "process_not_confined", .error = error, .system_error = errno);
    child->is_confined = error == OK;
    return error;
}
