/* SPDX-License-Identifier: Apache-2.0 */
/* A sandbox without the API, for `sealgate run`. Never puts anything of a secret into its
 * environment but the token. */

#include "control/ca_files.h"
#include "control/control.h"
#include "control/environment.h"
#include "control/sandbox_signature.h"

#include <jansson.h>

static enum error format_variable(struct arena *arena, const char *name, const json_t *value,
                                  struct slice *out)
{
    size_t name_len = strlen(name), value_len = json_string_length(value);
    char *text = arena_alloc(arena, name_len + value_len + 2);
    if (text == NULL)
        return ERR_NO_MEMORY;
    memcpy(text, name, name_len);
    text[name_len] = '=';
    memcpy(text + name_len + 1, json_string_value(value), value_len);
    *out = slice_of(text, name_len + 1 + value_len);
    return OK;
}

static enum error list_environment(json_t *environment, struct private_sandbox *out)
{
    const char *name;
    json_t *value;
    size_t count = json_object_size(environment);
    out->environment = arena_alloc_array(&out->arena, count, sizeof *out->environment);
    if (out->environment == NULL)
        return ERR_NO_MEMORY;
    json_object_foreach(environment, name, value)
    {
        TRY(format_variable(&out->arena, name, value, &out->environment[out->environment_count]));
        out->environment_count++;
    }
    return OK;
}

static enum error load_environment(struct control *control, struct private_sandbox *out)
{
    struct view_data data;
    TRY(view_data_load(control->store, &out->arena, out->id, &data));
    json_t *environment = environment_build(control, &data);
    if (environment == NULL)
        return ERR_NO_MEMORY;
    enum error error = list_environment(environment, out);
    json_decref(environment);
    return error;
}

enum error control_create_sandbox(struct control *control, const struct slice *stores, size_t count,
                                  struct private_sandbox *out)
{
    const struct sandbox_new new_sandbox = {
        .org_id = control->default_org,
        .signer = sandbox_signature_signer(control),
        .secret_stores = {(struct slice *)(uintptr_t)stores, count}};
    struct sandbox sandbox;
    *out = (struct private_sandbox){.environment = NULL};
    arena_init(&out->arena);
    TRY(ca_files_ensure(control->ca_files));
    TRY(sandboxes_create(control->store, &out->arena, &new_sandbox, &sandbox));
    out->id = sandbox.id;
    out->bundle = ca_files_bundle(control->ca_files);
    out->root = ca_files_root(control->ca_files);
    return load_environment(control, out);
}

void private_sandbox_clear(struct private_sandbox *sandbox)
{
    arena_clear(&sandbox->arena);
}
