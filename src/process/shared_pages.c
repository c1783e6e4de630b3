/* SPDX-License-Identifier: Apache-2.0 */
/* Shared memory in two sealed-size files. Never lets a child shrink what the others have mapped. */
#include "process/shared_pages.h"

#include "observe/metrics.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { OTHER_ROWS = 4 }; /* supervisor, keyholder, dialer, control */

size_t shared_pages_rows(size_t worker_count)
{
    return worker_count + OTHER_ROWS;
}

size_t shared_pages_row_of_control(size_t worker_count)
{
    return worker_count;
}

static enum error create_file(const char *name, size_t size, int *out)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return ERR_SYSTEM;
    if (ftruncate(fd, (off_t)size) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        close(fd);
        return ERR_SYSTEM;
    }
    *out = fd;
    return OK;
}

static enum error map_file(int fd, size_t size, void **out)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (memory == MAP_FAILED)
        return ERR_NO_MEMORY;
    *out = memory;
    return OK;
}

static enum error map_both(struct shared_pages *pages)
{
    void *counts = NULL;

    TRY(map_file(pages->metrics_fd, metrics_size(shared_pages_rows(pages->worker_count)),
                 &pages->metrics));
    TRY(map_file(pages->counts_fd, shared_counts_size(pages->worker_count), &counts));
    pages->counts = counts;
    return OK;
}

enum error shared_pages_create(size_t worker_count, struct shared_pages *out)
{
    struct shared_pages pages = {.worker_count = worker_count};

    TRY(create_file("sealgate-metrics", metrics_size(shared_pages_rows(worker_count)),
                    &pages.metrics_fd));
    TRY(create_file("sealgate-counts", shared_counts_size(worker_count), &pages.counts_fd));
    TRY(map_both(&pages));
    *out = pages;
    return OK;
}

enum error shared_pages_map(size_t worker_count, int metrics_fd, int counts_fd,
                            struct shared_pages *out)
{
    struct shared_pages pages = {
        .worker_count = worker_count, .metrics_fd = metrics_fd, .counts_fd = counts_fd};
    enum error error = map_both(&pages);

    close(metrics_fd);
    close(counts_fd);
    pages.metrics_fd = pages.counts_fd = -1;
    if (error == OK)
        *out = pages;
    return error;
}

void shared_pages_forget_worker(struct shared_pages *pages, size_t worker)
{
    shared_counts_forget_worker(pages->counts, worker);
    metrics_forget_gauges(worker);
}
