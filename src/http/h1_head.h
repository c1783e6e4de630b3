/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A complete head that the scan let pass, taken apart by llhttp. */

#include "http/h1_reader.h"

/* `head->storage` holds the whole head, its last CRLF included, and nothing else: the slices of
 * `head` point into it. `field_count` is how many field lines the scan saw: llhttp must see the
 * same. Refuses HTTP versions but 1.0 and 1.1 (505), methods that llhttp does not know (501). */
MUST_USE struct http_fault h1_head_parse(struct http_head *head, enum h1_role role,
                                         size_t field_count);
