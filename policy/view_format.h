/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What view_encode.c and view_decode.c share beside the order of the fields. Private to policy/.
 *
 *   "SGV3"
 *   u64 generation, u64 sandbox_seq, sandbox id, org id, u8 status, raw proxy token hash,
 *   source address (0, 4 or 16 bytes behind their length), u8 reaches_nothing
 *   u32 count + layers:  store id, store name, list, raw MAC of all these, list of passthrough
 *                        hosts, list of private hosts, u8 redact
 *   u32 count + secrets: name, u16 layer, list of hosts, u32 count + places, box
 *   u32 count + tokens:  raw token, u32 index of its secret
 *
 * A list is a u32 count and so many byte strings. */

#define VIEW_MAGIC "SGV3"
enum { VIEW_MAGIC_LEN = 4 };

/* The least that one of each takes: for wire_read_count(). */
enum {
    VIEW_STRING_MIN = 4,
    VIEW_LAYER_MIN = 4 + 4 + 4 + 32 + 4 + 4 + 1,
    VIEW_SECRET_MIN = 4 + 2 + 4 + 4 + 4,
    VIEW_TOKEN_MIN = 16 + 4,
};
