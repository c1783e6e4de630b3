/* SPDX-License-Identifier: Apache-2.0 */
/* What the DNS gate answers, before anything is looked up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proxy/dns_gate/dns_gate_decision.h"
#include "view_fixture.h"

static const struct fixture listed = {.layers = {{"main", "api.test,localhost,*"}},
                                      .status = VIEW_RUNNING};
static const struct fixture narrow = {.layers = {{"main", "api.test,*.wild.test,port.test:8443"}},
                                      .status = VIEW_RUNNING};
static const struct fixture unlisted = {.layers = {{"main", ""}}, .status = VIEW_RUNNING};

enum { TXT = 16, ANY = 255, CHAOS = 3, LOOKS_UP = -1 };

#define NONE DNS_EXTENDED_NONE
#define BLOCKED DNS_EXTENDED_BLOCKED
#define UNSUPPORTED DNS_EXTENDED_NOT_SUPPORTED

static const struct {
    const struct fixture *view;
    const char *host; /* "": the name is not a host's */
    int type, class;
    bool default_deny;
    int rcode; /* or LOOKS_UP */
    enum dns_extended_error extended;
    enum refusal_code code;
} cases[] = {
    /* addresses of what may be reached */
    {&narrow, "api.test", DNS_A, DNS_IN, false, LOOKS_UP, NONE, REFUSAL_NONE},
    {&narrow, "api.test", DNS_AAAA, DNS_IN, true, LOOKS_UP, NONE, REFUSAL_NONE},
    {&narrow, "a.wild.test", DNS_A, DNS_IN, false, LOOKS_UP, NONE, REFUSAL_NONE},
    {&narrow, "port.test", DNS_A, DNS_IN, false, LOOKS_UP, NONE, REFUSAL_NONE},
    {&unlisted, "any.test", DNS_A, DNS_IN, false, LOOKS_UP, NONE, REFUSAL_NONE},
    /* and of nothing else */
    {&narrow, "wild.test", DNS_A, DNS_IN, false, DNS_NXDOMAIN, BLOCKED, REFUSAL_HOST_NOT_ALLOWED},
    {&narrow, "x.api.test", DNS_A, DNS_IN, false, DNS_NXDOMAIN, BLOCKED, REFUSAL_HOST_NOT_ALLOWED},
    {&unlisted, "any.test", DNS_A, DNS_IN, true, DNS_NXDOMAIN, BLOCKED, REFUSAL_HOST_NOT_ALLOWED},
    /* service bindings: allowed, and none */
    {&narrow, "api.test", DNS_HTTPS, DNS_IN, false, DNS_NOERROR, NONE, REFUSAL_NONE},
    {&narrow, "api.test", DNS_SVCB, DNS_IN, false, DNS_NOERROR, NONE, REFUSAL_NONE},
    {&narrow, "evil.test", DNS_HTTPS, DNS_IN, false, DNS_NXDOMAIN, BLOCKED,
     REFUSAL_HOST_NOT_ALLOWED},
    /* other types, other classes, other names */
    {&listed, "api.test", TXT, DNS_IN, false, DNS_REFUSED, UNSUPPORTED,
     REFUSAL_PROTOCOL_NOT_ALLOWED},
    {&listed, "api.test", ANY, DNS_IN, false, DNS_REFUSED, UNSUPPORTED,
     REFUSAL_PROTOCOL_NOT_ALLOWED},
    {&listed, "api.test", DNS_OPT, DNS_IN, false, DNS_REFUSED, UNSUPPORTED,
     REFUSAL_PROTOCOL_NOT_ALLOWED},
    {&listed, "api.test", DNS_A, CHAOS, false, DNS_REFUSED, UNSUPPORTED,
     REFUSAL_PROTOCOL_NOT_ALLOWED},
    {&unlisted, "", DNS_A, DNS_IN, false, DNS_REFUSED, UNSUPPORTED, REFUSAL_PROTOCOL_NOT_ALLOWED},
    /* names that are nobody's, whatever the list says */
    {&listed, "localhost", DNS_A, DNS_IN, false, DNS_NXDOMAIN, NONE, REFUSAL_NONE},
    {&listed, "a.b.localhost", DNS_AAAA, DNS_IN, false, DNS_NXDOMAIN, NONE, REFUSAL_NONE},
    {&narrow, "use-application-dns.net", DNS_A, DNS_IN, false, DNS_NXDOMAIN, NONE, REFUSAL_NONE},
    {&unlisted, "notlocalhost", DNS_A, DNS_IN, false, LOOKS_UP, NONE, REFUSAL_NONE},
    {&unlisted, "localhost.test", DNS_A, DNS_IN, false, LOOKS_UP, NONE, REFUSAL_NONE},
    {&unlisted, "www.use-application-dns.net", DNS_A, DNS_IN, false, LOOKS_UP, NONE, REFUSAL_NONE},
};

static struct dns_query query_for(const char *host, int type, int class)
{
    struct dns_query query = {.type = (uint16_t)type, .class = (uint16_t) class};

    query.is_host = host_name_parse(slice_from_string(host), &query.host) == OK;
    return query;
}

static void the_table_decides(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        OWNED_STRUCT(view) *view = fixture_view(cases[i].view);
        struct dns_query query = query_for(cases[i].host, cases[i].type, cases[i].class);
        struct decision_settings settings = {.default_deny = cases[i].default_deny};
        struct dns_gate_decision decision = dns_gate_decide(view, &query, settings);

        if (decision.looks_up != (cases[i].rcode == LOOKS_UP) ||
            (!decision.looks_up && (int)decision.rcode != cases[i].rcode) ||
            decision.extended != cases[i].extended || decision.code != cases[i].code ||
            (decision.code != REFUSAL_NONE) != (decision.text.len > 0))
            fail_msg("case %zu: %s type %d: rcode %d, %s", i, cases[i].host, cases[i].type,
                     decision.rcode, refusal_code_name(decision.code));
    }
}

static void only_a_running_sandbox_is_answered(void **state)
{
    static const struct {
        enum view_status status;
        enum refusal_code code;
    } stopped[] = {{VIEW_SUSPENDED, REFUSAL_SANDBOX_SUSPENDED},
                   {VIEW_EXPIRED, REFUSAL_SANDBOX_EXPIRED}};
    struct decision_settings settings = {0};
    struct dns_query query = query_for("api.test", DNS_A, DNS_IN);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(stopped); i++) {
        OWNED_STRUCT(view) *view = fixture_view(&narrow);

        view->status = stopped[i].status;
        struct dns_gate_decision decision = dns_gate_decide(view, &query, settings);
        assert_false(decision.looks_up);
        assert_int_equal(decision.rcode, DNS_REFUSED);
        assert_int_equal(decision.extended, DNS_EXTENDED_PROHIBITED);
        assert_int_equal(decision.code, stopped[i].code);
    }
}

static void what_is_malformed_is_not_looked_at(void **state)
{
    OWNED_STRUCT(view) *view = fixture_view(&narrow);
    struct dns_query query = query_for("api.test", DNS_A, DNS_IN);
    struct decision_settings settings = {0};

    (void)state;
    query.rcode = DNS_FORMERR;
    assert_int_equal(dns_gate_decide(view, &query, settings).rcode, DNS_FORMERR);
    assert_int_equal(dns_gate_decide(view, &query, settings).code, REFUSAL_BAD_REQUEST);
    query.rcode = DNS_NOTIMP;
    assert_int_equal(dns_gate_decide(view, &query, settings).rcode, DNS_NOTIMP);
    assert_int_equal(dns_gate_decide(view, &query, settings).code, REFUSAL_NOT_IMPLEMENTED);
    assert_false(dns_gate_decide(view, &query, settings).looks_up);
}

static void no_refusal_of_the_dialers_becomes_an_answer(void **state)
{
    (void)state;
    for (unsigned code = REFUSAL_NONE + 1; code < REFUSAL_COUNT; code++) {
        struct dns_gate_decision decision = dns_gate_decision_of((enum refusal_code)code);

        assert_false(decision.looks_up);
        assert_int_not_equal(decision.rcode, DNS_NOERROR);
        assert_int_equal(decision.code, code);
        assert_true(decision.text.len > 0 && decision.text.len <= DNS_EXTENDED_TEXT_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_decides),
        cmocka_unit_test(only_a_running_sandbox_is_answered),
        cmocka_unit_test(what_is_malformed_is_not_looked_at),
        cmocka_unit_test(no_refusal_of_the_dialers_becomes_an_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
