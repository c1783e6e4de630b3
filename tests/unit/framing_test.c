/* SPDX-License-Identifier: Apache-2.0 */
/* Where a body ends, told from the fields alone: no parser has looked at them before. */
#include "http/framing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { REFUSED = -1 };

struct framing_case {
    const char *fields; /* lines of "name=value" */
    int kind;           /* or REFUSED */
    uint64_t length;
};

static const struct framing_case cases[] = {
    {"", HTTP_BODY_NONE, 0},
    {"content-length=0", HTTP_BODY_LENGTH, 0},
    {"Content-Length=17", HTTP_BODY_LENGTH, 17},
    {"Content-Length=9223372036854775807", HTTP_BODY_LENGTH, INT64_MAX},
    {"Transfer-Encoding=chunked", HTTP_BODY_CHUNKED, 0},
    {"transfer-encoding=Chunked", HTTP_BODY_CHUNKED, 0},
    /* no two readers agree about these */
    {"Content-Length=3\nTransfer-Encoding=chunked", REFUSED, 0},
    {"Transfer-Encoding=chunked\nContent-Length=3", REFUSED, 0},
    {"Transfer-Encoding=chunked\nTransfer-Encoding=chunked", REFUSED, 0},
    {"Transfer-Encoding=chunked\nX=y\nTransfer-Encoding=identity", REFUSED, 0},
    {"Transfer-Encoding=\nContent-Length=3", REFUSED, 0},
    {"Transfer-Encoding=", REFUSED, 0},
    {"Transfer-Encoding=chunked, chunked", REFUSED, 0},
    {"Transfer-Encoding=gzip, chunked", REFUSED, 0},
    {"Transfer-Encoding=identity", REFUSED, 0},
    {"Transfer-Encoding=chunked;q=1", REFUSED, 0},
    {"Transfer-Encoding=\x0b"
     "chunked",
     REFUSED, 0},
    {"Content-Length=3\nContent-Length=3", REFUSED, 0},
    {"Content-Length=3\nContent-Length=4", REFUSED, 0},
    {"Content-Length=3, 3", REFUSED, 0},
    {"Content-Length=", REFUSED, 0},
    {"Content-Length=003", REFUSED, 0},
    {"Content-Length=+3", REFUSED, 0},
    {"Content-Length=-3", REFUSED, 0},
    {"Content-Length=0x3", REFUSED, 0},
    {"Content-Length=3 0", REFUSED, 0},
    {"Content-Length=3a", REFUSED, 0},
    {"Content-Length=9223372036854775808", REFUSED, 0},
    {"Content-Length=18446744073709551619", REFUSED, 0},
};

/* The caller clears it. */
static void fill(struct http_head *head, const char *lines, uint8_t version_minor)
{
    struct slice rest = slice_from_string(lines);

    http_head_init(head);
    head->version_minor = version_minor;
    while (rest.len > 0) {
        struct slice value = slice_split(&rest, '\n');
        struct slice name = slice_split(&value, '=');
        assert_int_equal(http_head_add(head, name, value), OK);
    }
}

static void a_body_has_one_end_or_the_head_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_framing framing = {.kind = HTTP_BODY_UNTIL_CLOSE};
        struct http_head head;

        fill(&head, cases[i].fields, 1);
        struct http_fault fault = framing_parse(&head, &framing);
        http_head_clear(&head);
        if (fault.status != (cases[i].kind == REFUSED ? 400 : 0))
            fail_msg("\"%s\": %d", cases[i].fields, fault.status);
        if (fault.status != 0)
            continue;
        assert_int_equal(framing.kind, cases[i].kind);
        assert_int_equal(framing.length, cases[i].length);
    }
}

static void http_10_knows_no_chunks(void **state)
{
    struct http_framing framing;
    struct http_head head;

    (void)state;
    fill(&head, "Transfer-Encoding=chunked", 0);
    assert_int_equal(framing_parse(&head, &framing).status, 400);
    http_head_clear(&head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_has_one_end_or_the_head_is_refused),
        cmocka_unit_test(http_10_knows_no_chunks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
