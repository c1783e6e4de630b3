/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The log: one line per event on standard error, "time level process event key=value …" with values
 * quoted where needed and at most 4,096 bytes in all; a fixed event name and typed fields. There is
 * no format string, so a secret has no field to go into, and hostile bytes are escaped. Only
 * proxy/, control/ and process/ log. */

#include "base/error.h"
#include "base/slice.h"

enum log_level { LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARN, LEVEL_ERROR };

struct log_fields {
    struct slice sandbox, host, path, address, detail; /* empty: left out */
    const char *name; /* a static name: of a process, a state … */
    enum error error; /* OK: left out */
    int system_error; /* an errno; 0: left out */
    long long number; /* with has_number */
    bool has_number;
};

#define LOG(level, event, ...) log_write((level), (event), &(struct log_fields){__VA_ARGS__})

/* Called once per process; `process` is static ("worker 0"). Lines below `level` are dropped. */
void log_open(const char *process, enum log_level level);
void log_set_level(enum log_level level);
void log_write(enum log_level level, const char *event, const struct log_fields *fields);
