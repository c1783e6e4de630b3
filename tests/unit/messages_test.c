/* SPDX-License-Identifier: Apache-2.0 */
/* Every message of the table goes through its encoding and back. Samples are made from the table
 * itself, so a new message is tested as soon as it exists. */
#include "process/messages.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { ENCODING_MAX = 1 << 20 };

static const struct slice sample_items[] = {SLICE_INIT("api.example.com"), SLICE_INIT(""),
                                            SLICE_INIT("*.example.org:8443")};

static void fill_u32(uint32_t *field)
{
    *field = 0xdeadbeef;
}

static void fill_u64(uint64_t *field)
{
    *field = 0x0123456789abcdef;
}

static void fill_flag(bool *field)
{
    *field = true;
}

static void fill_text(struct slice *field)
{
    *field = SLICE("some text\0with a NUL");
}

#define fill_bytes fill_text
#define fill_blob fill_text

static void fill_list(struct message_list *field)
{
    *field = (struct message_list){sample_items, ARRAY_LEN(sample_items)};
}

static void fill_host(struct host_name *field)
{
    assert_int_equal(host_name_parse(SLICE("api.example.com"), field), OK);
}

static void fill_authority(struct authority *field)
{
    assert_int_equal(authority_parse(SLICE("[2001:db8::1]:8443"), 0, field), OK);
}

static void fill_address(struct ip_address *field)
{
    assert_int_equal(ip_address_parse(SLICE("192.0.2.1"), field), OK);
}

static void fill_addresses(struct message_addresses *field)
{
    *field = (struct message_addresses){{{4, {192, 0, 2, 1}}, {16, {0x20, 1, [15] = 1}}}, 2};
}

static void fill_endpoint(struct ip_endpoint *field)
{
    assert_int_equal(ip_endpoint_parse(SLICE("[2001:db8::1]:443"), field), OK);
}

static void fill_role(enum process_role *field)
{
    *field = PROCESS_WORKER;
}

static void fill_listener(enum listener_kind *field)
{
    *field = LISTENER_CONTROL_SOCKET;
}

static void fill_error(enum error *field)
{
    *field = ERR_UNAVAILABLE;
}

static void fill_refusal(enum refusal_code *field)
{
    *field = REFUSAL_HOST_NOT_ALLOWED;
}

static void fill_key(uint8_t (*field)[MESSAGE_KEY_SIZE])
{
    memset(*field, 0x5a, sizeof(*field));
}

static void fill_ticket_key(uint8_t (*field)[MESSAGE_TICKET_KEY_SIZE])
{
    memset(*field, 0xa5, sizeof(*field));
}

static void fill_fd(int *field)
{
    *field = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(*field > 0);
}

#define FILL_FIELD(kind, name) fill_##kind(&out->name);
#define FILL_MESSAGE(message_type, member, fields, secrecy)                                        \
    static void fill_message_##member(struct message *message)                                     \
    {                                                                                              \
        struct message_##member *out UNUSED = &message->member;                                    \
        fields(FILL_FIELD)                                                                         \
    }
MESSAGE_TABLE(FILL_MESSAGE)

#define FILL_ENTRY(message_type, member, fields, secrecy) [message_type] = fill_message_##member,
static void (*const fill[MESSAGE_COUNT])(struct message *message) = {MESSAGE_TABLE(FILL_ENTRY)};

struct encoded {
    struct buffer bytes;
    int descriptors[CHANNEL_DESCRIPTORS_MAX];
    size_t count;
};

static void encode(const struct message *message, struct encoded *out)
{
    buffer_init(&out->bytes, ENCODING_MAX);
    assert_int_equal(message_encode(message, &out->bytes, out->descriptors, &out->count), OK);
}

static void encode_sample(enum message_type type, struct encoded *out)
{
    struct message message = {.type = type};

    fill[type](&message);
    encode(&message, out);
}

static void encoded_clear(struct encoded *encoded)
{
    for (size_t i = 0; i < encoded->count; i++) {
        if (encoded->descriptors[i] >= 0)
            close(encoded->descriptors[i]);
    }
    buffer_clear(&encoded->bytes);
}

static void every_message_comes_back_as_it_was(void **state UNUSED)
{
    for (unsigned type = 0; type < MESSAGE_COUNT; type++) {
        struct encoded first, second;
        struct message decoded;

        encode_sample(type, &first);
        assert_int_equal(
            message_decode(buffer_view(&first.bytes), first.descriptors, first.count, &decoded),
            OK);
        assert_int_equal(decoded.type, type);
        encode(&decoded, &second);
        assert_int_equal(second.count, first.count);
        assert_true(slice_equals(buffer_view(&first.bytes), buffer_view(&second.bytes)));
        second.count = 0; /* they belong to the message */
        message_clear(&decoded);
        encoded_clear(&second);
        encoded_clear(&first);
    }
}

static void expect_refused(struct encoded *encoded, struct slice bytes, size_t count)
{
    struct message decoded;
    int descriptors[CHANNEL_DESCRIPTORS_MAX];

    for (size_t i = 0; i < count; i++)
        descriptors[i] = i < encoded->count ? dup(encoded->descriptors[i]) : dup(0);
    assert_int_equal(message_decode(bytes, descriptors, count, &decoded), ERR_SYNTAX);
    for (size_t i = 0; i < count; i++) {
        if (descriptors[i] >= 0)
            close(descriptors[i]);
    }
}

static void a_message_cut_anywhere_is_refused(void **state UNUSED)
{
    for (unsigned type = 0; type < MESSAGE_COUNT; type++) {
        struct encoded encoded;

        encode_sample(type, &encoded);
        struct slice bytes = buffer_view(&encoded.bytes);
        for (size_t len = 0; len < bytes.len; len++)
            expect_refused(&encoded, slice_take(bytes, len), encoded.count);
        encoded_clear(&encoded);
    }
}

static void bytes_after_the_end_are_refused(void **state UNUSED)
{
    for (unsigned type = 0; type < MESSAGE_COUNT; type++) {
        struct encoded encoded;

        encode_sample(type, &encoded);
        assert_int_equal(buffer_append_byte(&encoded.bytes, '\0'), OK);
        expect_refused(&encoded, buffer_view(&encoded.bytes), encoded.count);
        encoded_clear(&encoded);
    }
}

static void a_descriptor_too_many_or_too_few_is_refused(void **state UNUSED)
{
    for (unsigned type = 0; type < MESSAGE_COUNT; type++) {
        struct encoded encoded;

        encode_sample(type, &encoded);
        expect_refused(&encoded, buffer_view(&encoded.bytes), encoded.count + 1);
        if (encoded.count > 0)
            expect_refused(&encoded, buffer_view(&encoded.bytes), encoded.count - 1);
        encoded_clear(&encoded);
    }
}

static void an_unknown_type_is_refused(void **state UNUSED)
{
    const char bytes[] = {(char)MESSAGE_COUNT, (char)0xff};
    struct encoded none = {.count = 0};

    expect_refused(&none, slice_of(bytes, 1), 0);
    expect_refused(&none, slice_of(bytes + 1, 1), 0);
    expect_refused(&none, SLICE_NONE, 0);
}

static void a_host_that_is_not_canonical_is_refused(void **state UNUSED)
{
    struct encoded encoded;

    encode_sample(MESSAGE_MINT, &encoded);
    struct slice bytes = buffer_view(&encoded.bytes);
    char *host = (char *)(uintptr_t)bytes.data + slice_find_slice(bytes, SLICE("api.example.com"));
    *host = 'A';
    expect_refused(&encoded, bytes, 0);
    *host = '_';
    expect_refused(&encoded, bytes, 0);
    encoded_clear(&encoded);
}

static void a_code_out_of_range_is_refused(void **state UNUSED)
{
    struct encoded encoded;

    encode_sample(MESSAGE_VALUES_DONE, &encoded);
    struct slice bytes = buffer_view(&encoded.bytes);
    ((char *)(uintptr_t)bytes.data)[bytes.len - 1] = (char)ERROR_COUNT;
    expect_refused(&encoded, bytes, 0);
    encoded_clear(&encoded);
}

static void what_is_over_its_limit_is_not_encoded(void **state UNUSED)
{
    static char text[MESSAGE_TEXT_MAX + 1];
    struct message message = {.type = MESSAGE_ACTIVITY,
                              .activity = {.sandbox_id = {text, sizeof(text)}}};
    struct encoded encoded;

    buffer_init(&encoded.bytes, ENCODING_MAX);
    assert_int_equal(message_encode(&message, &encoded.bytes, encoded.descriptors, &encoded.count),
                     ERR_TOO_LARGE);
    buffer_clear(&encoded.bytes);
}

static void only_keys_and_values_are_bound_to_stay_inline(void **state UNUSED)
{
    for (unsigned type = 0; type < MESSAGE_COUNT; type++) {
        bool is_secret = type == MESSAGE_VIEW_KEY || type == MESSAGE_DECLARE_VALUE ||
                         type == MESSAGE_FIRST_KEY || type == MESSAGE_VALUE ||
                         type == MESSAGE_TICKET_KEY || type == MESSAGE_PROXY_CREDENTIALS ||
                         type == MESSAGE_CLIENT_CERTIFICATE;
        assert_int_equal(message_secrecy(type),
                         is_secret ? CHANNEL_INLINE_ONLY : CHANNEL_MAY_USE_FILE);
    }
}

static void clearing_closes_what_nobody_took(void **state UNUSED)
{
    struct encoded encoded;
    struct message decoded;

    encode_sample(MESSAGE_SHARED_PAGES, &encoded);
    assert_int_equal(
        message_decode(buffer_view(&encoded.bytes), encoded.descriptors, encoded.count, &decoded),
        OK);
    int taken = message_take_fd(&decoded.shared_pages.metrics);
    int left = decoded.shared_pages.counts;
    message_clear(&decoded);
    assert_int_equal(fcntl(taken, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(left, F_GETFD), -1);
    close(taken);
    encoded_clear(&encoded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_comes_back_as_it_was),
        cmocka_unit_test(a_message_cut_anywhere_is_refused),
        cmocka_unit_test(bytes_after_the_end_are_refused),
        cmocka_unit_test(a_descriptor_too_many_or_too_few_is_refused),
        cmocka_unit_test(an_unknown_type_is_refused),
        cmocka_unit_test(a_host_that_is_not_canonical_is_refused),
        cmocka_unit_test(a_code_out_of_range_is_refused),
        cmocka_unit_test(what_is_over_its_limit_is_not_encoded),
        cmocka_unit_test(only_keys_and_values_are_bound_to_stay_inline),
        cmocka_unit_test(clearing_closes_what_nobody_took),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
