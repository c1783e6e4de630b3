/* SPDX-License-Identifier: Apache-2.0 */
/* Any input either is never answered, or its answer keeps the limit and reads back: the question as
 * it was asked, only addresses of the family that was asked for, nothing left over. */
#include "base/wire.h"
#include "dns/dns_answer.h"
#include "dns/dns_frame.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORDS = 20 };

static void must(bool fact)
{
    if (!fact)
        abort();
}

static void check_host(const struct dns_query *query)
{
    struct host_name again;

    if (!query->is_host)
        return;
    must(host_name_parse(host_name_view(&query->host), &again) == OK);
    must(host_name_equals(&again, &query->host) && !host_name_is_literal(&again));
    must(query->name_len == query->host.len + 2);
}

static void read_question(struct wire_reader *reader, const struct dns_query *query)
{
    uint8_t name[DNS_NAME_MAX];

    wire_read_raw(reader, name, query->name_len);
    must(memcmp(name, query->name, query->name_len) == 0);
    must(wire_read_u16(reader) == query->type && wire_read_u16(reader) == query->class);
}

static void read_record(struct wire_reader *reader, const struct dns_query *query)
{
    uint8_t address[16];
    size_t len = query->type == DNS_A ? 4 : 16;

    must(query->type == DNS_A || query->type == DNS_AAAA);
    must(wire_read_u16(reader) == 0xc00c && wire_read_u16(reader) == query->type);
    must(wire_read_u16(reader) == DNS_IN && wire_read_u32(reader) == 7);
    must(wire_read_u16(reader) == len);
    wire_read_raw(reader, address, len);
}

static void read_options(struct wire_reader *reader, enum dns_rcode rcode)
{
    must(wire_read_u8(reader) == 0 && wire_read_u16(reader) == DNS_OPT);
    must(wire_read_u16(reader) == DNS_UDP_MAX && wire_read_u8(reader) == rcode >> 4);
    must(wire_read_u8(reader) == 0);
    wire_read_u16(reader); /* DO */
    must(wire_read_u16(reader) == reader->rest.len);
    must(wire_read_u16(reader) == 15 && wire_read_u16(reader) == reader->rest.len);
    must(wire_read_u16(reader) == DNS_EXTENDED_BLOCKED);
    reader->rest = SLICE_NONE;
}

static void read_back(struct slice bytes, const struct dns_query *query, enum dns_rcode rcode)
{
    struct wire_reader reader = wire_reader_of(bytes);

    must(wire_read_u16(&reader) == query->id);
    must((wire_read_u16(&reader) & 0x800f) == (0x8000 | (rcode & 0xf)));
    must(wire_read_u16(&reader) == (query->name_len > 0));
    uint16_t records = wire_read_u16(&reader);
    must(wire_read_u16(&reader) == 0 && wire_read_u16(&reader) == query->has_edns);
    if (query->name_len > 0)
        read_question(&reader, query);
    for (uint16_t i = 0; i < records; i++)
        read_record(&reader, query);
    if (query->has_edns)
        read_options(&reader, rcode);
    must(wire_reader_done(&reader));
}

static void check_answer(const struct dns_query *query, size_t limit)
{
    static struct ip_address addresses[RECORDS];
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = DNS_MESSAGE_MAX};
    struct dns_answer answer = {.rcode = query->rcode,
                                .addresses = addresses,
                                .address_count = RECORDS,
                                .ttl_s = 7,
                                .extended = DNS_EXTENDED_BLOCKED,
                                .text = SLICE("The host is not on the list.")};

    for (size_t i = 0; i < RECORDS; i++)
        addresses[i].len = i % 2 == 0 ? 4 : 16;
    must(dns_answer_write(query, &answer, limit, out) == OK);
    must(buffer_len(out) <= limit);
    read_back(buffer_view(out), query, query->rcode);
}

static void check_message(struct slice message)
{
    struct dns_query query;

    if (dns_query_parse(message, &query) != OK)
        return;
    must(message.len >= DNS_HEADER_LEN && ((uint8_t)message.data[2] & 0x80) == 0);
    check_host(&query);
    check_answer(&query, dns_query_udp_limit(&query));
    check_answer(&query, DNS_MESSAGE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size), message;

    check_message(input);
    while (dns_frame_read(input, &message) == OK) {
        check_message(message);
        input = slice_skip(input, DNS_FRAME_HEADER_LEN + message.len);
    }
    return 0;
}
