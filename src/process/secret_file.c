/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a file with a secret in it. Never takes one that others may read or replace. */
#include "process/secret_file.h"

#include "process/descriptor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static enum error check(int fd, const char **why)
{
    struct stat status;

    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        *why = "it is no regular file";
    else if ((status.st_mode & S_IRWXO) != 0)
        *why = "others may use it: chmod 0600";
    else if ((status.st_mode & S_IWGRP) != 0)
        *why = "its group may write it: chmod 0600";
    else
        return OK;
    return ERR_CONFIG;
}

static enum error read_checked(int fd, struct buffer *out, const char **why)
{
    TRY(check(fd, why));
    enum error error = descriptor_read_all(fd, out);
    if (error == OK || error == ERR_NO_MEMORY)
        return error;
    *why = error == ERR_TOO_LARGE ? "it is too long" : "it cannot be read";
    return ERR_CONFIG;
}

enum error secret_file_read(const char *path, struct buffer *out, const char **why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0) {
        *why = "it cannot be opened";
        return ERR_CONFIG;
    }
    enum error error = read_checked(fd, out, why);
    close(fd);
    return error;
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
