/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A sandbox with secrets and values, for the tests, fuzz targets and benchmarks of inject/. */

#include "inject/inject.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

struct fixture_secret {
    const char *name; /* in ascending order */
    const char *value;
    const char *host;  /* NULL: wherever the sandbox may go */
    const char *place; /* NULL: "header" */
    bool keeps_quiet;  /* its store has redactResponses off */
    bool has_no_token;
};

static inline void fixture_must(enum error error)
{
    if (error == OK)
        return;
    fprintf(stderr, "fixture: %s\n", error_text(error));
    abort();
}

static inline struct authority fixture_target(const char *text)
{
    struct authority target;

    fixture_must(authority_parse(slice_from_string(text), 443, &target));
    return target;
}

/* The token of the secret with this index: every byte the same, so that tests can spell it. */
static inline struct token fixture_token(size_t index)
{
    struct token token;

    memset(token.bytes, (int)(0x11 * (index + 1)), sizeof(token.bytes));
    return token;
}

static inline void fixture_secret_into(const struct fixture_secret *from, struct view_secret *to)
{
    to->name = slice_from_string(from->name);
    to->layer = from->keeps_quiet;
    to->hosts = host_list_new();
    if (from->host != NULL)
        fixture_must(host_list_add(to->hosts, slice_from_string(from->host), NULL));
    to->places = calloc(1, sizeof(*to->places));
    to->place_count = 1;
    fixture_must(place_parse(slice_from_string(from->place != NULL ? from->place : "header"),
                             to->places, NULL));
    to->box = SLICE("sealed");
}

/* At most 14 secrets; through the encoding, as a worker gets its views. */
static inline struct view *fixture_view(const struct fixture_secret *secrets, size_t count)
{
    struct view_secret made[14] = {0};
    struct view_token tokens[14];
    struct view_layer layers[] = {
        {.store_id = SLICE("st-1"), .store_name = SLICE("agent"), .redact_responses = true},
        {.store_id = SLICE("st-2"), .store_name = SLICE("quiet")}};
    struct view from = {.sandbox_id = SLICE("sb-test"),
                        .org_id = SLICE("org"),
                        .status = VIEW_RUNNING,
                        .layers = layers,
                        .layer_count = ARRAY_LEN(layers),
                        .secrets = made,
                        .secret_count = count,
                        .tokens = tokens};
    struct buffer encoded;
    struct view *view = NULL;

    for (size_t i = 0; i < count; i++) {
        fixture_secret_into(&secrets[i], &made[i]);
        if (!secrets[i].has_no_token)
            tokens[from.token_count++] = (struct view_token){fixture_token(i), (uint32_t)i};
    }
    buffer_init(&encoded, VIEW_ENCODED_MAX);
    fixture_must(view_encode(&from, &encoded));
    fixture_must(view_decode(buffer_view(&encoded), &view));
    buffer_clear(&encoded);
    for (size_t i = 0; i < count; i++) {
        host_list_free(made[i].hosts);
        free(made[i].places);
    }
    return view;
}

/* All values of these secrets that have one, for a host. */
static inline struct inject_values *fixture_values(const struct fixture_secret *secrets,
                                                   size_t count, const char *host)
{
    struct view *view = fixture_view(secrets, count);
    struct authority target = fixture_target(host);
    struct inject_values *values = NULL;

    fixture_must(sodium_init() < 0 ? ERR_CRYPTO : OK);
    fixture_must(inject_values_new(view, &target, &values));
    view_unref(view);
    for (size_t i = 0; i < count; i++)
        if (secrets[i].value != NULL)
            fixture_must(
                inject_values_add(values, (uint32_t)i, slice_from_string(secrets[i].value)));
    fixture_must(inject_values_complete(values));
    return values;
}
