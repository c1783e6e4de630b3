/* SPDX-License-Identifier: Apache-2.0 */
/* Makes DATA_DIR what each process expects. Never widens a mode. */
#include "process/supervisor/data_dir.h"

#include "observe/log.h"
#include "process/hardening.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Every missing part of the path, like `mkdir -p`; the parents with 0755. */
static bool make_path(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int made = mkdir(path, 0755);
        if (made == 0)
            (void)chmod(path, 0755); /* the umask is 077 */
        *slash = '/';
        if (made != 0 && errno != EEXIST && errno != EROFS && errno != EACCES)
            return false;
    }
    return mkdir(path, 0711) == 0 || errno == EEXIST;
}

static enum error open_folder(struct slice data_dir, int *out)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%.*s", SLICE_ARG(data_dir)) >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        return ERR_SYSTEM;
    }
    if (!make_path(path))
        return ERR_SYSTEM;
    *out = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *out < 0 || fchmod(*out, 0711) != 0 ? ERR_SYSTEM : OK;
}

#define OWN_FOLDER_HINT                                                                            \
    "as an ordinary user, name a folder of your own: --data-dir ~/.local/share/sealgate, for "     \
    "this and every other command"

/* Files that an earlier run under another account left behind. */
static bool own_files(int folder, struct hardening_account account)
{
    DIR *entries = fdopendir(dup(folder));
    struct dirent *entry;
    bool is_done = entries != NULL;

    while (is_done && (entry = readdir(entries)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            is_done =
                fchownat(folder, entry->d_name, account.uid, account.gid, AT_SYMLINK_NOFOLLOW) == 0;
    }
    if (entries != NULL)
        closedir(entries);
    return is_done;
}

static enum error prepare_part(int parent, const char *name, enum process_role role)
{
    struct hardening_account account = hardening_account_of(role, 0);

    if (mkdirat(parent, name, 0700) != 0 && errno != EEXIST)
        return ERR_SYSTEM;
    int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (folder < 0)
        return ERR_SYSTEM;
    bool is_done = fchmod(folder, 0700) == 0;
    if (is_done && geteuid() == 0)
        is_done = own_files(folder, account) && fchown(folder, account.uid, account.gid) == 0;
    close(folder);
    return is_done ? OK : ERR_SYSTEM;
}

static enum error take_lock(int folder, int *out)
{
    int fd = openat(folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return ERR_SYSTEM;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        enum error error = errno == EWOULDBLOCK ? ERR_CONFLICT : ERR_SYSTEM;
        close(fd);
        return error;
    }
    *out = fd;
    return OK;
}

static enum error prepare_inside(int folder, int *out_lock)
{
    TRY(take_lock(folder, out_lock));
    TRY(prepare_part(folder, "keys", PROCESS_KEYHOLDER));
    return prepare_part(folder, "db", PROCESS_CONTROL);
}

static void log_failure(enum error error, int reason, struct slice path)
{
    bool is_anothers = geteuid() != 0 && (reason == EACCES || reason == EPERM || reason == EROFS);

    if (error == ERR_CONFLICT)
        LOG(LEVEL_ERROR, "data_dir_in_use", .path = path);
    else
        LOG(LEVEL_ERROR, "data_dir_unusable", .path = path, .system_error = reason,
            .detail = is_anothers ? SLICE(OWN_FOLDER_HINT) : SLICE_NONE);
}

enum error data_dir_prepare(struct slice path, int *out_folder, int *out_lock)
{
    int folder = -1, lock = -1;
    enum error error = open_folder(path, &folder);

    if (error == OK)
        error = prepare_inside(folder, &lock);
    if (error == OK) {
        *out_folder = folder;
        *out_lock = lock;
        return OK;
    }
    log_failure(error, errno, path);
    if (lock >= 0)
        close(lock);
    if (folder >= 0)
        close(folder);
    return error;
}
