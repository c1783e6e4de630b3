/* SPDX-License-Identifier: Apache-2.0 */
/* How fast values are looked for in bodies, and tokens in heads. Never a test: it prints, it does
 * not judge. */
#include "tests/unit/inject_fixture.h"

#include <time.h>

enum { PIECE = 16 * 1024, BODY = 64 * PIECE, ROUNDS = 200, HEADS = 200000 };

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static const struct fixture_secret secrets[] = {
    {.name = "A", .value = "sk-ant-api03-8Zq2fVn1xT0cYb7LwKpR5mUeHs4JdGiA9oXkNvC6tBzQyWjE3"},
    {.name = "B", .value = "ghp_1a2B3c4D5e6F7g8H9i0JkLmNoPqRsTuVwXyZ"},
    {.name = "C", .value = "AKIAIOSFODNN7EXAMPLE"},
    {.name = "D", .value = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"},
    {.name = "E", .value = "xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOHcbrzqgy"},
};
static const struct fixture_secret short_secrets[] = {
    {.name = "A", .value = "hunter22"},
    {.name = "B", .value = "ghp_1a2B3c4D5e6F7g8H9i0JkLmNoPqRsTuVwXyZ"},
};

static char body[BODY];

static void fill_json(void)
{
    static const char event[] =
        "data: "
        "{\"id\":\"chatcmpl-9\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,"
        "\"delta\":{\"content\":\" the quick brown fox\"},\"finish_reason\":null}]}\n\n";

    for (size_t i = 0; i < BODY; i++)
        body[i] = event[i % (sizeof(event) - 1)];
}

static void fill_random(const char *letters, size_t count)
{
    uint32_t state = 1;

    for (size_t i = 0; i < BODY; i++) {
        state = state * 1664525u + 1013904223u;
        body[i] = letters != NULL ? letters[(state >> 16) % count] : (char)(state >> 24);
    }
}

static void redact_once(struct inject_values *values, struct buffer *out)
{
    struct redactor *redactor = NULL;

    fixture_must(redactor_new(values, true, &redactor));
    for (size_t at = 0; at < BODY; at += PIECE) {
        fixture_must(redactor_feed(redactor, slice_of(body + at, PIECE), out));
        buffer_reset(out);
    }
    fixture_must(redactor_finish(redactor, out));
    buffer_reset(out);
    redactor_free(redactor);
}

static void measure(const char *what, const struct fixture_secret *list, size_t count)
{
    struct inject_values *values = fixture_values(list, count, "api.example.com");
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 2 * PIECE};
    uint64_t best = UINT64_MAX;

    for (int i = 0; i < ROUNDS; i++) {
        uint64_t start = now_ns();
        redact_once(values, out);
        uint64_t took = now_ns() - start;
        best = took < best ? took : best;
    }
    printf("%-44s %7.2f GiB/s  %6.3f ms/MiB\n", what, BODY / 1.073741824 / (double)best,
           (double)best / 1e6 / (BODY / 1048576.0));
    inject_values_unref(values);
}

static void measure_bodies(const char *secrets_text, const struct fixture_secret *list,
                           size_t count)
{
    char what[64];

    fill_json();
    snprintf(what, sizeof(what), "redact, %s, JSON events", secrets_text);
    measure(what, list, count);
    fill_random(NULL, 256);
    snprintf(what, sizeof(what), "redact, %s, random bytes", secrets_text);
    measure(what, list, count);
    fill_random("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 64);
    snprintf(what, sizeof(what), "redact, %s, base64 text", secrets_text);
    measure(what, list, count);
    fill_random("0123456789abcdef", 16);
    snprintf(what, sizeof(what), "redact, %s, hex text", secrets_text);
    measure(what, list, count);
}

/* A body that is nothing but beginnings of a value: the worst that an origin can send. */
static void measure_hostile(void)
{
    static const char start[] = "sk-ant-api03-8Zq2fVn1xT0cYb7LwKpR";

    for (size_t i = 0; i < BODY; i++)
        body[i] = start[i % (sizeof(start) - 1)];
    measure("redact, 5 secrets, half values", secrets, ARRAY_LEN(secrets));
    for (size_t i = 0; i < BODY; i++)
        body[i] = start[i % 4];
    measure("redact, 5 secrets, four bytes of a value", secrets, ARRAY_LEN(secrets));
}

static void measure_compile(void)
{
    uint64_t start = now_ns();

    for (int i = 0; i < 1000; i++)
        inject_values_unref(fixture_values(secrets, ARRAY_LEN(secrets), "api.example.com"));
    printf("%-44s %7.1f us\n", "view, values and patterns, 5 secrets", (now_ns() - start) / 1e6);
}

static void fill_head(struct http_head *head)
{
    static const char *const fields[][2] = {
        {"Host", "api.example.com"},
        {"User-Agent", "OpenAI/Python 1.55.0"},
        {"Accept", "application/json"},
        {"Accept-Encoding", "gzip, deflate, br"},
        {"Content-Type", "application/json"},
        {"X-Stainless-Runtime-Version", "3.11.2"},
        {"X-Stainless-Package-Version", "1.55.0"},
        {"X-Stainless-Retry-Count", "0"},
        {"Authorization", "Bearer osb_sealed_11111111111111111111111111111111"},
        {"Cookie", "__cf_bm=abc_def_ghi_jkl; _cfuvid=mno_pqr_stu"},
    };

    http_head_init(head);
    head->method = SLICE("POST");
    head->target = SLICE("/v1/chat/completions");
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        fixture_must(
            http_head_add(head, slice_from_string(fields[i][0]), slice_from_string(fields[i][1])));
}

static void measure_head(void)
{
    struct inject_values *values = fixture_values(secrets, ARRAY_LEN(secrets), "api.example.com");
    struct authority target = fixture_target("api.example.com");
    OWNED_STRUCT(buffer) *storage = &(struct buffer){.limit = HTTP_HEAD_MAX};
    struct http_request request = {.path = SLICE("/v1/chat/completions")};
    static struct http_head head;
    const struct inject_question question = {.view = inject_values_view(values),
                                             .target = &target,
                                             .head = &head,
                                             .request = &request,
                                             .is_tls = true};
    uint64_t checks = 0, injections = 0;

    fill_head(&head);
    struct slice token = head.fields[8].value;
    for (int i = 0; i < HEADS; i++) {
        struct inject_finding finding;
        uint64_t start = now_ns();
        inject_check_request(&question, &finding);
        uint64_t checked = now_ns();
        fixture_must(inject_request_head(values, &head, storage, NULL));
        injections += now_ns() - checked;
        checks += checked - start;
        head.fields[8].value = token;
        buffer_reset(storage);
    }
    printf("%-44s %7.0f ns\n", "check a request head, 10 fields", (double)checks / HEADS);
    printf("%-44s %7.0f ns\n", "inject one value into it", (double)injections / HEADS);
    http_head_clear(&head);
    inject_values_unref(values);
}

int main(void)
{
    fill_json();
    measure("no secret: copying and wiping alone", secrets, 0);
    measure_bodies("5 secrets", secrets, ARRAY_LEN(secrets));
    measure_bodies("one of 8 bytes", short_secrets, ARRAY_LEN(short_secrets));
    measure_hostile();
    measure_compile();
    measure_head();
    return 0;
}
