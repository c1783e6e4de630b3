/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Makes jansson wipe whatever it frees, in the whole process: a request body may hold a value. */
void json_memory_install(void);
