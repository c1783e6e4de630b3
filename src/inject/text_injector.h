/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Replaces tokens in a text that comes in pieces: a message of a WebSocket. Whole tokens only, of
 * secrets that list the place `websocket`, may go to this host and have a value that is text
 * (UTF-8); any other stays the inert text it is. Holds back only what may yet become a token. */

#include "inject/inject.h"

struct text_injector;

/* Takes its own reference of the values, which must be complete. The names of secrets that were
 * injected are noted in `finding`, which is borrowed. */
MUST_USE enum error text_injector_new(struct inject_values *values,
                                      struct decision_settings settings,
                                      struct inject_finding *finding, struct text_injector **out);
void text_injector_free(struct text_injector *injector);
/* Appends to `out`, which grows by SECRET_VALUE_MAX for each token at most. */
MUST_USE enum error text_injector_feed(struct text_injector *injector, struct slice piece,
                                       struct buffer *out);
/* The end of the text: appends what was held back; another text may follow. */
MUST_USE enum error text_injector_finish(struct text_injector *injector, struct buffer *out);
/* Tokens replaced so far. */
size_t text_injector_count(const struct text_injector *injector);
