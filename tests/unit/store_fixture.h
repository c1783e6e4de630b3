/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A store in a folder of its own, and short words for what tests of it do all the time. */

#include "store/store.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char folder[256];
    struct store *store;
    struct arena arena;
    struct slice org;   /* id of the default one */
    struct slice other; /* id of another one */
};

#define TEXT(string) slice_from_string(string)
#define TEXTS(...)                                                                                 \
    ((struct text_list){(struct slice[]){__VA_ARGS__},                                             \
                        sizeof((struct slice[]){__VA_ARGS__}) / sizeof(struct slice)})
#define NO_TEXTS ((struct text_list){NULL, 0})
#define assert_slice(actual, expected)                                                             \
    do {                                                                                           \
        struct slice actual_ = (actual), expected_ = (expected);                                   \
        assert_int_equal(actual_.len, expected_.len);                                              \
        if (actual_.len > 0)                                                                       \
            assert_memory_equal(actual_.data, expected_.data, actual_.len);                        \
    } while (0)
#define assert_ok(expression) assert_int_equal((expression), OK)

static inline void fixture_open(struct fixture *fixture)
{
    assert_ok(store_open(SLICE("sqlite"), TEXT(fixture->folder), NULL, &fixture->store));
}

static inline void fixture_reopen(struct fixture *fixture)
{
    store_close(fixture->store);
    fixture_open(fixture);
}

static inline void fixture_make_folder(struct fixture *fixture)
{
    const char *parent = getenv("TMPDIR");
    snprintf(fixture->folder, sizeof fixture->folder, "%s/sealgate-store-XXXXXX",
             parent == NULL ? "/tmp" : parent);
    assert_non_null(mkdtemp(fixture->folder));
}

static int fixture_remove_entry(const char *path, const struct stat *status, int kind,
                                struct FTW *where)
{
    (void)status, (void)kind, (void)where;
    return remove(path);
}

static inline void fixture_remove_folder(struct fixture *fixture)
{
    nftw(fixture->folder, fixture_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static inline int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture_make_folder(fixture);
    fixture_open(fixture);

    struct org org, other;
    assert_ok(orgs_ensure_default(fixture->store, &fixture->arena, &org));
    assert_ok(orgs_create(fixture->store, &fixture->arena, SLICE("other"), &other));
    fixture->org = org.id;
    fixture->other = other.id;
    *state = fixture;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    store_close(fixture->store);
    arena_clear(&fixture->arena);
    fixture_remove_folder(fixture);
    free(fixture);
    return 0;
}

static inline enum error try_store(struct fixture *fixture, struct slice org, const char *name,
                                   struct secret_store *out)
{
    static const uint8_t mac[SECRET_STORES_MAC_SIZE] = {1, 2, 3};
    char *id = arena_alloc(&fixture->arena, IDENTIFIER_SIZE);
    const struct secret_store_new given = {
        .id = identifier_uuid(id),
        .org_id = org,
        .name = TEXT(name),
        .egress = TEXTS(SLICE("api.example.com"), SLICE("*.example.org")),
        .mac = mac,
        .redact_responses = true,
    };
    return secret_stores_create(fixture->store, &fixture->arena, &given, out);
}

/* Its id. */
static inline struct slice make_store(struct fixture *fixture, const char *name)
{
    struct secret_store store;
    assert_ok(try_store(fixture, fixture->org, name, &store));
    return store.id;
}

static inline struct secret_set_outcome set_secret(struct fixture *fixture, struct slice store_id,
                                                   const char *name, const char *sealed)
{
    const struct secret_entry_new given = {
        .org_id = fixture->org,
        .store_id = store_id,
        .name = TEXT(name),
        .sealed = TEXT(sealed),
        .hosts = TEXTS(SLICE("api.example.com")),
        .places = TEXTS(SLICE("header")),
    };
    struct secret_set_outcome outcome;
    assert_ok(secrets_set(fixture->store, &given, &outcome));
    return outcome;
}

static inline void delete_secret(struct fixture *fixture, struct slice store_id, const char *name)
{
    assert_ok(secrets_delete(fixture->store, fixture->org, store_id, TEXT(name)));
}

static inline void delete_store(struct fixture *fixture, struct slice store_id)
{
    assert_ok(secret_stores_delete(fixture->store, fixture->org, store_id));
}

/* The number of layers, and the first byte of the last one's id. */
static inline enum error sign_layers(void *context, const struct sandbox *sandbox,
                                     const struct text_list *stores,
                                     uint8_t mac[SANDBOXES_MAC_SIZE])
{
    assert_true(sandbox->id.len > 0 && sandbox->proxy_token.len > 0 && context == NULL);
    memset(mac, 0, SANDBOXES_MAC_SIZE);
    mac[0] = (uint8_t)stores->count;
    mac[1] = stores->count == 0 ? 1 : (uint8_t)stores->items[stores->count - 1].data[0];
    return OK;
}

static inline struct sandbox_new sandbox_with(const struct fixture *fixture,
                                              struct text_list stores)
{
    return (struct sandbox_new){
        .signer = {sign_layers, NULL},
        .org_id = fixture->org,
        .secret_stores = stores,
        .envs = SLICE_INIT("{\"A\":\"1\"}"),
        .metadata = SLICE_INIT("{}"),
        .config = SLICE_INIT("{\"cpuCount\":2}"),
    };
}

/* Its id. */
static inline struct slice make_sandbox(struct fixture *fixture, struct text_list stores)
{
    struct sandbox_new given = sandbox_with(fixture, stores);
    struct sandbox sandbox;
    assert_ok(sandboxes_create(fixture->store, &fixture->arena, &given, &sandbox));
    return sandbox.id;
}

static inline struct slice make_checkpoint(struct fixture *fixture, struct slice sandbox_id,
                                           const char *name)
{
    struct checkpoint checkpoint;
    assert_ok(checkpoints_create(fixture->store, &fixture->arena, fixture->org, sandbox_id,
                                 TEXT(name), &checkpoint));
    return checkpoint.id;
}

static inline struct slice make_fork(struct fixture *fixture, struct slice checkpoint_id,
                                     struct text_list stores)
{
    struct sandbox_new given = sandbox_with(fixture, stores);
    struct sandbox sandbox;
    assert_ok(sandboxes_fork(fixture->store, &fixture->arena, checkpoint_id, &given, &sandbox));
    return sandbox.id;
}

static inline void delete_sandbox(struct fixture *fixture, struct slice id)
{
    assert_ok(sandboxes_delete(fixture->store, fixture->org, id, false));
}

static inline struct view_data view_of(struct fixture *fixture, struct slice sandbox_id)
{
    struct view_data data;
    assert_ok(view_data_load(fixture->store, &fixture->arena, sandbox_id, &data));
    return data;
}

/* NULL when no layer has it. */
static inline const struct view_data_secret *secret_in(struct fixture *fixture,
                                                       struct slice sandbox_id, const char *name)
{
    struct view_data data = view_of(fixture, sandbox_id);
    for (size_t i = 0; i < data.secret_count; i++)
        if (slice_equals(data.secrets[i].name, TEXT(name)))
            return &data.secrets[i];
    return NULL;
}

static inline struct token token_in(struct fixture *fixture, struct slice sandbox_id,
                                    const char *name)
{
    const struct view_data_secret *secret = secret_in(fixture, sandbox_id, name);
    assert_non_null(secret);
    return secret->token;
}

static inline bool same_token(struct token a, struct token b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

/* Stores that are really there, hidden ones too. */
static inline size_t stores_at_rest(struct fixture *fixture)
{
    struct secret_store_list list;
    assert_ok(secret_stores_page(fixture->store, &fixture->arena, 0, &list));
    return list.count;
}

static inline size_t secrets_at_rest(struct fixture *fixture)
{
    struct secret_entry_list list;
    assert_ok(secrets_page(fixture->store, &fixture->arena, 0, &list));
    return list.count;
}
