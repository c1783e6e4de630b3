/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Our root certificates, alone and after the system's: as bytes for the API, and as the files
 * ca.pem and ca-bundle.pem, which services.publish_file() puts into the data directory. */

#include "control/state.h"

struct ca_files;

/* Reads the system's roots. NULL when out of memory. */
struct ca_files *ca_files_new(struct control *control);
void ca_files_free(struct ca_files *files);
/* Asks the keyholder and publishes both files. */
MUST_USE enum error ca_files_refresh(struct ca_files *files);
/* The same, but only when that has not succeeded yet. */
MUST_USE enum error ca_files_ensure(struct ca_files *files);
struct slice ca_files_root(const struct ca_files *files);
struct slice ca_files_bundle(const struct ca_files *files);
