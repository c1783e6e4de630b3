/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Floods, told from the frame headers alone (RFC 9113, 4.1 and 10.5) before the library sees a
 * frame, so that it does not matter what the library counts. One token bucket pays for every frame
 * that is cheap to send and makes us work: RST_STREAM, SETTINGS, empty DATA, GOAWAY, unknown types.
 * PING, WINDOW_UPDATE and PRIORITY are free as far as they answer what went before: some for each
 * head, more for each byte of DATA that we sent; the rest is paid for too. So is a head for a
 * stream that is no more, unless our reset of it can have crossed it. */

#include "base/slice.h"
#include "http/h2_code.h"

enum { H2_CONTINUATIONS_MAX = 8, H2_FRAME_HEADER_LEN = 9 };

struct h2_guard {
    uint64_t millitokens, millitokens_max;
    uint64_t per_second; /* tokens that come back */
    uint64_t filled_ms;  /* when they last did */
    uint64_t answers;    /* frames that we expect in return for what we sent */
    uint64_t strays;     /* heads that may still come for streams that we reset */
    size_t preface_left; /* bytes of the client's preface still to come */
    unsigned char header[H2_FRAME_HEADER_LEN];
    size_t header_len; /* of them that are here */
    uint32_t payload_left;
    unsigned continuations; /* of the current header block */
    bool is_head_frame;     /* the payload is of a header block */
    bool is_head_open;      /* which goes on in another frame */
};

/* `preface_len` bytes come before the first frame. The clock starts at 0. */
void h2_guard_init(struct h2_guard *guard, size_t preface_len, uint32_t burst, uint32_t per_second);
/* Tokens come back with the time, which never goes backwards. */
void h2_guard_tick(struct h2_guard *guard, uint64_t now_ms);
/* Takes one token; false when there is none. */
MUST_USE bool h2_guard_spend(struct h2_guard *guard);
/* We sent a DATA frame of `len` bytes. */
void h2_guard_expect_answers(struct h2_guard *guard, size_t len);
/* We sent a RST_STREAM. */
void h2_guard_expect_strays(struct h2_guard *guard);
/* A head came that belongs to no stream; false when there were too many. */
MUST_USE bool h2_guard_take_stray(struct h2_guard *guard);
/* What was scanned last is the beginning of a head whose end has not come. */
bool h2_guard_is_amid_head(const struct h2_guard *guard);
/* Follows the frames through `input`. H2_NO_ERROR: all of it may be parsed. Any other code: the
 * session must end with it, and only the first `*out_len` bytes, which are before the frame that
 * was too many, may be parsed. */
MUST_USE enum h2_code h2_guard_scan(struct h2_guard *guard, struct slice input, size_t *out_len);
