/* SPDX-License-Identifier: Apache-2.0 */
/* Basic credentials: what counts as such, and what is inert. */
#include "inject/basic_credentials.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct recognition {
    const char *name, *value;
    const char *encoded; /* NULL: not Basic */
};

static const struct recognition recognitions[] = {
    {"Authorization", "Basic YTpi", "YTpi"},
    {"authorization", "basic YTpi", "YTpi"},
    {"AUTHORIZATION", "BASIC   YTpi ", "YTpi"},
    {"Authorization", "Bearer YTpi", NULL},
    {"Authorization", "Basic", NULL},
    {"Authorization", "BasicYTpi", NULL},
    {"Proxy-Authorization", "Basic YTpi", NULL},
    {"X-Authorization", "Basic YTpi", NULL},
};

static void only_authorization_with_the_scheme_basic_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(recognitions); i++) {
        const struct recognition *r = &recognitions[i];
        struct slice encoded;
        bool is_basic = basic_credentials_recognize(slice_from_string(r->name),
                                                    slice_from_string(r->value), &encoded);

        assert_int_equal(is_basic, r->encoded != NULL);
        if (is_basic && !slice_equals(encoded, slice_from_string(r->encoded)))
            fail_msg("%s: got %.*s", r->value, SLICE_ARG(encoded));
    }
}

struct decoding {
    const char *encoded;
    const char *decoded; /* NULL: refused */
};

static const struct decoding decodings[] = {
    {"YTpi", "a:b"},
    {"eDpzZWNyZXQ=", "x:secret"},
    {"eDpzZWNyZXQ", "x:secret"},
    {"dXNlcjo/Pz8/", "user:????"},
    {"", NULL},
    {"YTp", NULL},   /* bits left over that are not zero */
    {"Y", NULL},     /* no whole byte */
    {"YTpi=", NULL}, /* padding where none belongs */
    {"eDpzZWNyZXQ==", NULL},
    {"YT pi", NULL},
    {"YTpi,YTpi", NULL},
    {"dXNlcjo_Pz8_", NULL}, /* the other alphabet */
    {"osb_sealed_", NULL},
};

static void anything_but_strict_base64_is_inert(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(decodings); i++) {
        OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 64};
        enum error error = basic_credentials_decode(slice_from_string(decodings[i].encoded), out);

        if (decodings[i].decoded == NULL ? error != ERR_SYNTAX || buffer_len(out) != 0
                                         : error != OK)
            fail_msg("%s: %s", decodings[i].encoded, error_name(error));
        if (error == OK)
            assert_true(slice_equals(buffer_view(out), slice_from_string(decodings[i].decoded)));
    }
}

static void encoding_pads(void **state)
{
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 64};

    (void)state;
    assert_int_equal(basic_credentials_encode(SLICE("x:secret"), out), OK);
    assert_true(slice_equals(buffer_view(out), SLICE("Basic eDpzZWNyZXQ=")));
}

static void more_than_the_limit_is_an_error(void **state)
{
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 8};

    (void)state;
    assert_int_equal(basic_credentials_encode(SLICE("x:secret"), out), ERR_TOO_LARGE);
    assert_int_equal(basic_credentials_decode(SLICE("eDpzZWNyZXQ="), out), ERR_TOO_LARGE);
    assert_int_equal(buffer_len(out), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_authorization_with_the_scheme_basic_counts),
        cmocka_unit_test(anything_but_strict_base64_is_inert),
        cmocka_unit_test(encoding_pads),
        cmocka_unit_test(more_than_the_limit_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
