/* SPDX-License-Identifier: Apache-2.0 */
/* An answer to bytes. Never puts a byte of a nameserver's answer into it: addresses alone. */
#include "dns/dns_answer.h"

#include "base/wire.h"

enum {
    FLAG_RESPONSE = 0x8000,
    FLAG_TRUNCATED = 0x0200,
    FLAG_RECURSION_DESIRED = 0x0100,
    FLAG_RECURSION_AVAILABLE = 0x0080,
    FLAG_CHECKING_DISABLED = 0x0010,
    POINTER_TO_QUESTION = 0xc000 | DNS_HEADER_LEN,
    EDNS_DNSSEC_OK = 0x8000,
    OPTION_EXTENDED_ERROR = 15,
};

static size_t wanted_len(const struct dns_query *query)
{
    if (query->type == DNS_A)
        return 4;
    return query->type == DNS_AAAA ? 16 : 0;
}

static uint16_t count_records(const struct dns_query *query, const struct dns_answer *answer)
{
    uint16_t count = 0;

    for (size_t i = 0; i < answer->address_count; i++)
        count = (uint16_t)(count + (answer->addresses[i].len == wanted_len(query)));
    return count;
}

static uint16_t flags_of(const struct dns_query *query, const struct dns_answer *answer,
                         bool is_truncated)
{
    unsigned flags = FLAG_RESPONSE | FLAG_RECURSION_AVAILABLE;

    flags |= (unsigned)query->opcode << 11 | ((unsigned)answer->rcode & 0xf);
    flags |= is_truncated ? FLAG_TRUNCATED : 0;
    flags |= query->recursion_desired ? FLAG_RECURSION_DESIRED : 0;
    flags |= query->checking_disabled ? FLAG_CHECKING_DISABLED : 0;
    return (uint16_t)flags;
}

static void write_question(struct wire_writer *writer, const struct dns_query *query)
{
    if (query->name_len == 0)
        return;
    wire_write_raw(writer, query->name, query->name_len);
    wire_write_u16(writer, query->type);
    wire_write_u16(writer, query->class);
}

static void write_record(struct wire_writer *writer, const struct dns_query *query, uint32_t ttl_s,
                         const struct ip_address *address)
{
    wire_write_u16(writer, POINTER_TO_QUESTION);
    wire_write_u16(writer, query->type);
    wire_write_u16(writer, DNS_IN);
    wire_write_u32(writer, ttl_s);
    wire_write_u16(writer, address->len);
    wire_write_raw(writer, address->bytes, address->len);
}

static void write_records(struct wire_writer *writer, const struct dns_query *query,
                          const struct dns_answer *answer)
{
    for (size_t i = 0; i < answer->address_count; i++) {
        if (answer->addresses[i].len == wanted_len(query))
            write_record(writer, query, answer->ttl_s, &answer->addresses[i]);
    }
}

static void write_extended_error(struct wire_writer *writer, const struct dns_answer *answer)
{
    struct slice text = slice_take(answer->text, DNS_EXTENDED_TEXT_MAX);
    uint16_t len = (uint16_t)(2 + text.len);

    if (answer->extended == DNS_EXTENDED_NONE) {
        wire_write_u16(writer, 0);
        return;
    }
    wire_write_u16(writer, (uint16_t)(4 + len));
    wire_write_u16(writer, OPTION_EXTENDED_ERROR);
    wire_write_u16(writer, len);
    wire_write_u16(writer, (uint16_t)answer->extended);
    wire_write_raw(writer, text.data, text.len);
}

/* Only toward a client that has EDNS itself (RFC 6891, 7). */
static void write_options(struct wire_writer *writer, const struct dns_query *query,
                          const struct dns_answer *answer)
{
    if (!query->has_edns)
        return;
    wire_write_u8(writer, 0); /* the root */
    wire_write_u16(writer, DNS_OPT);
    wire_write_u16(writer, DNS_UDP_MAX);
    wire_write_u8(writer, (uint8_t)((unsigned)answer->rcode >> 4));
    wire_write_u8(writer, 0); /* version */
    wire_write_u16(writer, query->dnssec_ok ? EDNS_DNSSEC_OK : 0);
    write_extended_error(writer, answer);
}

static enum error write_message(const struct dns_query *query, const struct dns_answer *answer,
                                bool is_truncated, struct buffer *out)
{
    struct wire_writer writer = wire_writer_of(out);

    wire_write_u16(&writer, query->id);
    wire_write_u16(&writer, flags_of(query, answer, is_truncated));
    wire_write_u16(&writer, query->name_len > 0);
    wire_write_u16(&writer, is_truncated ? 0 : count_records(query, answer));
    wire_write_u16(&writer, 0); /* authorities */
    wire_write_u16(&writer, query->has_edns);
    write_question(&writer, query);
    if (!is_truncated)
        write_records(&writer, query, answer);
    write_options(&writer, query, answer);
    return writer.error;
}

enum error dns_answer_write(const struct dns_query *query, const struct dns_answer *answer,
                            size_t limit, struct buffer *out)
{
    size_t before = buffer_len(out);
    enum error error = write_message(query, answer, false, out);

    if (error == OK && buffer_len(out) - before <= limit)
        return OK;
    buffer_truncate(out, before);
    if (error == OK)
        error = write_message(query, answer, true, out);
    if (error != OK)
        buffer_truncate(out, before);
    return error;
}
