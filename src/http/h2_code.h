/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/compiler.h"

/* Why a stream or a session ends (RFC 9113, 7). A peer may send others. */
enum h2_code {
    H2_NO_ERROR = 0,
    H2_PROTOCOL_ERROR = 1,
    H2_INTERNAL_ERROR = 2,
    H2_REFUSED_STREAM = 7, /* nothing was done with it: safe to try again */
    H2_CANCEL = 8,
    H2_CONNECT_ERROR = 10,
    H2_ENHANCE_YOUR_CALM = 11,
    H2_HTTP_1_1_REQUIRED = 13,
};
