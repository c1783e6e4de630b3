/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the compiler offers beyond C17: the only place with #if. */

#include <stddef.h>

#define MUST_USE __attribute__((warn_unused_result))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))
/* For a large local that its function fills itself: builds clear all others on entry. */
#if __has_attribute(uninitialized)
#define UNINITIALIZED __attribute__((uninitialized))
#else
#define UNINITIALIZED
#endif
#define PRINTF_LIKE(string, first) __attribute__((format(printf, string, first)))

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* The struct that `member` at `pointer` is embedded in. */
#define CONTAINER_OF(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* Returns from the calling function when `expression` is not OK. The only macro that hides a
 * return. */
#define TRY(expression)                                                                            \
    do {                                                                                           \
        enum error try_error_ = (expression);                                                      \
        if (try_error_ != OK)                                                                      \
            return try_error_;                                                                     \
    } while (0)

/* `OWNED(X509) *leaf = ...` frees on every way out of the scope, unless TAKE(leaf) gave it away.
 * A type takes part with DEFINE_OWNED(type, free_function) beside its declaration. */
#define OWNED(type) __attribute__((cleanup(owned_free_##type))) type
#define DEFINE_OWNED(type, free_function)                                                          \
    static inline void owned_free_##type(type **owned_pointer)                                     \
    {                                                                                              \
        if (*owned_pointer != NULL)                                                                \
            free_function(*owned_pointer);                                                         \
    }
/* The same for `struct tag`. */
#define OWNED_STRUCT(tag) __attribute__((cleanup(owned_free_struct_##tag))) struct tag
#define DEFINE_OWNED_STRUCT(tag, free_function)                                                    \
    static inline void owned_free_struct_##tag(struct tag **owned_pointer)                         \
    {                                                                                              \
        if (*owned_pointer != NULL)                                                                \
            free_function(*owned_pointer);                                                         \
    }
#define TAKE(pointer)                                                                              \
    ({                                                                                             \
        __typeof__(pointer) taken_ = (pointer);                                                    \
        (pointer) = NULL;                                                                          \
        taken_;                                                                                    \
    })
