/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded database's folder and file. Never leaves one that others may read. */

#include "store/database_file.h"

#include "base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static enum error fail(struct buffer *why, const char *path)
{
    int number = errno;
    if (why != NULL)
        TRY(buffer_append_format(why, "%s: %s", path, strerror(number)));
    return ERR_SYSTEM;
}

static enum error format_path(struct slice data_dir, const char *rest, char *out)
{
    int len = snprintf(out, DATABASE_FILE_PATH_MAX, "%.*s%s", SLICE_ARG(data_dir), rest);
    return len > 0 && len < DATABASE_FILE_PATH_MAX ? OK : ERR_TOO_LARGE;
}

/* A new name in a folder outlives a loss of power only when the folder is synced. */
static bool sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool synced = fsync(fd) == 0;
    close(fd);
    return synced;
}

/* Not opened when it is there: closing it again would drop the locks of a connection that this
 * process may have. SQLite gives its side files (-wal, -shm) the mode of the file itself. */
static bool keep_private(const char *path, const struct stat *status)
{
    if (!S_ISREG(status->st_mode)) {
        errno = EINVAL;
        return false;
    }
    return (status->st_mode & 077) == 0 || chmod(path, 0600) == 0;
}

static bool make_private(const char *path)
{
    struct stat status;
    if (lstat(path, &status) == 0)
        return keep_private(path, &status);

    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

enum error database_file_prepare(struct slice data_dir, struct buffer *why,
                                 char out_path[DATABASE_FILE_PATH_MAX])
{
    char folder[DATABASE_FILE_PATH_MAX], parent[DATABASE_FILE_PATH_MAX];
    TRY(format_path(data_dir, "/", parent));
    TRY(format_path(data_dir, "/db", folder));
    TRY(format_path(data_dir, "/db/sealgate.db", out_path));

    bool made = mkdir(folder, 0700) == 0;
    if (!made && errno != EEXIST)
        return fail(why, folder);
    if (made && !sync_folder(parent))
        return fail(why, parent);
    if (!make_private(out_path))
        return fail(why, out_path);
    return sync_folder(folder) ? OK : fail(why, folder);
}
