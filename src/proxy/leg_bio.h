/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How OpenSSL reaches a leg's socket: bytes that were read before TLS began come first, and a short
 * read is remembered, which saves the system call that would only say EAGAIN. */

#include <openssl/bio.h>

struct leg;

/* NULL when out of memory. Does not own the leg. */
BIO *leg_bio_new(struct leg *leg);
