/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The stores of the configuration (control.h has the interface of control_declare_*()). */

#include "control/state.h"

struct declared;

/* NULL when out of memory. */
struct declared *declared_new(void);
void declared_free(struct declared *declared);
