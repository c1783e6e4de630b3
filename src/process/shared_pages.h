/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Memory that all processes of the node map: rows of metrics, and what each sandbox uses of its
 * limits, per worker. No process waits for another one here, and what a dead worker had is zeroed.
 */

#include "base/error.h"
#include "proxy/shared_counts.h"

struct shared_pages {
    size_t worker_count;
    int metrics_fd, counts_fd;    /* -1 in a child: mapped and closed */
    void *metrics;                /* metrics_size(shared_pages_rows()) bytes */
    struct shared_counts *counts; /* shared_counts_size() bytes */
};

/* Rows of metrics: workers first, then the other roles. */
size_t shared_pages_rows(size_t worker_count);
size_t shared_pages_row_of_control(size_t worker_count);

/* The supervisor's. */
MUST_USE enum error shared_pages_create(size_t worker_count, struct shared_pages *out);
/* A child's; takes the descriptors. */
MUST_USE enum error shared_pages_map(size_t worker_count, int metrics_fd, int counts_fd,
                                     struct shared_pages *out);
void shared_pages_forget_worker(struct shared_pages *pages, size_t worker);
