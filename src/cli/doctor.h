/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What doctor looks at: one function a question, one finding each or more. */

#include "cli/cli.h"
#include "process/config/config.h"

#include <jansson.h>

enum doctor_verdict { DOCTOR_FINE, DOCTOR_NOTE, DOCTOR_BROKEN };

struct doctor {
    const struct cli *cli;
    const struct config *config;
    bool is_serving; /* a server answers on the control socket */
    json_t *findings;
    unsigned broken;
};

/* Adds a finding; `advice` is what to do about it, NULL for nothing. */
void doctor_find(struct doctor *doctor, enum doctor_verdict verdict, const char *what,
                 const char *advice);
/* The same with a made text. */
PRINTF_LIKE(4, 5)
void doctor_find_format(struct doctor *doctor, enum doctor_verdict verdict, const char *advice,
                        const char *format, ...);

/* doctor_kernel.c */
void doctor_check_kernel(struct doctor *doctor);
void doctor_check_landlock(struct doctor *doctor);
void doctor_check_filter(struct doctor *doctor);
void doctor_check_namespaces(struct doctor *doctor);
void doctor_check_limits(struct doctor *doctor);
/* doctor_files.c */
void doctor_check_data_dir(struct doctor *doctor);
void doctor_check_ca(struct doctor *doctor);
void doctor_check_roots(struct doctor *doctor);
void doctor_check_upstream(struct doctor *doctor);
void doctor_check_resolvers(struct doctor *doctor);
/* doctor_capture.c */
void doctor_check_capture(struct doctor *doctor);
/* doctor_network.c */
void doctor_check_server(struct doctor *doctor);
void doctor_check_ports(struct doctor *doctor);
