/* SPDX-License-Identifier: Apache-2.0 */
/* What values of options may be. Never repeats one that could be a secret's. */
#include "cli/option_check.h"

#include "cli/audit_since.h"
#include "policy/policy.h"

#include <stdio.h>

enum { RECORDS_MAX = 1000 };

static bool refuse(char why[OPTION_WHY_MAX], const char *sentence)
{
    snprintf(why, OPTION_WHY_MAX, "%s", sentence);
    return false;
}

/* One part of a list: what is wrong with it, or NULL. */
typedef const char *check_part(struct slice part);

static bool check_parts(const char *value, check_part *check, const char *what,
                        char why[OPTION_WHY_MAX])
{
    struct slice rest = slice_from_string(value);

    while (rest.len > 0) {
        struct slice part = slice_trim(slice_split(&rest, ','));
        const char *complaint = part.len > 0 ? check(part) : NULL;

        if (complaint == NULL)
            continue;
        snprintf(why, OPTION_WHY_MAX, "has \"%.*s\", which is %s: %s", SLICE_ARG(part), what,
                 complaint);
        return false;
    }
    return true;
}

static const char *check_pattern(struct slice text)
{
    struct host_pattern pattern;
    const char *why = "";

    return host_pattern_parse(text, &pattern, &why) == OK ? NULL : why;
}

static const char *check_host(struct slice text)
{
    struct host_pattern pattern;
    const char *why = "";

    return host_pattern_parse_host(text, &pattern, &why) == OK ? NULL : why;
}

static const char *check_place(struct slice text)
{
    struct place place;
    const char *why = "";

    return place_parse(text, &place, &why) == OK ? NULL : why;
}

bool option_check_hosts(const char *value, char why[OPTION_WHY_MAX])
{
    return check_parts(value, check_pattern, "no host that can be allowed", why);
}

bool option_check_single_hosts(const char *value, char why[OPTION_WHY_MAX])
{
    return check_parts(value, check_host, "no single host", why);
}

bool option_check_places(const char *value, char why[OPTION_WHY_MAX])
{
    return check_parts(value, check_place, "no place", why);
}

bool option_check_variable(const char *value, char why[OPTION_WHY_MAX])
{
    const char *equals = strchr(value, '=');

    return (equals != NULL && equals != value) || refuse(why, "is NAME=VALUE");
}

static bool is_number(const char *value, uint64_t least, uint64_t most)
{
    uint64_t number;

    return slice_parse_u64(slice_from_string(value), &number) && number >= least && number <= most;
}

bool option_check_records(const char *value, char why[OPTION_WHY_MAX])
{
    return is_number(value, 1, RECORDS_MAX) || refuse(why, "is a number from 1 to 1000");
}

bool option_check_seconds(const char *value, char why[OPTION_WHY_MAX])
{
    return is_number(value, 0, INT64_MAX) || refuse(why, "is a number of seconds, 0 for never");
}

bool option_check_since(const char *value, char why[OPTION_WHY_MAX])
{
    char since[AUDIT_SINCE_SIZE];

    return audit_since_parse(value, 0, since) ||
           refuse(why, "is how long ago (90s, 15m, 2h, 7d) or a time in UTC");
}

bool option_check_code(const char *value, char why[OPTION_WHY_MAX])
{
    for (enum refusal_code code = REFUSAL_BAD_REQUEST; code < REFUSAL_COUNT; code++) {
        if (strcmp(value, refusal_code_name(code)) == 0)
            return true;
    }
    return refuse(why, "is the code of a refusal, such as host_not_allowed");
}

bool option_check_decision(const char *value, char why[OPTION_WHY_MAX])
{
    return strcmp(value, "allowed") == 0 || strcmp(value, "refused") == 0 ||
           refuse(why, "is allowed or refused");
}

bool option_check_yes_no(const char *value, char why[OPTION_WHY_MAX])
{
    return strcmp(value, "yes") == 0 || strcmp(value, "no") == 0 || refuse(why, "is yes or no");
}

bool option_check_url(const char *value, char why[OPTION_WHY_MAX])
{
    struct slice url = slice_from_string(value);

    return url.len == 0 || slice_starts_with_nocase(url, SLICE("http://")) ||
           slice_starts_with_nocase(url, SLICE("https://")) ||
           refuse(why, "begins with http:// or https://");
}
