/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what is answered. Never lets a query through for a name that was not decided on. */
#include "proxy/dns_gate/dns_gate_decision.h"

static struct dns_gate_decision answer(enum dns_rcode rcode)
{
    return (struct dns_gate_decision){.rcode = rcode};
}

static struct dns_gate_decision refuse(enum refusal_code code, enum dns_extended_error extended,
                                       struct slice text)
{
    return (struct dns_gate_decision){
        .rcode = DNS_REFUSED, .code = code, .extended = extended, .text = text};
}

static struct slice sentence_of(enum refusal_code code)
{
    return slice_from_string(refusal_code_sentence(code));
}

struct dns_gate_decision dns_gate_decision_of(enum refusal_code code)
{
    switch (code) {
    case REFUSAL_HOST_NOT_ALLOWED: /* not REFUSED: some resolvers would ask again until a timeout */
        return (struct dns_gate_decision){.rcode = DNS_NXDOMAIN,
                                          .code = code,
                                          .extended = DNS_EXTENDED_BLOCKED,
                                          .text = sentence_of(code)};
    case REFUSAL_ADDRESS_NOT_ALLOWED:
        return refuse(code, DNS_EXTENDED_FILTERED, sentence_of(code));
    case REFUSAL_LIMIT_EXCEEDED:
        return dns_gate_decision_too_many();
    case REFUSAL_SANDBOX_SUSPENDED:
    case REFUSAL_SANDBOX_EXPIRED:
    case REFUSAL_IDENTITY_INVALID:
        return refuse(code, DNS_EXTENDED_PROHIBITED, sentence_of(code));
    default:
        return (struct dns_gate_decision){.rcode = DNS_SERVFAIL,
                                          .code = code,
                                          .extended = DNS_EXTENDED_NO_AUTHORITY,
                                          .text = SLICE("No nameserver answers for this name.")};
    }
}

struct dns_gate_decision dns_gate_decision_too_many(void)
{
    return refuse(REFUSAL_LIMIT_EXCEEDED, DNS_EXTENDED_PROHIBITED,
                  SLICE("The sandbox asks too much at a time."));
}

static struct dns_gate_decision malformed(enum dns_rcode rcode)
{
    struct dns_gate_decision decision = answer(rcode);

    decision.code = rcode == DNS_FORMERR ? REFUSAL_BAD_REQUEST : REFUSAL_NOT_IMPLEMENTED;
    return decision;
}

/* localhost is nobody else's business, and a browser that finds its canary missing leaves names to
 * us. */
static bool is_nowhere(const struct host_name *host)
{
    return host_name_is_localhost(host) ||
           slice_equals(host_name_view(host), SLICE("use-application-dns.net"));
}

static bool is_binding(const struct dns_query *query)
{
    return query->type == DNS_HTTPS || query->type == DNS_SVCB;
}

static bool is_about_a_host(const struct dns_query *query)
{
    return query->is_host && (query->type == DNS_A || query->type == DNS_AAAA || is_binding(query));
}

static struct dns_gate_decision decide_host(const struct view *view, const struct dns_query *query,
                                            struct decision_settings settings)
{
    struct decision decision = decision_for_name(view, &query->host, settings);

    if (decision.verdict != VERDICT_ALLOW)
        return dns_gate_decision_of(decision.code);
    if (is_binding(query))
        return answer(DNS_NOERROR);
    return (struct dns_gate_decision){.looks_up = true};
}

struct dns_gate_decision dns_gate_decide(const struct view *view, const struct dns_query *query,
                                         struct decision_settings settings)
{
    struct decision identity = decision_for_identity(view);

    if (identity.verdict != VERDICT_ALLOW)
        return dns_gate_decision_of(identity.code);
    if (query->rcode != DNS_NOERROR)
        return malformed(query->rcode);
    if (query->class != DNS_IN || !is_about_a_host(query))
        return refuse(REFUSAL_PROTOCOL_NOT_ALLOWED, DNS_EXTENDED_NOT_SUPPORTED,
                      SLICE("Only addresses of hosts are answered."));
    if (is_nowhere(&query->host))
        return answer(DNS_NXDOMAIN);
    return decide_host(view, query, settings);
}
