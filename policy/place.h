/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where in a request a value may be injected (the *inject* list of a secret). */

#include "base/compiler.h"
#include "base/error.h"
#include "base/slice.h"

enum place_kind { PLACE_HEADER, PLACE_WEBSOCKET, PLACE_QUERY, PLACE_PATH, PLACE_BODY };

struct place {
    enum place_kind kind;
    struct slice field; /* of PLACE_HEADER: only this field, in any case; empty: any that is not
                           excluded. Borrowed. */
};

enum { PLACE_LIST_MAX = 16, PLACE_TEXT_MAX = 128 };

/* "header", "header:authorization", "websocket", "query", "path", "body". ERR_SYNTAX for what is no
 * place or names a field that never carries a value (hop-by-hop, Proxy-*); ERR_UNSUPPORTED for one
 * that is not built yet; `*why` (may be NULL) is then a static sentence. `out->field` points into
 * `text`. */
MUST_USE enum error place_parse(struct slice text, struct place *out, const char **why);
/* The text of a parsed place, at most PLACE_TEXT_MAX bytes into `text`, no NUL. */
struct slice place_format(const struct place *place, char *text);

/* Fields that never carry a value, whatever a secret says: hop-by-hop, Proxy-*, framing,
 * Host, pseudo-fields. Case-insensitive. */
bool place_field_is_forbidden(struct slice field);
/* Fields that carry one only when the secret names them: what origins echo or log, and what is not
 * for credentials. Case-insensitive. */
bool place_field_needs_naming(struct slice field);
/* Whether a secret with these places may be injected into this request field. */
bool place_list_permits_field(const struct place *places, size_t count, struct slice field);
/* Whether one of them is of this kind, whatever its field. */
bool place_list_has(const struct place *places, size_t count, enum place_kind kind);
