/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Views for tests, out of plain text: made as control makes them, encoded, and decoded as every
 * other process does. Include after cmocka.h. */

#include "base/buffer.h"
#include "policy/view.h"

enum { FIXTURE_MAX = 8 };

struct fixture_layer {
    const char *store; /* NULL ends the list */
    const char *hosts; /* patterns behind one another, with commas */
};

struct fixture_secret {
    const char *name; /* NULL ends the list; names in sorted order */
    uint16_t layer;
    const char *hosts;
    const char *place;
};

struct fixture {
    struct fixture_layer layers[FIXTURE_MAX + 1];
    struct fixture_secret secrets[FIXTURE_MAX + 1]; /* the token of secret n is sixteen times n */
    const char *passthrough[FIXTURE_MAX], *private_hosts[FIXTURE_MAX]; /* of each layer */
    bool reaches_nothing;
    enum view_status status;
};

static inline struct host_list *fixture_list(const char *hosts)
{
    struct host_list *list = host_list_new();
    struct slice rest = slice_from_string(hosts);

    assert_non_null(list);
    while (rest.len > 0)
        assert_int_equal(host_list_add(list, slice_split(&rest, ','), NULL), OK);
    return list;
}

static inline size_t fixture_fill_layers(const struct fixture *fixture, struct view_layer *layers)
{
    size_t count = 0;

    for (; fixture->layers[count].store != NULL; count++) {
        layers[count].store_id = SLICE("st-1");
        layers[count].store_name = slice_from_string(fixture->layers[count].store);
        layers[count].allowlist = fixture_list(fixture->layers[count].hosts);
        layers[count].passthrough = fixture_list(fixture->passthrough[count]);
        layers[count].private_hosts = fixture_list(fixture->private_hosts[count]);
        layers[count].redact_responses = true;
        memset(layers[count].mac, (int)count + 1, VIEW_MAC_SIZE);
    }
    return count;
}

static inline size_t fixture_fill_secrets(const struct fixture *fixture,
                                          struct view_secret *secrets, struct place *places)
{
    size_t count = 0;

    for (; fixture->secrets[count].name != NULL; count++) {
        const struct fixture_secret *from = &fixture->secrets[count];
        const char *place = from->place != NULL ? from->place : "header";

        assert_int_equal(place_parse(slice_from_string(place), &places[count], NULL), OK);
        secrets[count] = (struct view_secret){.name = slice_from_string(from->name),
                                              .layer = from->layer,
                                              .hosts = fixture_list(from->hosts),
                                              .places = &places[count],
                                              .place_count = 1,
                                              .box = SLICE("sealgate.v1.box")};
    }
    return count;
}

/* The encoding of the view that the fixture describes, appended to `out`. */
static inline void fixture_encode(const struct fixture *fixture, struct buffer *out)
{
    struct view_layer layers[FIXTURE_MAX] = {0};
    struct view_secret secrets[FIXTURE_MAX] = {0};
    struct place places[FIXTURE_MAX];
    struct view_token tokens[FIXTURE_MAX] = {0};
    struct view view = {.generation = 7,
                        .sandbox_seq = 3,
                        .sandbox_id = SLICE("sb-1"),
                        .org_id = SLICE("org-1"),
                        .status = fixture->status,
                        .source = {4, {10, 0, 0, 9}},
                        .reaches_nothing = fixture->reaches_nothing,
                        .sandbox_mac = {9},
                        .layers = layers,
                        .secrets = secrets,
                        .tokens = tokens};

    view.layer_count = fixture_fill_layers(fixture, layers);
    view.secret_count = fixture_fill_secrets(fixture, secrets, places);
    view.token_count = view.secret_count;
    for (uint32_t i = 0; i < view.token_count; i++) {
        memset(tokens[i].token.bytes, (int)i, TOKEN_SIZE);
        tokens[i].secret = i;
    }
    assert_int_equal(view_encode(&view, out), OK);
    for (size_t i = 0; i < FIXTURE_MAX; i++) {
        host_list_free(layers[i].allowlist);
        host_list_free(layers[i].passthrough);
        host_list_free(layers[i].private_hosts);
        host_list_free(secrets[i].hosts);
    }
}

static inline struct view *fixture_view(const struct fixture *fixture)
{
    struct buffer encoded;
    struct view *view = NULL;

    buffer_init(&encoded, VIEW_ENCODED_MAX);
    fixture_encode(fixture, &encoded);
    assert_int_equal(view_decode(buffer_view(&encoded), &view), OK);
    buffer_clear(&encoded);
    return view;
}
