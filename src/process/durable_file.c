/* SPDX-License-Identifier: Apache-2.0 */
/* Files replaced whole. Never follows a symbolic link, never leaves one half written. */
#include "process/durable_file.h"

#include "process/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static enum error write_temporary(int folder, const char *name, struct slice content, mode_t mode)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);

    if (fd < 0)
        return ERR_SYSTEM;
    /* fchmod: the umask is 077. */
    bool is_written = fchmod(fd, mode) == 0 && descriptor_write_all(fd, content) && fsync(fd) == 0;
    close(fd);
    return is_written ? OK : ERR_SYSTEM;
}

enum error durable_file_rename(int folder, const char *from, const char *to)
{
    return renameat(folder, from, folder, to) == 0 && fsync(folder) == 0 ? OK : ERR_SYSTEM;
}

enum error durable_file_write(int folder, const char *name, struct slice content, mode_t mode)
{
    char temporary[NAME_MAX + 1];

    if (snprintf(temporary, sizeof(temporary), ".%s.tmp", name) >= (int)sizeof(temporary))
        return ERR_TOO_LARGE;
    unlinkat(folder, temporary, 0); /* of an earlier crash */
    enum error error = write_temporary(folder, temporary, content, mode);
    if (error == OK)
        error = durable_file_rename(folder, temporary, name);
    if (error != OK) {
        int reason = errno;
        unlinkat(folder, temporary, 0);
        errno = reason;
    }
    return error;
}

enum error durable_file_read(int folder, const char *name, struct buffer *out)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;
    enum error error = descriptor_read_all(fd, out);
    close(fd);
    return error;
}

enum error durable_file_remove(int folder, const char *name)
{
    return unlinkat(folder, name, 0) == 0 && fsync(folder) == 0 ? OK : ERR_SYSTEM;
}
