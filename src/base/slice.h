/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Bytes that somebody else owns: pointer and length, passed by value, not NUL-terminated. The
 * pointer may be NULL only when the length is 0. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const char *data;
    size_t len;
};

#define SLICE(literal) ((struct slice){"" literal, sizeof(literal) - 1})
/* For static tables, where a compound literal is not constant. */
#define SLICE_INIT(literal)                                                                        \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }
#define SLICE_NONE ((struct slice){NULL, 0})
/* For printf("%.*s", SLICE_ARG(s)). Never for a value of a secret. */
#define SLICE_ARG(s) (int)(s).len, ((s).len > 0 ? (s).data : "")

static inline struct slice slice_of(const void *data, size_t len)
{
    return (struct slice){data, len};
}

static inline struct slice slice_from_string(const char *string)
{
    return string == NULL ? SLICE_NONE : (struct slice){string, strlen(string)};
}

static inline bool slice_equals(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool slice_starts_with(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.data, prefix.data, prefix.len) == 0);
}

/* Without the first `n` bytes; empty when there are fewer. */
static inline struct slice slice_skip(struct slice s, size_t n)
{
    return n >= s.len ? SLICE_NONE : (struct slice){s.data + n, s.len - n};
}

static inline struct slice slice_take(struct slice s, size_t n)
{
    return (struct slice){s.data, n < s.len ? n : s.len};
}

/* ASCII only: field names, schemes, hosts. */
bool slice_equals_nocase(struct slice a, struct slice b);
bool slice_starts_with_nocase(struct slice s, struct slice prefix);
/* The index of the first `c`, or s.len. */
size_t slice_find(struct slice s, char c);
/* The index of the first `needle`, or s.len. */
size_t slice_find_slice(struct slice s, struct slice needle);
/* Without spaces and tabs at both ends (OWS of RFC 9110). */
struct slice slice_trim(struct slice s);
/* Cuts off what comes before the first `separator` and returns it; `*rest` keeps what comes after
 * it, SLICE_NONE when there was none. */
struct slice slice_split(struct slice *rest, char separator);
/* Unsigned decimal, digits only, no sign, no leading zero but "0" itself. */
bool slice_parse_u64(struct slice s, uint64_t *out);
/* Total order by bytes, shorter first on a tie: for sorting. */
int slice_compare(struct slice a, struct slice b);
/* A NUL-terminated copy; NULL when out of memory. The caller frees it. */
char *slice_dup(struct slice s);

static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline bool ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool ascii_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
