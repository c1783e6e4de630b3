/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A list of host patterns compiled for look-up: exact hosts in one table, suffixes in another, so
 * that a decision takes one look-up per label of the target, whatever the length of the list. */

#include "policy/host_pattern.h"

enum { HOST_LIST_MAX = 1000 }; /* patterns in one list that a user sets */

struct host_list; /* immutable once built */

struct host_list *host_list_new(void);
void host_list_free(struct host_list *list);
DEFINE_OWNED_STRUCT(host_list, host_list_free)

/* Adds one more at the end; the text is copied and kept as it was given. A literal duplicate is
 * skipped. ERR_SYNTAX as host_pattern_parse(). */
MUST_USE enum error host_list_add(struct host_list *list, struct slice pattern, const char **why);
size_t host_list_count(const struct host_list *list); /* of NULL: 0 */
/* In the order they were added. */
struct slice host_list_text(const struct host_list *list, size_t index);
/* Whether this very text was added; false for NULL. */
bool host_list_contains(const struct host_list *list, struct slice text);

/* True when some pattern matches (never for NULL); `*pattern` (may be NULL) is then the text of the
 * first such one among the most specific: exact, then the longest suffix, then "*". */
bool host_list_matches(const struct host_list *list, const struct authority *target,
                       struct slice *pattern);
/* Whether every TLS connection that `pattern` means is one that some pattern of the list means too.
 * Without a port, `pattern` means 443 alone: there is no TLS on port 80. */
bool host_list_covers(const struct host_list *list, const struct host_pattern *pattern);
/* The same as host_list_matches() whatever the port: whether some target of this host could match.
 */
bool host_list_matches_host(const struct host_list *list, const struct host_name *host,
                            struct slice *pattern);
