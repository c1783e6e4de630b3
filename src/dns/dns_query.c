/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes to a query. Never follows a compression pointer, so no name is read twice. */
#include "dns/dns_query.h"

#include "base/wire.h"

enum {
    FLAG_RESPONSE = 0x8000,
    FLAG_RECURSION_DESIRED = 0x0100,
    FLAG_CHECKING_DISABLED = 0x0010,
    EDNS_DNSSEC_OK = 0x8000,
    LABEL_MAX_LEN = 63, /* what is above is a pointer (RFC 1035, 4.1.4), or not in use */
};

struct counts {
    uint16_t questions, answers, authorities, additionals;
};

static bool read_header(struct wire_reader *reader, struct dns_query *query, struct counts *counts)
{
    query->id = wire_read_u16(reader);
    uint16_t flags = wire_read_u16(reader);
    counts->questions = wire_read_u16(reader);
    counts->answers = wire_read_u16(reader);
    counts->authorities = wire_read_u16(reader);
    counts->additionals = wire_read_u16(reader);
    query->opcode = flags >> 11 & 0xf;
    query->recursion_desired = (flags & FLAG_RECURSION_DESIRED) != 0;
    query->checking_disabled = (flags & FLAG_CHECKING_DISABLED) != 0;
    return !reader->failed && (flags & FLAG_RESPONSE) == 0;
}

/* One label with its length byte; false at the last, the empty one, and when there is no more room
 * for that one. */
static bool read_label(struct wire_reader *reader, struct dns_query *query)
{
    uint8_t len = wire_read_u8(reader);

    if (len > LABEL_MAX_LEN || query->name_len + 1 + len > DNS_NAME_MAX - (len > 0))
        reader->failed = true;
    if (reader->failed)
        return false;
    query->name[query->name_len++] = len;
    wire_read_raw(reader, query->name + query->name_len, len);
    query->name_len = (uint8_t)(query->name_len + len);
    return len > 0;
}

struct slice dns_query_format_name(const struct dns_query *query, char text[DNS_NAME_MAX])
{
    size_t len = 0;

    for (size_t at = 0; at < query->name_len && query->name[at] != 0; at += query->name[at] + 1u) {
        if (len > 0)
            text[len++] = '.';
        memcpy(text + len, query->name + at + 1, query->name[at]);
        len += query->name[at];
    }
    return slice_of(text, len);
}

/* A dot inside a label would become a border between two. */
static bool has_dot_inside(const struct dns_query *query)
{
    for (size_t at = 0; query->name[at] != 0; at += query->name[at] + 1u) {
        struct slice label = slice_of(query->name + at + 1, query->name[at]);

        if (slice_find(label, '.') < label.len)
            return true;
    }
    return false;
}

static bool parse_host(const struct dns_query *query, struct host_name *out)
{
    char text[DNS_NAME_MAX];

    return !has_dot_inside(query) &&
           host_name_parse(dns_query_format_name(query, text), out) == OK &&
           !host_name_is_literal(out);
}

static void read_question(struct wire_reader *reader, struct dns_query *query)
{
    while (read_label(reader, query))
        ;
    query->type = wire_read_u16(reader);
    query->class = wire_read_u16(reader);
    if (!reader->failed)
        query->is_host = parse_host(query, &query->host);
}

static void skip(struct wire_reader *reader, size_t len)
{
    if (len > reader->rest.len)
        reader->failed = true;
    else
        reader->rest = slice_skip(reader->rest, len);
}

/* What they say does not matter, only that they end where the record ends. */
static bool options_add_up(struct slice data)
{
    struct wire_reader options = wire_reader_of(data);

    while (!options.failed && options.rest.len > 0) {
        wire_read_u16(&options); /* its code */
        skip(&options, wire_read_u16(&options));
    }
    return !options.failed;
}

/* RFC 6891, 6.1.2 */
static void read_options(struct wire_reader *reader, struct dns_query *query)
{
    uint8_t name = wire_read_u8(reader);
    uint16_t type = wire_read_u16(reader);
    query->udp_size = wire_read_u16(reader);
    wire_read_u8(reader); /* the extended rcode, of answers */
    uint8_t version = wire_read_u8(reader);
    query->dnssec_ok = (wire_read_u16(reader) & EDNS_DNSSEC_OK) != 0;
    uint16_t len = wire_read_u16(reader);
    struct slice data = slice_take(reader->rest, len);

    skip(reader, len);
    if (name != 0 || type != DNS_OPT || !options_add_up(data))
        reader->failed = true;
    query->has_edns = true;
    if (version != 0)
        query->rcode = DNS_BADVERS;
}

static void read_sections(struct wire_reader *reader, const struct counts *counts,
                          struct dns_query *query)
{
    if (counts->questions != 1 || counts->answers != 0 || counts->authorities != 0 ||
        counts->additionals > 1) {
        reader->failed = true;
        return;
    }
    read_question(reader, query);
    if (counts->additionals == 1)
        read_options(reader, query);
}

/* With nothing of the question, which is not understood. */
static void reject(struct dns_query *query, enum dns_rcode rcode)
{
    *query = (struct dns_query){.rcode = rcode,
                                .id = query->id,
                                .opcode = query->opcode,
                                .recursion_desired = query->recursion_desired,
                                .checking_disabled = query->checking_disabled};
}

enum error dns_query_parse(struct slice message, struct dns_query *out)
{
    struct wire_reader reader = wire_reader_of(message);
    struct dns_query query = {.rcode = DNS_NOERROR};
    struct counts counts;

    if (!read_header(&reader, &query, &counts))
        return ERR_SYNTAX;
    if (query.opcode != 0) {
        reject(&query, DNS_NOTIMP);
    } else {
        read_sections(&reader, &counts, &query);
        if (!wire_reader_done(&reader))
            reject(&query, DNS_FORMERR);
    }
    *out = query;
    return OK;
}

size_t dns_query_udp_limit(const struct dns_query *query)
{
    if (!query->has_edns || query->udp_size < DNS_UDP_MIN)
        return DNS_UDP_MIN;
    return query->udp_size < DNS_UDP_MAX ? query->udp_size : DNS_UDP_MAX;
}
