/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's Landlock, called directly. Never asks an older kernel for what it does not know, and
 * never takes less than what it does. */
#include "process/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The header of a distribution can be older than the kernel: what came after version 1 is here. */
enum {
    VERSION_REFER = 2,
    VERSION_TRUNCATE = 3,
    VERSION_NETWORK = 4,
    VERSION_DEVICES = 5,
    VERSION_SCOPES = 6
};

enum {
    MAY_REFER = 1 << 13,
    MAY_TRUNCATE = 1 << 14,
    MAY_CONTROL_DEVICES = 1 << 15,
};
enum { MAY_BIND_TCP = 1 << 0, MAY_CONNECT_TCP = 1 << 1 };
enum { ABSTRACT_UNIX_SOCKETS = 1 << 0, SIGNALS = 1 << 1 };

/* struct landlock_ruleset_attr as it is now; an older kernel takes its beginning. */
struct ruleset {
    uint64_t files, network, scopes;
};

static const uint64_t all_of_version_1 = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
static const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t replacing = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
                                  LANDLOCK_ACCESS_FS_REMOVE_FILE | MAY_TRUNCATE;

int landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    return version < 0 ? 0 : (int)version;
}

static uint64_t files_of(int version)
{
    uint64_t files = all_of_version_1;

    if (version >= VERSION_REFER)
        files |= MAY_REFER;
    if (version >= VERSION_TRUNCATE)
        files |= MAY_TRUNCATE;
    if (version >= VERSION_DEVICES)
        files |= MAY_CONTROL_DEVICES;
    /* The runtime of a sanitizer reads maps and symbols for its report. */
    return IS_SANITIZED ? files & ~(reading | LANDLOCK_ACCESS_FS_EXECUTE) : files;
}

static int create_ruleset(int version, bool may_connect, uint64_t *out_files)
{
    struct ruleset rules = {.files = files_of(version)};
    size_t size = offsetof(struct ruleset, network);

    if (version >= VERSION_NETWORK) {
        rules.network = MAY_BIND_TCP | (may_connect ? 0 : MAY_CONNECT_TCP);
        size = offsetof(struct ruleset, scopes);
    }
    if (version >= VERSION_SCOPES) {
        rules.scopes = ABSTRACT_UNIX_SOCKETS | SIGNALS;
        size = sizeof(rules);
    }
    *out_files = rules.files;
    return (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
}

static uint64_t rights_of(enum landlock_access access, bool is_folder)
{
    uint64_t rights = access == LANDLOCK_REPLACE ? reading | replacing : reading;
    const uint64_t of_files =
        LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | MAY_TRUNCATE;

    return is_folder ? rights : rights & of_files;
}

static bool add_place(int ruleset, uint64_t files, const struct landlock_place *place)
{
    struct stat status;
    int fd = open(place->path, O_PATH | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &status) != 0) {
        if (fd >= 0)
            close(fd);
        return true;
    }
    const struct landlock_path_beneath_attr below = {
        .allowed_access = rights_of(place->access, S_ISDIR(status.st_mode)) & files,
        .parent_fd = fd};
    bool is_added =
        below.allowed_access == 0 ||
        syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &below, 0) == 0;
    close(fd);
    return is_added;
}

enum error landlock_confine(const struct landlock_place *places, size_t count, bool may_connect)
{
    int version = landlock_version();
    uint64_t files;

    if (version == 0)
        return OK;
    int ruleset = create_ruleset(version, may_connect, &files);
    if (ruleset < 0)
        return ERR_SYSTEM;
    bool is_done = true;
    for (size_t i = 0; i < count && is_done; i++)
        is_done = add_place(ruleset, files, &places[i]);
    is_done = is_done && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    close(ruleset);
    return is_done ? OK : ERR_SYSTEM;
}
