/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Plain writing to a descriptor that blocks. */

#include "base/slice.h"

/* All of it, however often write() stops half-way. False: errno says why. */
bool descriptor_write_all(int fd, struct slice bytes);
