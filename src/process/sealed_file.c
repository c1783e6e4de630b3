/* SPDX-License-Identifier: Apache-2.0 */
/* Memory files with all seals. Never maps one that its maker could still cut short: reading it
 * would be a SIGBUS away from killing us. */
#include "process/sealed_file.h"

#include "process/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

enum error sealed_file_create(struct slice bytes, int *out_fd)
{
    int fd = memfd_create("sealgate", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return ERR_SYSTEM;
    if (!descriptor_write_all(fd, bytes) || fcntl(fd, F_ADD_SEALS, ALL_SEALS) != 0) {
        close(fd);
        return ERR_SYSTEM;
    }
    *out_fd = fd;
    return OK;
}

enum error sealed_file_map(int fd, size_t limit, struct slice *out)
{
    int seals = fcntl(fd, F_GET_SEALS);
    struct stat status;

    if (seals < 0 || (seals & ALL_SEALS) != ALL_SEALS)
        return ERR_FORBIDDEN;
    if (fstat(fd, &status) != 0 || status.st_size <= 0)
        return ERR_SYNTAX;
    if ((uint64_t)status.st_size > limit)
        return ERR_TOO_LARGE;

    void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return ERR_NO_MEMORY;
    *out = slice_of(bytes, (size_t)status.st_size);
    return OK;
}

void sealed_file_unmap(struct slice mapped)
{
    if (mapped.len > 0)
        munmap((void *)(uintptr_t)mapped.data, mapped.len);
}
