/* SPDX-License-Identifier: Apache-2.0 */
/* TLS toward some hosts is another than toward the rest. Never widens: the roots of a host replace
 * those of all, and a certificate is shown to its hosts alone. */
#include "proxy/upstream/upstream_rules.h"

#include <stdlib.h>

struct roots_rule {
    struct host_pattern hosts;
    X509_STORE *roots;
};

struct certificate_rule {
    struct host_pattern hosts;
    char *stores[UPSTREAM_STORES_MAX]; /* ids */
    size_t store_count;
    X509 *leaf;
    EVP_PKEY *key;
    STACK_OF(X509) * chain;
};

struct upstream_rules {
    uint64_t generation; /* unlike any other of this process */
    struct roots_rule roots[UPSTREAM_RULES_MAX];
    struct certificate_rule certificates[UPSTREAM_RULES_MAX];
    size_t roots_count, certificate_count;
};

struct upstream_rules *upstream_rules_new(void)
{
    static uint64_t last_generation;
    struct upstream_rules *rules = calloc(1, sizeof(*rules));

    if (rules != NULL)
        rules->generation = ++last_generation;
    return rules;
}

static void certificate_rule_clear(struct certificate_rule *rule)
{
    for (size_t i = 0; i < rule->store_count; i++)
        free(rule->stores[i]);
    X509_free(rule->leaf);
    EVP_PKEY_free(rule->key);
    sk_X509_pop_free(rule->chain, X509_free);
}

void upstream_rules_free(struct upstream_rules *rules)
{
    if (rules == NULL)
        return;
    for (size_t i = 0; i < rules->roots_count; i++)
        X509_STORE_free(rules->roots[i].roots);
    for (size_t i = 0; i < rules->certificate_count; i++)
        certificate_rule_clear(&rules->certificates[i]);
    free(rules);
}

enum error upstream_rules_add_roots(struct upstream_rules *rules, const struct host_pattern *hosts,
                                    X509_STORE *roots)
{
    if (rules->roots_count == UPSTREAM_RULES_MAX)
        return ERR_TOO_LARGE;
    X509_STORE_up_ref(roots);
    rules->roots[rules->roots_count++] = (struct roots_rule){*hosts, roots};
    return OK;
}

static enum error copy_stores(const struct upstream_certificate *certificate,
                              struct certificate_rule *rule)
{
    if (certificate->store_count > UPSTREAM_STORES_MAX)
        return ERR_TOO_LARGE;
    for (; rule->store_count < certificate->store_count; rule->store_count++) {
        rule->stores[rule->store_count] = slice_dup(certificate->stores[rule->store_count]);
        if (rule->stores[rule->store_count] == NULL)
            return ERR_NO_MEMORY;
    }
    return OK;
}

enum error upstream_rules_add_certificate(struct upstream_rules *rules,
                                          const struct upstream_certificate *certificate)
{
    struct certificate_rule rule = {.hosts = *certificate->hosts};

    if (rules->certificate_count == UPSTREAM_RULES_MAX)
        return ERR_TOO_LARGE;
    rule.chain = X509_chain_up_ref(certificate->chain);
    enum error error = rule.chain == NULL ? ERR_NO_MEMORY : copy_stores(certificate, &rule);
    if (error != OK) {
        certificate_rule_clear(&rule);
        return error;
    }
    X509_up_ref(certificate->leaf);
    EVP_PKEY_up_ref(certificate->key);
    rule.leaf = certificate->leaf;
    rule.key = certificate->key;
    rules->certificates[rules->certificate_count++] = rule;
    return OK;
}

/* 0: does not match; an exact name beats every wildcard, then the longer one wins, then the one
 * with a port. */
static unsigned closeness(const struct host_pattern *hosts, const struct authority *target)
{
    if (!host_pattern_matches(hosts, target))
        return 0;
    return 1 + 2U * hosts->host.len + (hosts->port != HOST_PATTERN_PORT_ANY) +
           (hosts->kind == HOST_PATTERN_EXACT ? 4U * HOST_NAME_MAX_LEN : 0);
}

static X509_STORE *find_roots(const struct upstream_rules *rules, const struct authority *target)
{
    X509_STORE *found = NULL;
    unsigned best = 0;

    for (size_t i = 0; i < rules->roots_count; i++) {
        unsigned here = closeness(&rules->roots[i].hosts, target);

        if (here > best)
            found = rules->roots[i].roots;
        best = here > best ? here : best;
    }
    return found;
}

static bool has_store(const struct view *view, const char *id)
{
    for (size_t i = 0; i < view->layer_count; i++) {
        if (slice_equals(view->layers[i].store_id, slice_from_string(id)))
            return true;
    }
    return false;
}

static bool is_for(const struct certificate_rule *rule, const struct view *view)
{
    bool found = rule->store_count == 0;

    for (size_t i = 0; !found && i < rule->store_count; i++)
        found = has_store(view, rule->stores[i]);
    return found;
}

/* The index, from 1; 0: none. */
static size_t find_certificate(const struct upstream_rules *rules, const struct view *view,
                               const struct authority *target)
{
    size_t found = 0;
    unsigned best = 0;

    for (size_t i = 0; i < rules->certificate_count; i++) {
        unsigned here = closeness(&rules->certificates[i].hosts, target);

        if (here > best)
            found = i + 1;
        best = here > best ? here : best;
    }
    /* The narrowest pattern alone: a sandbox that may not use it gets no other instead. */
    return found != 0 && is_for(&rules->certificates[found - 1], view) ? found : 0;
}

uint64_t upstream_rules_tag(const struct upstream_rules *rules, const struct view *view,
                            const struct authority *target)
{
    return rules->generation * (UPSTREAM_RULES_MAX + 1) + find_certificate(rules, view, target);
}

enum error upstream_rules_apply(const struct upstream_rules *rules, const struct view *view,
                                const struct authority *target, SSL *ssl)
{
    X509_STORE *roots = find_roots(rules, target);
    size_t found = find_certificate(rules, view, target);

    if (roots != NULL && SSL_set1_verify_cert_store(ssl, roots) != 1)
        return ERR_CRYPTO;
    if (found == 0)
        return OK;
    const struct certificate_rule *rule = &rules->certificates[found - 1];
    return SSL_use_cert_and_key(ssl, rule->leaf, rule->key, rule->chain, 1) == 1 ? OK : ERR_CRYPTO;
}
