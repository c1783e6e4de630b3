/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* docs/openapi.json, put into the program when it is built. */

#include <stddef.h>

extern const unsigned char openapi_json[];
extern const size_t openapi_json_len;
