/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Heads of HTTP/2 as tests write them: "name=value", a line each. */

#include "http/h2_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* Cleared by the caller. */
static inline void h2_head_lines_read(struct h2_head *head, enum h2_head_kind kind,
                                      const char *lines)
{
    struct slice rest = slice_from_string(lines);

    h2_head_init(head, kind);
    while (rest.len > 0) {
        struct slice value = slice_split(&rest, '\n'), name = slice_split(&value, '=');
        assert_int_equal(h2_head_add(head, name, value), OK);
    }
    assert_int_equal(h2_head_finish(head), OK);
}
