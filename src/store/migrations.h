/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The schema, and how an older one becomes the present one. */

#include "store/database.h"

/* All steps that are missing, in one transaction. ERR_CONFLICT when the schema is newer. */
MUST_USE enum error migrations_apply(struct database *database);
