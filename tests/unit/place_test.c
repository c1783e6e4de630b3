/* SPDX-License-Identifier: Apache-2.0 */
/* Where a secret may ask to be injected, and which header fields take a value. */
#include "policy/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* the text, what setting it answers, a word of the sentence that comes with a refusal */
static const struct {
    const char *text;
    enum error error;
    const char *hint;
} parse_cases[] = {
    {"header", OK, NULL},
    {"header:authorization", OK, NULL},
    {"header:x-api-key", OK, NULL},
    {"header:user-agent", OK, NULL}, /* origins echo it, but the secret names it */
    {"header:x-forwarded-for", OK, NULL},
    {"header:cookie", OK, NULL},
    {"header:a!#$%&'*+.^_`|~9", OK, NULL},
    {"websocket", OK, NULL},
    {"websocket:text", ERR_SYNTAX, "A place is"},
    {"query", ERR_UNSUPPORTED, "not built yet"},
    {"path", ERR_UNSUPPORTED, "not built yet"},
    {"body", ERR_UNSUPPORTED, "not built yet"},
    {"", ERR_SYNTAX, "A place is"},
    {"Header", ERR_SYNTAX, "A place is"},
    {"headers", ERR_SYNTAX, "A place is"},
    {"header ", ERR_SYNTAX, "A place is"},
    {"query:key", ERR_SYNTAX, "A place is"},
    {"cookie", ERR_SYNTAX, "A place is"},
    {"header:", ERR_SYNTAX, "field name"},
    {"header:X-Api-Key", OK, NULL}, /* as documentation of APIs writes it */
    {"header:x api", ERR_SYNTAX, "field name"},
    {"header:x:y", ERR_SYNTAX, "field name"},
    {"header::authority", ERR_SYNTAX, "field name"},
    {"header:x\r\ny", ERR_SYNTAX, "field name"},
    {"header:b\xc3\xa4r", ERR_SYNTAX, "field name"},
    {"header:host", ERR_SYNTAX, "never carries"},
    {"header:connection", ERR_SYNTAX, "never carries"},
    {"header:proxy-authorization", ERR_SYNTAX, "never carries"},
    {"header:content-length", ERR_SYNTAX, "never carries"},
    {"header:Proxy-Authorization", ERR_SYNTAX, "never carries"},
};

static void a_place_is_taken_or_refused_with_a_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(parse_cases); i++) {
        struct slice text = slice_from_string(parse_cases[i].text);
        struct place place;
        const char *why = NULL;

        if (place_parse(text, &place, &why) != parse_cases[i].error)
            fail_msg("\"%s\"", parse_cases[i].text);
        if (parse_cases[i].hint != NULL && (why == NULL || !strstr(why, parse_cases[i].hint)))
            fail_msg("\"%s\": %s", parse_cases[i].text, why != NULL ? why : "(no sentence)");
    }
}

static void a_place_prints_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(parse_cases); i++) {
        struct slice text = slice_from_string(parse_cases[i].text);
        struct place place;
        char printed[PLACE_TEXT_MAX];

        if (place_parse(text, &place, NULL) == OK)
            assert_true(slice_equals(place_format(&place, printed), text));
    }
}

static void a_place_has_a_bounded_length(void **state)
{
    char text[PLACE_TEXT_MAX + 1];
    struct place place;

    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text, "header:", 7);
    assert_int_equal(place_parse(slice_of(text, PLACE_TEXT_MAX), &place, NULL), OK);
    assert_int_equal(place_parse(slice_of(text, PLACE_TEXT_MAX + 1), &place, NULL), ERR_SYNTAX);
}

enum field_kind { FREE, NAMED, NEVER };

/* Any header field takes a value, some only when the secret names them, some never. */
static const struct {
    const char *field;
    enum field_kind kind;
} field_cases[] = {
    {"Authorization", FREE},
    {"authorization", FREE},
    {"X-Api-Key", FREE},
    {"Api-Key", FREE},
    {"Cookie", FREE},
    {"Private-Token", FREE},
    {"X-Goog-Api-Key", FREE},
    {"Content-Type", FREE},
    {"X-Forward", FREE}, /* not X-Forwarded-* */
    {"Secret", FREE},    /* not Sec-* */
    {"Iffy", FREE},      /* not If-* */
    {"B3x", FREE},
    {"X-Host", FREE},
    {"Team", FREE}, /* not TE */

    {"Accept", NAMED},
    {"Accept-Encoding", NAMED},
    {"ACCEPT-LANGUAGE", NAMED},
    {"Accept-Anything-Else", NAMED},
    {"Access-Control-Request-Method", NAMED},
    {"Access-Control-Request-Headers", NAMED},
    {"Baggage", NAMED},
    {"B3", NAMED},
    {"X-B3-TraceId", NAMED},
    {"Expect", NAMED},
    {"Forwarded", NAMED},
    {"From", NAMED},
    {"If-Match", NAMED},
    {"If-None-Match", NAMED},
    {"Origin", NAMED},
    {"Prefer", NAMED},
    {"Range", NAMED},
    {"Referer", NAMED},
    {"Sec-Fetch-Mode", NAMED},
    {"Sec-WebSocket-Protocol", NAMED},
    {"Traceparent", NAMED},
    {"Tracestate", NAMED},
    {"User-Agent", NAMED},
    {"Via", NAMED},
    {"X-Forwarded-For", NAMED},
    {"X-Forwarded-Anything", NAMED},
    {"X-Real-IP", NAMED},
    {"X-Request-Id", NAMED},
    {"X-Correlation-Id", NAMED},
    {"X-Amzn-Trace-Id", NAMED},
    {"X-Cloud-Trace-Context", NAMED},
    {"Idempotency-Key", NAMED},

    {"Connection", NEVER},
    {"Keep-Alive", NEVER},
    {"TE", NEVER},
    {"Trailer", NEVER},
    {"Transfer-Encoding", NEVER},
    {"Upgrade", NEVER},
    {"HTTP2-Settings", NEVER},
    {"Content-Length", NEVER},
    {"Max-Forwards", NEVER},
    {"Host", NEVER},
    {"HOST", NEVER},
    {"Proxy-Authorization", NEVER},
    {"Proxy-Connection", NEVER},
    {"proxy-anything", NEVER},
    {":authority", NEVER},
    {":path", NEVER},
    {"", NEVER},
};

static void lower_case_into(const char *text, char *out)
{
    size_t i = 0;

    for (; text[i] != '\0'; i++)
        out[i] = ascii_lower(text[i]);
    out[i] = '\0';
}

static void a_field_takes_a_value_freely_or_when_named_or_never(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(field_cases); i++) {
        char lower[64];
        struct slice field = slice_from_string(field_cases[i].field);
        struct place any = {PLACE_HEADER, SLICE_NONE};

        lower_case_into(field_cases[i].field, lower);
        struct place named = {PLACE_HEADER, slice_from_string(lower)};
        if (place_list_permits_field(&any, 1, field) != (field_cases[i].kind == FREE))
            fail_msg("%s with \"header\"", field_cases[i].field);
        if (place_list_permits_field(&named, 1, field) != (field_cases[i].kind != NEVER))
            fail_msg("%s with \"header:%s\"", field_cases[i].field, lower);
    }
}

static void a_named_field_is_the_only_one_then(void **state)
{
    struct place places[2];

    (void)state;
    assert_int_equal(place_parse(SLICE("header:authorization"), &places[0], NULL), OK);
    assert_int_equal(place_parse(SLICE("header:user-agent"), &places[1], NULL), OK);
    assert_true(place_list_permits_field(places, 1, SLICE("Authorization")));
    assert_false(place_list_permits_field(places, 1, SLICE("X-Api-Key")));
    assert_false(place_list_permits_field(places, 1, SLICE("User-Agent")));
    assert_true(place_list_permits_field(places, 2, SLICE("User-Agent")));
    assert_false(place_list_permits_field(places, 0, SLICE("Authorization")));
}

static void places_that_are_no_header_permit_no_field(void **state)
{
    static const struct place places[] = {{PLACE_WEBSOCKET, {NULL, 0}},
                                          {PLACE_QUERY, {NULL, 0}},
                                          {PLACE_PATH, {NULL, 0}},
                                          {PLACE_BODY, {NULL, 0}}};

    (void)state;
    assert_false(place_list_permits_field(places, ARRAY_LEN(places), SLICE("Authorization")));
}

static void a_list_is_asked_for_a_kind(void **state)
{
    static const struct place places[] = {{PLACE_HEADER, SLICE_INIT("authorization")},
                                          {PLACE_WEBSOCKET, {NULL, 0}}};

    (void)state;
    assert_true(place_list_has(places, 2, PLACE_WEBSOCKET));
    assert_true(place_list_has(places, 2, PLACE_HEADER));
    assert_false(place_list_has(places, 1, PLACE_WEBSOCKET));
    assert_false(place_list_has(places, 2, PLACE_BODY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_is_taken_or_refused_with_a_sentence),
        cmocka_unit_test(a_place_prints_back),
        cmocka_unit_test(a_place_has_a_bounded_length),
        cmocka_unit_test(a_field_takes_a_value_freely_or_when_named_or_never),
        cmocka_unit_test(a_named_field_is_the_only_one_then),
        cmocka_unit_test(places_that_are_no_header_permit_no_field),
        cmocka_unit_test(a_list_is_asked_for_a_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
