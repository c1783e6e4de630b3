/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Tokens in, values out; values in, tokens out. The only reader of a value: nothing outside this
 * folder calls secret_reveal(). */

#include "base/secret.h"
#include "http/head.h"
#include "http/request.h"
#include "policy/policy.h"

/* values.c: the values of one sandbox that may go to one host, and the patterns that hide them in
 * its answers. Immutable once complete, counted; shared by all exchanges of that view with that
 * host. */

struct inject_values;

/* For the secrets of `view` that may go to `target`. Takes its own reference of the view. */
MUST_USE enum error inject_values_new(struct view *view, const struct authority *target,
                                      struct inject_values **out);
/* Copies one value that the keyholder released. `secret_index` is into view->secrets; ERR_NOT_FOUND
 * past its end. ERR_FORBIDDEN when that secret may not go to the target under any settings,
 * ERR_EXISTS when it was added before, ERR_TOO_LARGE past SECRET_VALUE_MAX, ERR_CONFLICT once
 * complete. */
MUST_USE enum error inject_values_add(struct inject_values *values, uint32_t secret_index,
                                      struct slice value);
/* No more will come: compiles the patterns. */
MUST_USE enum error inject_values_complete(struct inject_values *values);
struct inject_values *inject_values_ref(struct inject_values *values);
void inject_values_unref(struct inject_values *values); /* wipes with the last */
DEFINE_OWNED_STRUCT(inject_values, inject_values_unref)
struct view *inject_values_view(const struct inject_values *values);
/* True when some value is to be hidden in answers from this host. */
bool inject_values_redact(const struct inject_values *values);
/* True when some value may be injected into messages of a WebSocket. */
bool inject_values_list_websocket(const struct inject_values *values);

/* request_check.c: step 4 of the decision, before any value is known. */

struct inject_question {
    const struct view *view;
    const struct authority *target;
    const struct http_head *head;
    const struct http_request *request; /* what `head` means */
    struct decision_settings settings;
    bool is_tls;
};

struct inject_finding {
    struct decision decision; /* the first refusal in the order of request_check.c, or allowed */
    bool has_tokens;          /* some field holds a token to replace; only when allowed */
    /* names of the secrets whose tokens were found, each once, for the audit record; borrowed from
     * the view; those past the end are left out */
    struct slice secrets[16];
    size_t secret_count;
};

/* Looks at method, target, every field name and value of the head, at the path and query of the
 * request (also percent-decoded once), and inside Basic credentials of Authorization. A token in
 * the method or a field name has no place that could be permitted. */
void inject_check_request(const struct inject_question *question, struct inject_finding *out);
/* One more name, unless it is there. */
void inject_note_secret(struct inject_finding *finding, struct slice name);

/* request_inject.c: repoints each field value that holds a token to a copy, in `storage`, with the
 * real values. To be called only after inject_check_request() allowed the same head with the same
 * view. `storage` must be empty; its limit bounds the sum of the new values, and whoever owns it
 * clears it once the head is written. `*replaced` (may be NULL) is how many tokens were replaced.
 * On failure the head is as it was: ERR_NOT_FOUND when a value is missing, ERR_TOO_LARGE,
 * ERR_SYNTAX when a value would not be a valid field value (RFC 9110, 5.5), ERR_FORBIDDEN for a
 * token in a field that its secret does not list. */
MUST_USE enum error inject_request_head(const struct inject_values *values, struct http_head *head,
                                        struct buffer *storage, size_t *replaced);

/* redact_head.c: hides values in the reason and in every field value, also of 1xx heads and
 * trailers; a field whose name holds a value is dropped. Plain values become their token, or a mask
 * where the head would grow past HTTP_HEAD_MAX. `*hits` (may be NULL) is how many were hidden.
 * Must not be forwarded after an error. */
MUST_USE enum error inject_redact_head(const struct inject_values *values, struct http_head *head,
                                       size_t *hits);

/* redactor.c: hides values in a body, however it is split. Plain values become their token, or,
 * with `keep_length`, a mask of '*' of their own length; base64 (any alignment, both alphabets),
 * percent-encoded, JSON-escaped and hex forms become a mask of the same length. Holds back only a
 * trailing partial match. */

struct redactor;

/* Takes its own reference of the values, which must be complete. */
MUST_USE enum error redactor_new(struct inject_values *values, bool keep_length,
                                 struct redactor **out);
void redactor_free(struct redactor *redactor); /* wipes what was held back */
DEFINE_OWNED_STRUCT(redactor, redactor_free)
/* The most that feeding `input_len` bytes now (0: redactor_finish()) can append: what was held back
 * comes out too, up to 6 * SECRET_VALUE_MAX bytes, and a short value grows to a token. */
size_t redactor_output_max(const struct redactor *redactor, size_t input_len);
/* Appends to `out`, whose limit must leave room for redactor_output_max(). After an error the
 * stream is broken: nothing more may be fed or forwarded. */
MUST_USE enum error redactor_feed(struct redactor *redactor, struct slice input,
                                  struct buffer *out);
/* The end: appends what was held back. */
MUST_USE enum error redactor_finish(struct redactor *redactor, struct buffer *out);
/* How many values were hidden so far. */
size_t redactor_hits(const struct redactor *redactor);
