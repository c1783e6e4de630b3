/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the audit output. Never truncates what was written before. */
#include "process/supervisor/audit_output.h"

#include "observe/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static int open_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    struct stat status;

    /* The umask is 077; an operator's own mode stays. */
    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size == 0)
        (void)fchmod(fd, 0640);
    return fd;
}

static int open_journal(void)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        int reason = errno;
        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

static enum error open_file_output(const struct config *config, struct audit_output *output)
{
    char path[PATH_MAX];

    TRY(config_audit_path(config, path, sizeof(path)));
    output->write_fd = open_file(path);
    if (output->write_fd < 0) {
        LOG(LEVEL_ERROR, "audit_unusable", .path = slice_from_string(path), .system_error = errno);
        return ERR_SYSTEM;
    }
    output->read_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    return OK;
}

static enum error open_other_output(enum config_audit_kind kind, struct audit_output *output)
{
    output->is_datagram = kind == CONFIG_AUDIT_JOURNALD;
    output->write_fd =
        output->is_datagram ? open_journal() : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (output->write_fd >= 0)
        return OK;
    LOG(LEVEL_ERROR, "audit_unusable", .name = output->is_datagram ? "journald" : "stdout",
        .system_error = errno);
    return ERR_SYSTEM;
}

enum error audit_output_open(const struct config *config, struct audit_output *out)
{
    struct audit_output output = {.write_fd = -1, .read_fd = -1};

    if (config->audit_kind == CONFIG_AUDIT_FILE)
        TRY(open_file_output(config, &output));
    else if (config->audit_kind != CONFIG_AUDIT_NONE)
        TRY(open_other_output(config->audit_kind, &output));
    *out = output;
    return OK;
}

void audit_output_close(struct audit_output *output)
{
    if (output->write_fd >= 0)
        close(output->write_fd);
    if (output->read_fd >= 0)
        close(output->read_fd);
    output->write_fd = output->read_fd = -1;
}
