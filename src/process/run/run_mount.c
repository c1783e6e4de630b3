/* SPDX-License-Identifier: Apache-2.0 */
/* Mounting. Never follows what is mounted back to the namespace that it came from. */
#include "process/run/run_mount.h"

#include "process/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static enum error result_of(int outcome)
{
    if (outcome == 0)
        return OK;
    bool is_out_of_reach = errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ELOOP;
    return is_out_of_reach ? ERR_NOT_FOUND : ERR_SYSTEM;
}

enum error run_mount_separate(void)
{
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 ? OK : ERR_SYSTEM;
}

enum error run_mount_empty(const char *folder, const char *mode)
{
    char options[32];

    snprintf(options, sizeof(options), "mode=%s", mode);
    return result_of(mount("sealgate", folder, "tmpfs", MS_NOSUID | MS_NODEV, options));
}

enum error run_mount_cover(const char *file)
{
    return result_of(mount("/dev/null", file, NULL, MS_BIND, NULL));
}

enum error run_mount_at(int descriptor, const char *path)
{
    char source[64];

    snprintf(source, sizeof(source), "/proc/self/fd/%d", descriptor);
    return result_of(mount(source, path, NULL, MS_BIND | MS_REC, NULL));
}

enum error run_mount_processes(void)
{
    return result_of(mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
}

enum error run_mount_read_only(const char *path)
{
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};

    TRY(result_of(mount(path, path, NULL, MS_BIND | MS_REC, NULL)));
    return result_of(mount_setattr(AT_FDCWD, path, AT_RECURSIVE, &attributes, sizeof(attributes)));
}

enum error run_mount_write(const char *path, struct slice content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);

    if (fd < 0)
        return result_of(fd);
    bool is_written = descriptor_write_all(fd, content) && fchmod(fd, 0644) == 0;
    int reason = errno;
    close(fd);
    errno = reason;
    return is_written ? OK : ERR_SYSTEM;
}

enum error run_mount_make_parents(const char *path)
{
    char folder[PATH_MAX];

    if (snprintf(folder, sizeof(folder), "%s", path) >= (int)sizeof(folder))
        return ERR_TOO_LARGE;
    for (char *slash = strchr(folder + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, 0755) != 0 && errno != EEXIST)
            return result_of(-1);
        *slash = '/';
    }
    return OK;
}
