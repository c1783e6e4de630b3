/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The configuration as text and as value: the supervisor parses the text once and hands it on, so
 * that every child works with the same file even when it has changed since. */

#include "base/buffer.h"
#include "process/config/config.h"

struct configuration_file {
    const char *path;     /* borrowed; NULL: no file */
    const char *data_dir; /* borrowed, overrides; NULL: none */
    struct buffer text;
    struct config *config;
};

/* Reads and parses. It has logged what is wrong: ERR_CONFIG, ERR_SYSTEM … */
MUST_USE enum error configuration_file_load(const char *path, const char *data_dir,
                                            struct configuration_file *out);
void configuration_file_clear(struct configuration_file *file);
/* The number of workers it asks for: one per core that this process may use. */
unsigned configuration_file_workers(const struct configuration_file *file);
