/* SPDX-License-Identifier: Apache-2.0 */
/* /api/sandboxes/:/explain: asks the functions that the data plane asks, of the same view. Never
 * decides anything itself. */

#include "control/explain.h"

#include "base/table.h"
#include "control/explain_url.h"
#include "control/handlers.h"
#include "control/output.h"
#include "control/sandboxes_api.h"
#include "control/view_build.h"

#include <event2/event.h>
#include <stdlib.h>

struct explanation {
    struct api_call *call;
    struct view *view;
    struct explain_url url;
    struct slice secret_name; /* empty: only the host is in question */
    struct decision decision;
    bool passes_through;            /* its TLS, when the host is allowed: not opened */
    struct decision private_target; /* whether its address may be private */
    struct control_resolution way;  /* when it was resolved */
};

struct explain_wait {
    struct table_entry entry;
    struct explain_waits *waits; /* borrowed */
    uint64_t ticket;
    struct event *timer;
    struct explanation explanation;
};

struct explain_waits {
    struct control *control; /* borrowed */
    struct table table;
    uint64_t last_ticket;
};

struct explain_waits *explain_waits_new(struct control *control)
{
    struct explain_waits *waits = calloc(1, sizeof *waits);
    if (waits == NULL)
        return NULL;
    waits->control = control;
    table_init(&waits->table);
    return waits;
}

static void wait_free(struct explain_wait *wait)
{
    table_remove(&wait->waits->table, &wait->entry);
    if (wait->timer != NULL)
        event_free(wait->timer);
    view_unref(wait->explanation.view);
    free(wait);
}

void explain_waits_free(struct explain_waits *waits)
{
    if (waits == NULL)
        return;
    struct table_entry *entry;
    while ((entry = table_first(&waits->table)) != NULL) {
        struct explain_wait *wait = CONTAINER_OF(entry, struct explain_wait, entry);
        api_call_free(wait->explanation.call);
        wait_free(wait);
    }
    table_clear(&waits->table);
    free(waits);
}

/* What would change the answer. */
static const char *hint_for(enum refusal_code code)
{
    switch (code) {
    case REFUSAL_NONE:
        return "";
    case REFUSAL_HOST_NOT_ALLOWED:
        return " Add the host to egressAllowlist of one of its stores to allow it.";
    case REFUSAL_SECRET_HOST_NOT_ALLOWED:
        return " Add the host to allowedHosts of the secret to allow it.";
    case REFUSAL_TOKEN_PLAINTEXT:
        return " Use https.";
    case REFUSAL_ADDRESS_NOT_ALLOWED:
        return " The operator can name the host in privateHosts of a store, exempt an address with "
               "upstream.allow_addresses, or a name with upstream.resolve.";
    case REFUSAL_SANDBOX_SUSPENDED:
    case REFUSAL_SANDBOX_EXPIRED:
        return " Wake the sandbox to allow it.";
    case REFUSAL_UPSTREAM_DNS:
        return " The policy allows the host; check its name.";
    default:
        return " The policy allows the host; try again later.";
    }
}

/* Whether it takes the exception for a named private target to reach the address. Behind another
 * proxy only an address that the URL itself names is known. */
static bool is_by_exception(const struct explanation *explanation)
{
    const struct ip_address *address = explanation->way.is_proxied
                                           ? &explanation->url.authority.host.literal
                                           : &explanation->way.address.address;

    return explanation->decision.code == REFUSAL_NONE &&
           explanation->private_target.verdict == VERDICT_ALLOW && address->len > 0 &&
           address_guard_classify(address) == ADDRESS_PRIVATE;
}

static const char *describe_way(const struct explanation *explanation)
{
    bool is_allowed = explanation->decision.code == REFUSAL_NONE;

    return is_allowed && explanation->way.is_proxied
               ? " It goes through upstream.proxy, which looks the name up itself."
               : "";
}

static json_t *describe_sentence(const struct explanation *explanation)
{
    enum refusal_code code = explanation->decision.code;
    if (explanation->passes_through && code == REFUSAL_NONE)
        return json_sprintf("The connection is allowed, and its TLS passes without interception: "
                            "tokens in it are not replaced.%s",
                            describe_way(explanation));
    if (explanation->passes_through && code == REFUSAL_SECRET_HOST_NOT_ALLOWED)
        return json_string("TLS to this host passes without interception, so no secret can be sent "
                           "to it. Take it out of passthroughHosts to have its requests "
                           "intercepted.");
    if (is_by_exception(explanation))
        return json_sprintf("%s Its address is private, and allowed because privateHosts of the "
                            "store %.*s names the host.%s",
                            refusal_code_sentence(code),
                            SLICE_ARG(explanation->private_target.store),
                            describe_way(explanation));
    return json_sprintf("%s%s%s", refusal_code_sentence(code), hint_for(code),
                        describe_way(explanation));
}

static json_t *describe_layers(const struct view *view)
{
    json_t *array = json_array();
    for (size_t i = 0; i < view->layer_count; i++)
        output_append(&array, output_text(view->layers[i].store_name));
    return array;
}

static json_t *describe_explanation(const struct explanation *explanation)
{
    const struct decision *decision = &explanation->decision;
    json_t *object = json_object();
    output_set(&object, "allowed", json_boolean(decision->verdict == VERDICT_ALLOW));
    output_set_text(&object, "code", slice_from_string(refusal_code_name(decision->code)));
    output_set_text(&object, "store", decision->store);
    output_set_text(&object, "pattern", decision->pattern);
    output_set_text(&object, "secret", explanation->secret_name);
    output_set_text(&object, "host", host_name_view(&explanation->url.authority.host));
    output_set(&object, "port", json_integer(explanation->url.authority.port));
    output_set(&object, "layers", describe_layers(explanation->view));
    if (explanation->way.address.address.len > 0) {
        char text[IP_ADDRESS_TEXT_MAX];
        output_set(&object, "address",
                   output_text(ip_address_format(&explanation->way.address.address, text)));
    }
    if (explanation->way.is_proxied)
        output_set(&object, "upstreamProxy", json_true());
    if (explanation->passes_through)
        output_set(&object, "passthrough", json_true());
    if (is_by_exception(explanation))
        output_set(&object, "privateHost", output_text(explanation->private_target.pattern));
    output_set(&object, "sentence", describe_sentence(explanation));
    return object;
}

/* A denial that is no decision function's: the scheme, the address. */
static void explanation_deny(struct explanation *explanation, enum refusal_code code)
{
    explanation->decision.verdict = VERDICT_DENY;
    explanation->decision.code = code;
}

static enum error explanation_decide_secret(struct explanation *explanation)
{
    const struct view *view = explanation->view;
    const struct view_secret *secret = view_find_secret(view, explanation->secret_name);
    if (secret == NULL)
        return api_refuse(explanation->call, API_NOT_FOUND,
                          "the sandbox has no secret of that name");
    if (!explanation->url.is_https) {
        explanation_deny(explanation, REFUSAL_TOKEN_PLAINTEXT);
        return OK;
    }
    explanation->decision = decision_for_secret(view, secret, &explanation->url.authority,
                                                explanation->call->control->settings.decision);
    return OK;
}

/* Where TLS is not opened, that rule is the one to tell. */
static void explanation_decide_passthrough(struct explanation *explanation)
{
    struct decision decision =
        decision_for_passthrough(explanation->view, &explanation->url.authority,
                                 explanation->call->control->settings.decision);
    if (!explanation->url.is_https || decision.verdict != VERDICT_ALLOW)
        return;
    explanation->passes_through = true;
    explanation->decision = decision;
}

/* Identity, host, secret: in the order of the data plane. */
static enum error explanation_decide(struct explanation *explanation)
{
    const struct view *view = explanation->view;
    explanation->decision = decision_for_identity(view);
    if (explanation->decision.verdict != VERDICT_ALLOW)
        return OK;
    explanation->decision = decision_for_host(view, &explanation->url.authority,
                                              explanation->call->control->settings.decision);
    if (explanation->decision.verdict != VERDICT_ALLOW)
        return OK;
    explanation->private_target = decision_for_private(view, &explanation->url.authority.host);
    explanation_decide_passthrough(explanation);
    return explanation->secret_name.len == 0 ? OK : explanation_decide_secret(explanation);
}

static void wait_finish(struct explain_wait *wait)
{
    struct api_call *call = wait->explanation.call;
    json_t *answer = describe_explanation(&wait->explanation);
    wait_free(wait);
    api_answer(call, 200, answer);
}

static void on_resolve_timeout(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    struct explain_wait *wait = argument;
    explanation_deny(&wait->explanation, REFUSAL_UPSTREAM_TIMEOUT);
    wait_finish(wait);
}

void explain_on_resolved(struct explain_waits *waits, uint64_t ticket,
                         const struct control_resolution *resolution)
{
    struct table_entry *entry = table_find(&waits->table, slice_of(&ticket, sizeof ticket));
    if (entry == NULL)
        return;
    struct explain_wait *wait = CONTAINER_OF(entry, struct explain_wait, entry);
    wait->explanation.way = *resolution;
    if (resolution->code != REFUSAL_NONE)
        explanation_deny(&wait->explanation, resolution->code);
    wait_finish(wait);
}

static enum error wait_start(struct explain_waits *waits, const struct explanation *explanation)
{
    static const struct timeval limit = {10, 0};
    struct explain_wait *wait = calloc(1, sizeof *wait);
    if (wait == NULL)
        return ERR_NO_MEMORY;
    wait->waits = waits;
    wait->ticket = ++waits->last_ticket;
    enum error error =
        table_insert(&waits->table, &wait->entry, slice_of(&wait->ticket, sizeof wait->ticket));
    if (error != OK) {
        free(wait);
        return error;
    }
    wait->timer = event_new(waits->control->base, -1, 0, on_resolve_timeout, wait);
    if (wait->timer == NULL || event_add(wait->timer, &limit) != 0) {
        wait_free(wait);
        return ERR_NO_MEMORY;
    }
    wait->explanation = *explanation;
    wait->explanation.view = view_ref(explanation->view);
    const struct control_services *services = &waits->control->services;
    services->resolve(services->context, wait->ticket, &explanation->url.authority,
                      explanation->private_target.verdict == VERDICT_ALLOW);
    return OK;
}

static enum error explanation_read(struct api_call *call, struct explanation *out)
{
    struct slice url;
    out->call = call;
    TRY(api_query(call, "url", &url));
    if (url.data == NULL)
        return api_refuse(call, API_BAD_REQUEST, "the parameter \"url\" is missing");
    if (explain_url_parse(url, &out->url) != OK)
        return api_refuse(call, API_BAD_REQUEST,
                          "\"url\" must be an http:// or https:// URL with a valid host");
    return api_query(call, "secret", &out->secret_name);
}

enum error explain_get(struct api_call *call)
{
    struct sandbox sandbox;
    struct explanation explanation = {.call = NULL};
    OWNED_STRUCT(view) *view = NULL;
    TRY(sandboxes_api_find(call, &sandbox));
    TRY(explanation_read(call, &explanation));
    TRY(view_build(call->control, sandbox.id, &view));
    explanation.view = view;
    TRY(explanation_decide(&explanation));
    if (explanation.decision.verdict == VERDICT_ALLOW)
        return wait_start(call->control->explain_waits, &explanation);
    api_answer(call, 200, describe_explanation(&explanation));
    return OK;
}
