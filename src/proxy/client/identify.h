/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whose connection is this: by the listening socket, by registered source address, by credentials,
 * by two of them where two are there. No other field of the
 * request counts. */

#include "proxy/client/connection.h"

enum { IDENTIFY_CLAIM_MAX = 512 };

enum identify_claim_kind { IDENTIFY_CLAIM_NONE, IDENTIFY_CLAIM_GIVEN, IDENTIFY_CLAIM_MALFORMED };

/* What the client says of itself. */
struct identify_claim {
    enum identify_claim_kind kind;
    struct slice sandbox_id, token; /* of GIVEN; may point into text */
    char text[IDENTIFY_CLAIM_MAX];
};

/* Proxy-Authorization: Basic. `head` may be NULL: no claim. */
void identify_claim_of_head(const struct http_head *head, struct identify_claim *out);

enum identify_result { IDENTIFY_KNOWN, IDENTIFY_WAIT, IDENTIFY_REFUSED };

/* KNOWN: `*out`, whose view is there. WAIT: connection->waiter waits; ask again. REFUSED: `*code`.
 */
enum identify_result identify_client(struct connection *connection,
                                     const struct identify_claim *claim, struct sandbox **out,
                                     enum refusal_code *code);
