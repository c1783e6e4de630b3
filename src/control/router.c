/* SPDX-License-Identifier: Apache-2.0 */
/* The table of all endpoints, and the way from a request through it. Never runs a handler before
 * the caller is known. */

#include "control/router.h"

#include "control/auth.h"
#include "control/handlers.h"
#include "control/input.h"
#include "observe/metrics.h"

struct route {
    const char *method;  /* NULL: any */
    const char *pattern; /* ":" captures a segment, "*" is one or more to the end */
    enum auth_right right;
    enum error (*handle)(struct api_call *call);
};

static enum error refuse_unbuilt(struct api_call *call)
{
    return api_refuse(call, API_NOT_IMPLEMENTED,
                      "sealgate is the egress proxy of a sandbox, not the sandbox itself: this "
                      "endpoint of the OpenComputer API is not part of it");
}

#define STORES "/api/secret-stores"
#define SANDBOXES "/api/sandboxes"

static const struct route routes[] = {
    {"POST", STORES, AUTH_ORG, stores_api_create},
    {"GET", STORES, AUTH_ORG, stores_api_list},
    {"GET", STORES "/:", AUTH_ORG, stores_api_get},
    {"PUT", STORES "/:", AUTH_ORG, stores_api_update},
    {"DELETE", STORES "/:", AUTH_ORG, stores_api_delete},
    {"GET", STORES "/:/sealing-key", AUTH_ORG, stores_api_sealing_key},
    {"GET", STORES "/:/secrets", AUTH_ORG, secrets_api_list},
    {"PUT", STORES "/:/secrets/:", AUTH_ORG, secrets_api_set},
    {"DELETE", STORES "/:/secrets/:", AUTH_ORG, secrets_api_delete},

    {"POST", SANDBOXES, AUTH_ORG, sandbox_create_new},
    {"GET", SANDBOXES, AUTH_ORG, sandboxes_api_list},
    {"POST", SANDBOXES "/from-checkpoint/:", AUTH_ORG, sandbox_create_fork},
    {NULL, SANDBOXES "/checkpoints/:/patches", AUTH_ORG, refuse_unbuilt},
    {NULL, SANDBOXES "/checkpoints/:/patches/*", AUTH_ORG, refuse_unbuilt},
    {"GET", SANDBOXES "/:", AUTH_ORG, sandboxes_api_get},
    {"DELETE", SANDBOXES "/:", AUTH_ORG, sandboxes_api_delete},
    {"POST", SANDBOXES "/:/hibernate", AUTH_ORG, sandboxes_api_hibernate},
    {"POST", SANDBOXES "/:/wake", AUTH_ORG, sandboxes_api_wake},
    {"POST", SANDBOXES "/:/timeout", AUTH_ORG, sandboxes_api_timeout},
    {"GET", SANDBOXES "/:/env", AUTH_ORG, sandboxes_api_env},
    {"GET", SANDBOXES "/:/allowed-hosts", AUTH_ORG, hosts_api_get},
    {"GET", SANDBOXES "/:/explain", AUTH_ORG, explain_get},
    {"POST", SANDBOXES "/:/checkpoints", AUTH_ORG, checkpoints_api_create},
    {"GET", SANDBOXES "/:/checkpoints", AUTH_ORG, checkpoints_api_list},
    {"DELETE", SANDBOXES "/:/checkpoints/:", AUTH_ORG, checkpoints_api_delete},
    {"POST", SANDBOXES "/:/checkpoints/:/restore", AUTH_ORG, checkpoints_api_restore},

    {"GET", "/api/orgs", AUTH_ADMIN, orgs_api_list},
    {"POST", "/api/orgs", AUTH_ADMIN, orgs_api_create},
    {"GET", "/api/api-keys", AUTH_ADMIN, orgs_api_list_keys},
    {"POST", "/api/api-keys", AUTH_ADMIN, orgs_api_create_key},
    {"DELETE", "/api/api-keys/:", AUTH_ADMIN, orgs_api_revoke_key},
    {"GET", "/api/audit", AUTH_ADMIN, audit_api_list},
    {"GET", "/api/keys", AUTH_ADMIN, rotation_get},
    {"POST", "/api/keys/rotate", AUTH_ADMIN, rotation_post},
    {"POST", "/api/ca/rotate", AUTH_ADMIN, public_api_rotate_ca},

    {"GET", "/ca.pem", AUTH_NONE, public_api_ca},
    {"GET", "/ca-bundle.pem", AUTH_NONE, public_api_ca_bundle},
    {"GET", "/healthz", AUTH_NONE, public_api_health},
    {"GET", "/readyz", AUTH_NONE, public_api_ready},
    {"GET", "/openapi.json", AUTH_NONE, public_api_openapi},
    {"GET", "/metrics", AUTH_ORG, public_api_metrics},

    /* What OpenComputer has beside it. */
    {NULL, SANDBOXES "/:/exec", AUTH_ORG, refuse_unbuilt},
    {NULL, SANDBOXES "/:/exec/*", AUTH_ORG, refuse_unbuilt},
    {NULL, SANDBOXES "/:/files", AUTH_ORG, refuse_unbuilt},
    {NULL, SANDBOXES "/:/files/*", AUTH_ORG, refuse_unbuilt},
    {NULL, SANDBOXES "/:/pty", AUTH_ORG, refuse_unbuilt},
    {NULL, SANDBOXES "/:/pty/*", AUTH_ORG, refuse_unbuilt},
    {NULL, SANDBOXES "/:/agent", AUTH_ORG, refuse_unbuilt},
    {NULL, SANDBOXES "/:/agent/*", AUTH_ORG, refuse_unbuilt},
    {NULL, SANDBOXES "/:/mounts", AUTH_ORG, refuse_unbuilt},
    {NULL, SANDBOXES "/:/mounts/*", AUTH_ORG, refuse_unbuilt},
    {NULL, SANDBOXES "/:/preview", AUTH_ORG, refuse_unbuilt},
    {NULL, SANDBOXES "/:/preview/*", AUTH_ORG, refuse_unbuilt},
    {NULL, SANDBOXES "/:/scale", AUTH_ORG, refuse_unbuilt},
    {NULL, SANDBOXES "/:/autoscale", AUTH_ORG, refuse_unbuilt},
    {NULL, SANDBOXES "/:/scaling-lock", AUTH_ORG, refuse_unbuilt},
    {NULL, SANDBOXES "/:/reboot", AUTH_ORG, refuse_unbuilt},
    {NULL, SANDBOXES "/:/power-cycle", AUTH_ORG, refuse_unbuilt},
    {NULL, SANDBOXES "/:/tags", AUTH_ORG, refuse_unbuilt},
    {NULL, SANDBOXES "/:/usage", AUTH_ORG, refuse_unbuilt},
    {NULL, "/api/snapshots", AUTH_ORG, refuse_unbuilt},
    {NULL, "/api/snapshots/*", AUTH_ORG, refuse_unbuilt},
    {NULL, "/api/templates", AUTH_ORG, refuse_unbuilt},
    {NULL, "/api/templates/*", AUTH_ORG, refuse_unbuilt},
    {NULL, "/api/webhooks", AUTH_ORG, refuse_unbuilt},
    {NULL, "/api/webhooks/*", AUTH_ORG, refuse_unbuilt},
    {NULL, "/api/tags", AUTH_ORG, refuse_unbuilt},
    {NULL, "/api/usage", AUTH_ORG, refuse_unbuilt},
    {NULL, "/api/v1/*", AUTH_ORG, refuse_unbuilt},
};

/* A captured one goes to `*next_param`, still escaped. */
static bool segment_matches(struct slice expected, struct slice segment, struct slice **next_param)
{
    if (!slice_equals(expected, SLICE(":")))
        return slice_equals(expected, segment);
    *(*next_param)++ = segment;
    return segment.len > 0;
}

static bool route_matches(const struct route *route, struct slice path, struct slice *params)
{
    struct slice pattern = slice_from_string(route->pattern);
    while (pattern.len > 0 && path.len > 0) {
        struct slice expected = slice_split(&pattern, '/');
        if (slice_equals(expected, SLICE("*")))
            return true;
        if (!segment_matches(expected, slice_split(&path, '/'), &params))
            return false;
    }
    return pattern.len == 0 && path.len == 0;
}

static bool route_takes(const struct route *route, struct slice method)
{
    if (route->method == NULL)
        return true;
    struct slice own = slice_from_string(route->method);
    return slice_equals(own, method) ||
           (slice_equals(own, SLICE("GET")) && slice_equals(method, SLICE("HEAD")));
}

/* "GET, PUT": what the path would take. */
static enum error router_refuse_method(struct api_call *call, struct slice path)
{
    OWNED_STRUCT(buffer) *allow = &(struct buffer){.limit = 256};
    struct slice params[API_PARAMS_MAX];
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (!route_matches(&routes[i], path, params))
            continue;
        TRY(buffer_append_format(allow, "%s%s", buffer_len(allow) > 0 ? ", " : "",
                                 routes[i].method));
    }
    if (buffer_len(allow) == 0)
        return api_refuse(call, API_NOT_FOUND, "there is no such endpoint");
    TRY(arena_copy(&call->arena, buffer_view(allow), &call->allow));
    return api_refuse(call, API_METHOD_NOT_ALLOWED, "this endpoint takes only %.*s",
                      SLICE_ARG(call->allow));
}

static enum error router_find(struct api_call *call, struct slice method, const struct route **out)
{
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (!route_takes(&routes[i], method))
            continue;
        if (route_matches(&routes[i], call->path, call->params)) {
            *out = &routes[i];
            return OK;
        }
    }
    return router_refuse_method(call, call->path);
}

static enum error router_unescape_params(struct api_call *call)
{
    for (size_t i = 0; i < API_PARAMS_MAX; i++) {
        if (api_unescape(call, call->params[i], &call->params[i]) != OK)
            return api_refuse(call, API_BAD_REQUEST, "the path is badly escaped");
    }
    return OK;
}

static enum error router_run(struct api_call *call, const struct http_message *message)
{
    const struct route *route;
    struct slice target;
    TRY(arena_copy(&call->arena, message->path, &target));
    call->path = slice_split(&target, '?');
    call->query = target;
    TRY(router_find(call, message->method, &route));
    if (route->right != AUTH_NONE) {
        TRY(auth_identify(call, message));
        TRY(auth_require(call, route->right));
    }
    TRY(router_unescape_params(call));
    TRY(input_parse(call, message->body));
    return route->handle(call);
}

void router_on_request(void *context, struct http_connection *connection,
                       const struct http_message *message)
{
    metrics_add(METRIC_API_REQUESTS, 1);
    struct api_call *call = api_call_new(context, connection);
    if (call == NULL)
        return;
    enum error error = router_run(call, message);
    if (error != OK)
        api_answer_error(call, error);
}

void router_on_fault(void *context, struct http_connection *connection, struct http_fault fault)
{
    struct api_call *call = api_call_new(context, connection);
    if (call == NULL)
        return;
    enum error error = api_refuse(call, api_problem_of_status(fault.status), "%s", fault.why);
    api_answer_error(call, error);
}

void router_on_gone(void *context, void *pending)
{
    (void)context;
    struct api_call *call = pending;
    call->connection = NULL;
}
