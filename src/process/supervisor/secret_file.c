/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a file with a secret in it. Never takes one that others may read or replace. */
#include "process/supervisor/secret_file.h"

#include "process/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static enum error check(int fd, bool is_public, const char **why)
{
    struct stat status;

    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        *why = "it is no regular file";
    else if (!is_public && (status.st_mode & S_IRWXO) != 0)
        *why = "others may use it: chmod 0600";
    else if (!is_public && (status.st_mode & S_IWGRP) != 0)
        *why = "its group may write it: chmod 0600";
    else
        return OK;
    return ERR_CONFIG;
}

static enum error read_checked(int fd, bool is_public, struct buffer *out, const char **why)
{
    TRY(check(fd, is_public, why));
    enum error error = descriptor_read_all(fd, out);
    if (error == OK || error == ERR_NO_MEMORY)
        return error;
    *why = error == ERR_TOO_LARGE ? "it is too long" : "it cannot be read";
    return ERR_CONFIG;
}

static enum error read_path(const char *path, bool is_public, struct buffer *out, const char **why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0) {
        *why = errno == ENOENT ? "there is no such file" : "it cannot be opened";
        return ERR_NOT_FOUND;
    }
    enum error error = read_checked(fd, is_public, out, why);
    close(fd);
    return error;
}

enum error secret_file_read(const char *path, struct buffer *out, const char **why)
{
    return read_path(path, false, out, why);
}

enum error secret_file_read_public(const char *path, struct buffer *out, const char **why)
{
    return read_path(path, true, out, why);
}

bool secret_file_only_line(struct slice text, struct slice *out)
{
    struct slice line = slice_take(text, slice_find(text, '\n'));
    size_t rest = text.len - line.len;

    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    *out = line;
    return line.len > 0 && rest <= 1;
}
