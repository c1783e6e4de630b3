/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the router's table points to: see api.h for the rules of a handler, docs/openapi.json for
 * what each promises. */

#include "control/api.h"

/* stores_api.c */
enum error stores_api_create(struct api_call *call);
enum error stores_api_list(struct api_call *call);
enum error stores_api_get(struct api_call *call);
enum error stores_api_update(struct api_call *call);
enum error stores_api_delete(struct api_call *call);
enum error stores_api_sealing_key(struct api_call *call);
/* secrets_api.c */
enum error secrets_api_set(struct api_call *call);
enum error secrets_api_list(struct api_call *call);
enum error secrets_api_delete(struct api_call *call);
/* sandboxes_api.c */
enum error sandboxes_api_list(struct api_call *call);
enum error sandboxes_api_get(struct api_call *call);
enum error sandboxes_api_delete(struct api_call *call);
enum error sandboxes_api_hibernate(struct api_call *call);
enum error sandboxes_api_wake(struct api_call *call);
enum error sandboxes_api_timeout(struct api_call *call);
enum error sandboxes_api_env(struct api_call *call);
/* sandbox_create.c */
enum error sandbox_create_new(struct api_call *call);
enum error sandbox_create_fork(struct api_call *call);
/* checkpoints_api.c */
enum error checkpoints_api_create(struct api_call *call);
enum error checkpoints_api_list(struct api_call *call);
enum error checkpoints_api_delete(struct api_call *call);
enum error checkpoints_api_restore(struct api_call *call);
/* hosts_api.c */
enum error hosts_api_get(struct api_call *call);
/* explain.c */
enum error explain_get(struct api_call *call);
/* orgs_api.c */
enum error orgs_api_list(struct api_call *call);
enum error orgs_api_create(struct api_call *call);
enum error orgs_api_list_keys(struct api_call *call);
enum error orgs_api_create_key(struct api_call *call);
enum error orgs_api_revoke_key(struct api_call *call);
/* audit_api.c */
enum error audit_api_list(struct api_call *call);
/* rotation.c */
enum error rotation_post(struct api_call *call);
enum error rotation_get(struct api_call *call);
/* public_api.c */
enum error public_api_rotate_ca(struct api_call *call);
enum error public_api_ca(struct api_call *call);
enum error public_api_ca_bundle(struct api_call *call);
enum error public_api_health(struct api_call *call);
enum error public_api_ready(struct api_call *call);
enum error public_api_metrics(struct api_call *call);
enum error public_api_openapi(struct api_call *call);
