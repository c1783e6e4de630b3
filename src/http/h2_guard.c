/* SPDX-License-Identifier: Apache-2.0 */
/* Floods of frames. Never lets through a frame that was not paid for. */
#include "http/h2_guard.h"

#include <nghttp2/nghttp2.h>

enum {
    TOKEN = 1000,           /* in millitokens: a millisecond brings `per_second` of them */
    ANSWERS_PER_HEAD = 4,   /* window and priority of a stream, said in frames of their own */
    ANSWERS_PER_DATA = 4,   /* a small event: both windows, and a PING to measure the line */
    BYTES_PER_ANSWER = 256, /* readers that return the window with each small read */
    PADDING_MAX = 1 + 255,  /* a padded frame up to this long may hold nothing */
    STRAYS_PER_RESET = 2,   /* the head of a response, and its trailers */
};

void h2_guard_init(struct h2_guard *guard, size_t preface_len, uint32_t burst, uint32_t per_second)
{
    *guard = (struct h2_guard){
        .millitokens = (uint64_t)burst * TOKEN,
        .millitokens_max = (uint64_t)burst * TOKEN,
        .per_second = per_second,
        .preface_left = preface_len,
    };
}

void h2_guard_tick(struct h2_guard *guard, uint64_t now_ms)
{
    uint64_t missing = guard->millitokens_max - guard->millitokens, gained;

    if (now_ms <= guard->filled_ms)
        return;
    if (__builtin_mul_overflow(now_ms - guard->filled_ms, guard->per_second, &gained) ||
        gained > missing)
        gained = missing;
    guard->millitokens += gained;
    guard->filled_ms = now_ms;
}

bool h2_guard_spend(struct h2_guard *guard)
{
    if (guard->millitokens < TOKEN)
        return false;
    guard->millitokens -= TOKEN;
    return true;
}

void h2_guard_expect_answers(struct h2_guard *guard, size_t len)
{
    guard->answers += ANSWERS_PER_DATA + len / BYTES_PER_ANSWER;
}

void h2_guard_expect_strays(struct h2_guard *guard)
{
    guard->strays += STRAYS_PER_RESET;
}

bool h2_guard_take_stray(struct h2_guard *guard)
{
    if (guard->strays == 0)
        return h2_guard_spend(guard);
    guard->strays--;
    return true;
}

static enum h2_code pay(struct h2_guard *guard)
{
    return h2_guard_spend(guard) ? H2_NO_ERROR : H2_ENHANCE_YOUR_CALM;
}

static enum h2_code answer(struct h2_guard *guard)
{
    if (guard->answers == 0)
        return pay(guard);
    guard->answers--;
    return H2_NO_ERROR;
}

static uint32_t payload_len(const struct h2_guard *guard)
{
    return (uint32_t)guard->header[0] << 16 | (uint32_t)guard->header[1] << 8 | guard->header[2];
}

/* The end of a stream is not nothing. */
static enum h2_code judge_data(struct h2_guard *guard)
{
    unsigned flags = guard->header[4];
    bool is_empty = (flags & NGHTTP2_FLAG_PADDED) != 0 ? payload_len(guard) <= PADDING_MAX
                                                       : payload_len(guard) == 0;

    return is_empty && (flags & NGHTTP2_FLAG_END_STREAM) == 0 ? pay(guard) : H2_NO_ERROR;
}

static enum h2_code judge_headers(struct h2_guard *guard)
{
    guard->continuations = 0;
    guard->answers += ANSWERS_PER_HEAD;
    return H2_NO_ERROR;
}

static void note_head(struct h2_guard *guard)
{
    unsigned type = guard->header[3], flags = guard->header[4];

    guard->is_head_frame = type == NGHTTP2_HEADERS || type == NGHTTP2_CONTINUATION;
    guard->is_head_open = guard->is_head_frame && (flags & NGHTTP2_FLAG_END_HEADERS) == 0;
}

static enum h2_code judge(struct h2_guard *guard)
{
    note_head(guard);
    switch (guard->header[3]) {
    case NGHTTP2_DATA:
        return judge_data(guard);
    case NGHTTP2_HEADERS:
        return judge_headers(guard);
    case NGHTTP2_CONTINUATION:
        return ++guard->continuations > H2_CONTINUATIONS_MAX ? H2_ENHANCE_YOUR_CALM : H2_NO_ERROR;
    case NGHTTP2_PUSH_PROMISE: /* in no role: we said so in our first frame */
        return H2_PROTOCOL_ERROR;
    case NGHTTP2_PING:
    case NGHTTP2_WINDOW_UPDATE:
    case NGHTTP2_PRIORITY:
        return answer(guard);
    default:
        return pay(guard);
    }
}

bool h2_guard_is_amid_head(const struct h2_guard *guard)
{
    return guard->is_head_open || (guard->is_head_frame && guard->payload_left > 0);
}

static size_t take_header(struct h2_guard *guard, struct slice input)
{
    struct slice part = slice_take(input, sizeof(guard->header) - guard->header_len);

    memcpy(guard->header + guard->header_len, part.data, part.len);
    guard->header_len += part.len;
    return part.len;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Past the preface, a payload, or (a part of) a frame header, whichever comes next. */
static size_t advance(struct h2_guard *guard, struct slice input)
{
    size_t len = smaller(guard->preface_left, input.len);

    if (len > 0) {
        guard->preface_left -= len;
        return len;
    }
    len = smaller(guard->payload_left, input.len);
    if (len > 0) {
        guard->payload_left -= (uint32_t)len;
        return len;
    }
    return take_header(guard, input);
}

enum h2_code h2_guard_scan(struct h2_guard *guard, struct slice input, size_t *out_len)
{
    size_t at = 0;

    while (at < input.len) {
        size_t len = advance(guard, slice_skip(input, at));

        if (guard->header_len == sizeof(guard->header)) {
            enum h2_code code = judge(guard);
            *out_len = at;
            if (code != H2_NO_ERROR)
                return code;
            guard->payload_left = payload_len(guard);
            guard->header_len = 0;
        }
        at += len;
    }
    *out_len = input.len;
    return H2_NO_ERROR;
}
