/* SPDX-License-Identifier: Apache-2.0 */
/* Any input either fails to parse, with a sentence that says why, or parses into a pattern that
 * prints back and matches itself, alone and in a list. */
#include "policy/host_list.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
    if (!fact)
        abort();
}

/* A target that the pattern is for; false when a suffix is too long to have anything below it. */
static bool make_target(const struct host_pattern *pattern, struct authority *out)
{
    char text[HOST_NAME_MAX_LEN + 3];
    size_t len = 0;

    if (pattern->kind != HOST_PATTERN_EXACT)
        text[len++] = 'a';
    if (pattern->kind == HOST_PATTERN_SUFFIX)
        text[len++] = '.';
    memcpy(text + len, pattern->host.text, pattern->host.len);
    len += pattern->host.len;
    out->port = pattern->port > UINT16_MAX ? 443 : (uint16_t)pattern->port;
    return host_name_parse(slice_of(text, len), &out->host) == OK;
}

static void check_matches_itself(const struct host_pattern *pattern, struct slice text)
{
    struct authority target;
    OWNED_STRUCT(host_list) *list = host_list_new();
    struct slice found = SLICE_NONE;

    if (list == NULL || !make_target(pattern, &target))
        return;
    must(host_pattern_matches(pattern, &target));
    must(host_list_add(list, text, NULL) == OK);
    must(host_list_matches(list, &target, &found) && slice_equals(found, text));

    if (pattern->kind != HOST_PATTERN_SUFFIX)
        return;
    target.host = pattern->host; /* the apex */
    must(!host_pattern_matches(pattern, &target) && !host_list_matches(list, &target, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of(data, size);
    struct host_pattern pattern, again;
    char first[HOST_PATTERN_MAX_LEN + 1], second[HOST_PATTERN_MAX_LEN + 1];
    const char *why = NULL;

    if (host_pattern_parse(text, &pattern, &why) != OK) {
        must(why != NULL);
        return 0;
    }
    struct slice printed = host_pattern_format(&pattern, first);
    must(host_pattern_parse(printed, &again, NULL) == OK);
    must(slice_equals(printed, host_pattern_format(&again, second)));
    check_matches_itself(&pattern, text);
    return 0;
}
