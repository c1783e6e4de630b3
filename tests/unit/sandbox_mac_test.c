/* SPDX-License-Identifier: Apache-2.0 */
/* What the signature of a sandbox covers: any other sandbox, store, order or credential has
 * another. */
#include "process/keyholder/sandbox_mac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t key[SANDBOX_MAC_KEY_SIZE] = {1, 2, 3};

struct sample {
    struct view_layer layers[3];
    struct view view;
};

static void make_sample(struct sample *sample)
{
    *sample = (struct sample){
        .layers = {{.store_id = SLICE_INIT("base")}, {.store_id = SLICE_INIT("primary")}}};
    sample->view = (struct view){.sandbox_id = SLICE_INIT("sb-1"),
                                 .org_id = SLICE_INIT("org"),
                                 .proxy_token_hash = {7},
                                 .source = {.len = 4, .bytes = {10, 0, 0, 1}},
                                 .layers = sample->layers,
                                 .layer_count = 2};
    sandbox_mac_make(key, &sample->view, sample->view.sandbox_mac);
}

static void the_sandbox_that_was_signed_verifies(void **state UNUSED)
{
    struct sample sample;

    make_sample(&sample);
    assert_true(sandbox_mac_is_good(key, &sample.view));
    sample.view.generation = 9; /* a change of status or lists is none of who it is */
    sample.view.status = VIEW_RUNNING;
    assert_true(sandbox_mac_is_good(key, &sample.view));
}

static void another_org(struct sample *sample)
{
    sample->view.org_id = SLICE("orG");
}

static void another_sandbox(struct sample *sample)
{
    sample->view.sandbox_id = SLICE("sb-2");
}

static void text_moved_between_parts(struct sample *sample)
{
    sample->view.org_id = SLICE("orgs");
    sample->view.sandbox_id = SLICE("b-1");
}

static void another_proxy_token(struct sample *sample)
{
    sample->view.proxy_token_hash[31] = 1;
}

static void another_source(struct sample *sample)
{
    sample->view.source.bytes[3] = 2;
}

static void no_source(struct sample *sample)
{
    sample->view.source.len = 0;
}

static void another_store(struct sample *sample)
{
    sample->layers[1].store_id = SLICE("other");
}

static void layers_swapped(struct sample *sample)
{
    sample->layers[0].store_id = SLICE("primary");
    sample->layers[1].store_id = SLICE("base");
}

static void a_layer_more(struct sample *sample)
{
    sample->layers[2].store_id = SLICE("third");
    sample->view.layer_count = 3;
}

static void a_layer_less(struct sample *sample)
{
    sample->view.layer_count = 1;
}

static void no_signature(struct sample *sample)
{
    memset(sample->view.sandbox_mac, 0, VIEW_MAC_SIZE);
}

static void whatever_was_changed_does_not_verify(void **state UNUSED)
{
    static void (*const changes[])(struct sample *) = {
        another_org,         another_sandbox, text_moved_between_parts,
        another_proxy_token, another_source,  no_source,
        another_store,       layers_swapped,  a_layer_more,
        a_layer_less,        no_signature,
    };

    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct sample sample;

        make_sample(&sample);
        changes[i](&sample);
        assert_false(sandbox_mac_is_good(key, &sample.view));
    }
}

static void another_key_does_not_verify(void **state UNUSED)
{
    const uint8_t other[SANDBOX_MAC_KEY_SIZE] = {1, 2, 4};
    struct sample sample;

    make_sample(&sample);
    assert_false(sandbox_mac_is_good(other, &sample.view));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sandbox_that_was_signed_verifies),
        cmocka_unit_test(whatever_was_changed_does_not_verify),
        cmocka_unit_test(another_key_does_not_verify),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
