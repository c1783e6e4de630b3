/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The layout of DATA_DIR: 0711 itself, keys/ 0700 for the keyholder's account, db/ 0700 for
 * control's, the rest the supervisor's. */

#include "base/compiler.h"
#include "base/error.h"
#include "base/slice.h"

/* Makes what is missing, sets owners and modes, and locks the directory against a second
 * supervisor for as long as `*out_lock` is open. `*out_folder` is DATA_DIR. It has logged what went
 * wrong: ERR_SYSTEM, or ERR_CONFLICT when another one has the lock. */
MUST_USE enum error data_dir_prepare(struct slice path, int *out_folder, int *out_lock);
