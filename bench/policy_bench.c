/* SPDX-License-Identifier: Apache-2.0 */
/* How long a policy decision takes with 1,000 patterns. Never a test: it prints, it does not judge.
 */
#include "base/buffer.h"
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PATTERNS = 1000, ROUNDS = 1000000 };

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void must(enum error error)
{
    if (error == OK)
        return;
    fprintf(stderr, "%s\n", error_text(error));
    exit(1);
}

/* Half of them exact, half wildcards. */
static struct host_list *make_list(void)
{
    struct host_list *list = host_list_new();
    char text[64];

    if (list == NULL)
        must(ERR_NO_MEMORY);
    for (unsigned i = 0; i < PATTERNS; i++) {
        int len = snprintf(text, sizeof(text), "%sapi-%u.service-%u.example.com",
                           i % 2 == 0 ? "" : "*.", i, i);
        must(host_list_add(list, slice_of(text, (size_t)len), NULL));
    }
    return list;
}

/* Through the encoding, as every process but control gets its views. */
static struct view *make_view(struct host_list *list)
{
    struct view_layer layer = {SLICE("st-1"), SLICE("bench"), list, {0}};
    struct view source = {.sandbox_id = SLICE("sb-bench"),
                          .org_id = SLICE("org"),
                          .status = VIEW_RUNNING,
                          .layers = &layer,
                          .layer_count = 1};
    struct buffer encoded;
    struct view *view = NULL;

    buffer_init(&encoded, VIEW_ENCODED_MAX);
    must(view_encode(&source, &encoded));
    must(view_decode(buffer_view(&encoded), &view));
    buffer_clear(&encoded);
    return view;
}

static void measure(const char *what, const struct view *view, const char *text)
{
    struct decision_settings settings = {0};
    struct authority target;
    size_t allowed = 0;

    must(authority_parse(slice_from_string(text), 443, &target));
    uint64_t start = now_ns();
    for (size_t i = 0; i < ROUNDS; i++)
        allowed += decision_for_host(view, &target, settings).verdict == VERDICT_ALLOW;
    uint64_t spent = now_ns() - start;
    printf("%-28s %7.1f ns per decision, %s\n", what, (double)spent / ROUNDS,
           allowed == ROUNDS ? "allowed" : "refused");
}

int main(void)
{
    struct host_list *list = make_list();
    struct view *view = make_view(list);

    printf("policy: %d patterns, %d decisions each\n", PATTERNS, ROUNDS);
    measure("hit, exact", view, "api-500.service-500.example.com");
    measure("hit, wildcard", view, "deep.er.api-501.service-501.example.com");
    measure("miss", view, "files.pythonhosted.org");
    measure(
        "miss, as many labels as fit", view,
        "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
        "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
        "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.com");
    view_unref(view);
    host_list_free(list);
    return 0;
}
