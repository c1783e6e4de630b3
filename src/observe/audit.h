/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The audit record: one JSON line per request or refused connection. Paths
 * come without query. No value of a secret has a field here. */

#include "base/buffer.h"

struct audit_record {
    uint64_t time_ms; /* since the epoch: when the request began */
    struct slice sandbox, org, client, protocol, method, scheme, host, path, decision, code,
        upstream;
    const struct slice *stores, *secrets;
    size_t store_count, secret_count;
    uint16_t port, status;
    uint64_t bytes_in, bytes_out, duration_ms;
};

/* Appends one line with its newline, or nothing; hostile bytes are escaped, the path is cut at
 * 2,048 bytes and any other text at 512. `decision` is "allowed" or "refused". Empty texts, port 0
 * and status 0 are left out; lists and the other numbers are always there. */
MUST_USE enum error audit_format(const struct audit_record *record, struct buffer *out);

/* audit_writer.c: a writer on a descriptor that somebody else opened (a file with O_APPEND, a
 * stream or a journal socket): collects lines, audit_flush() writes them whole. -1: none. */
struct audit_writer {
    int fd;
    struct buffer pending;
    bool is_datagram; /* one line per datagram, in the journal's native form */
};
void audit_writer_init(struct audit_writer *writer, int fd, bool is_datagram);
void audit_writer_clear(struct audit_writer *writer); /* does not close the descriptor */
/* Flushes first when the pending lines would pass their limit (256 KiB). On failure the record is
 * lost, and whoever counts that counts one. */
MUST_USE enum error audit_write(struct audit_writer *writer, const struct audit_record *record);
/* ERR_AGAIN, or ERR_SYSTEM with errno: what could not be written stays pending. ERR_TOO_LARGE: a
 * line did not fit into a datagram and was dropped; the others were written. */
MUST_USE enum error audit_flush(struct audit_writer *writer);
