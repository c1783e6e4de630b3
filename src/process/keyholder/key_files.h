/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* DATA_DIR/keys, which only the keyholder's account can enter: ca-cert.pem, ca-key.pem,
 * ca-previous.pem (the root before the last rotation), and sealing-NUMBER-KEYID.key, 32 bytes each,
 * the highest number current, and sandboxes.key, what sandboxes are signed with. All 0600. */

#include "base/buffer.h"
#include "ca/ca.h"
#include "seal/seal.h"

/* Opens the folder. ERR_SYSTEM. */
MUST_USE enum error key_files_open(struct slice data_dir, int *out_folder);

/* The root, made on first use. */
MUST_USE enum error key_files_load_root(int folder, struct ca_root **out);
/* A new root takes the place of `current`, whose certificate is kept as the previous one. */
MUST_USE enum error key_files_rotate_root(int folder, const struct ca_root *current,
                                          struct ca_root **out);
/* Appends the previous certificate, or nothing when there is none. */
MUST_USE enum error key_files_previous_certificate(int folder, struct buffer *out);

/* All sealing keys, oldest first, into the ring; makes one on first use. */
MUST_USE enum error key_files_load_ring(int folder, struct keyring *ring);
/* What sandboxes are signed with, made on first use; it does not rotate. `*out_is_new` until
 * key_files_settle_sandbox_key(): those of an older version may not have been signed yet. */
MUST_USE enum error key_files_load_sandbox_key(int folder, uint8_t key[32], bool *out_is_new);
MUST_USE enum error key_files_settle_sandbox_key(int folder);
/* A new current key: on disk first, then in the ring. */
MUST_USE enum error key_files_add_key(int folder, struct keyring *ring);
/* Forgets all but the current key: the files first, then in the ring. */
MUST_USE enum error key_files_retire_keys(int folder, struct keyring *ring);
