/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What answers are made of. Each returns NULL when out of memory; NULL given as a part makes the
 * whole NULL, so that a result is checked once, where it is answered. */

#include "control/api.h"

json_t *output_text(struct slice text);
json_t *output_texts(const struct text_list *list);
json_t *output_time(int64_t time_ms);
/* Sets a field; takes `value`. A failure frees `*object` and makes it NULL. */
void output_set(json_t **object, const char *field, json_t *value);
/* The same for a text that is left out when it is empty. */
void output_set_text(json_t **object, const char *field, struct slice text);
/* JSON text from the database; an empty object when it is empty or no object. */
json_t *output_stored_object(struct slice text);
/* Appends; takes `value`. A failure frees `*array` and makes it NULL. */
void output_append(json_t **array, json_t *value);

json_t *output_store(const struct secret_store *store);
json_t *output_checkpoint(const struct checkpoint *checkpoint);
/* {keyId, publicKey (base64url), format} */
json_t *output_key(const struct seal_public_key *key);
