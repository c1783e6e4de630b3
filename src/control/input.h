/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The fields of a request body. Each function refuses a wrong type with a sentence that names the
 * field; unknown fields are never looked at. Slices are borrowed from the body. */

#include "control/api.h"

struct input_list {
    struct text_list texts; /* the array is in the call's arena */
    bool given;
};

/* Parses `text` (empty: no body) into call->body. Duplicate keys are refused. */
MUST_USE enum error input_parse(struct api_call *call, struct slice text);
bool input_has(const struct api_call *call, const char *field);
/* `out->data` is NULL when the field is not there. */
MUST_USE enum error input_string(struct api_call *call, const char *field, struct slice *out);
/* 1 to `max` bytes, without controls. */
MUST_USE enum error input_name(struct api_call *call, const char *field, size_t max,
                               struct slice *out);
/* `*out` stays when the field is not there. */
MUST_USE enum error input_bool(struct api_call *call, const char *field, bool *out);
MUST_USE enum error input_integer(struct api_call *call, const char *field, uint64_t max,
                                  uint64_t *out);
/* An object of strings; NULL when the field is not there. Borrowed. */
MUST_USE enum error input_string_map(struct api_call *call, const char *field, json_t **out);
/* Host patterns: at most HOST_LIST_MAX, each valid; literal duplicates are dropped. */
MUST_USE enum error input_patterns(struct api_call *call, const char *field,
                                   struct input_list *out);
/* Hosts alone, without wildcards and ports: likewise. */
MUST_USE enum error input_hosts(struct api_call *call, const char *field, struct input_list *out);
/* Inject places: at most PLACE_LIST_MAX, each valid and built; duplicates are dropped. */
MUST_USE enum error input_places(struct api_call *call, const char *field, struct input_list *out);
/* What these two check, for lists that come from elsewhere. */
MUST_USE enum error input_check_patterns(struct api_call *call, const char *field,
                                         const struct text_list *texts);
MUST_USE enum error input_check_places(struct api_call *call, const char *field,
                                       const struct text_list *texts);
/* [A-Za-z_][A-Za-z0-9_]*, at most 256 bytes. */
bool input_is_variable_name(struct slice name);
