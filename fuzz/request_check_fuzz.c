/* SPDX-License-Identifier: Apache-2.0 */
/* A head that passes the check is injected whole: no token is left, no value stands in a field that
 * its secret does not list, and nothing else has changed. First line: the target; then one field a
 * line. */
#include "tests/unit/inject_fixture.h"

static const struct fixture_secret secrets[] = {
    {.name = "A_ANY", .value = "VALUE-A-VALUE"},
    {.name = "B_OTHER_HOST", .host = "api.github.com"},
    {.name = "C_NAMED", .value = "VALUE-C-VALUE", .place = "header:x-api-key"},
};

static void must(bool claim)
{
    if (!claim)
        abort();
}

static bool has(struct slice text, struct slice part)
{
    return slice_find_slice(text, part) < text.len;
}

static void read_head(struct slice input, struct http_head *head)
{
    head->method = SLICE("GET");
    head->target = slice_split(&input, '\n');
    while (input.len > 0) {
        struct slice value = slice_split(&input, '\n');
        struct slice name = slice_split(&value, ':');
        if (http_is_token(name) && http_is_field_value(value))
            if (http_head_add(head, name, slice_trim(value)) != OK)
                return;
    }
}

static void check_injected(const struct http_field *before, const struct http_field *after)
{
    bool is_changed = !slice_equals(before->value, after->value);

    must(slice_equals(before->name, after->name));
    must(!has(after->value, SLICE("osb_sealed_")));
    must(!is_changed || !place_field_needs_naming(after->name));
    must(!is_changed || !place_field_is_forbidden(after->name));
    if (!has(before->value, SLICE("VALUE-C")) && has(after->value, SLICE("VALUE-C")))
        must(slice_equals_nocase(after->name, SLICE("x-api-key")));
}

static void inject(const struct inject_values *values, struct http_head *head)
{
    static struct http_field before[HTTP_FIELDS_MAX];
    OWNED_STRUCT(buffer) *storage = &(struct buffer){.limit = 4 * HTTP_HEAD_MAX};
    size_t replaced = 0, changed = 0;

    memcpy(before, head->fields, head->field_count * sizeof(before[0]));
    must(inject_request_head(values, head, storage, &replaced) == OK);
    for (size_t i = 0; i < head->field_count; i++) {
        check_injected(&before[i], &head->fields[i]);
        changed += !slice_equals(before[i].value, head->fields[i].value);
    }
    must(changed <= replaced && (changed > 0) == (replaced > 0));
}

static void try_head(const struct inject_values *values, struct http_head *head, bool is_tls)
{
    struct authority target = fixture_target("api.example.com");
    struct http_request request = {.path = head->target};
    struct inject_finding finding;

    inject_check_request(&(struct inject_question){.view = inject_values_view(values),
                                                   .target = &target,
                                                   .head = head,
                                                   .request = &request,
                                                   .is_tls = is_tls},
                         &finding);
    bool is_allowed = finding.decision.verdict == VERDICT_ALLOW;
    must(is_allowed == (finding.decision.code == REFUSAL_NONE));
    must(is_tls || !finding.has_tokens);
    if (!is_allowed)
        return;
    must(!has(head->target, SLICE("osb_sealed_")));
    for (size_t i = 0; i < head->field_count; i++)
        must(!has(head->fields[i].name, SLICE("osb_sealed_")));
    if (is_tls)
        inject(values, head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct inject_values *values;
    static struct http_head head;

    if (values == NULL)
        values = fixture_values(secrets, ARRAY_LEN(secrets), "api.example.com");
    if (size > HTTP_HEAD_MAX)
        return 0;
    http_head_init(&head);
    read_head(slice_of(data, size), &head);
    try_head(values, &head, false);
    try_head(values, &head, true);
    http_head_clear(&head);
    return 0;
}
