/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a ClientHello is for, however it arrives; what is none is refused. */
#include "proxy/client/client_hello.h"

#include "base/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { WHOLE_RECORD = 1 << 14, ROOM = 256 * 1024 };

/* What a test wants to be different from a good one. */
struct recipe {
    const char *name;       /* of the SNI; NULL: no such extension */
    size_t padding;         /* bytes of one more extension */
    size_t record;          /* the message is cut into records of this length; 0: one */
    bool has_no_extensions; /* ends after the compression methods */
    bool repeats_extension; /* two of a kind */
    bool has_odd_ciphers;   /* a list of three bytes */
    bool has_two_names;     /* in one list */
    bool has_ech;           /* encrypted_client_hello, before the name */
    uint8_t name_kind;      /* 0: host_name */
    uint8_t message_kind;   /* 0: ClientHello */
    int surplus;            /* bytes of the message that its length does not count */
    uint8_t session_id_len;
};

static void write_block(struct wire_writer *out, size_t len_size, struct slice bytes)
{
    if (len_size == 1)
        wire_write_u8(out, (uint8_t)bytes.len);
    else
        wire_write_u16(out, (uint16_t)bytes.len);
    wire_write_raw(out, bytes.data, bytes.len);
}

static void write_extension(struct wire_writer *out, uint16_t kind, struct slice content)
{
    wire_write_u16(out, kind);
    write_block(out, 2, content);
}

static void write_server_name(const struct recipe *recipe, struct wire_writer *out)
{
    struct buffer list = {.limit = ROOM};
    struct wire_writer writer = wire_writer_of(&list);
    struct buffer content = {.limit = ROOM};
    struct wire_writer content_writer = wire_writer_of(&content);

    for (int i = 0; i < 1 + recipe->has_two_names; i++) {
        wire_write_u8(&writer, recipe->name_kind);
        write_block(&writer, 2, slice_from_string(recipe->name));
    }
    write_block(&content_writer, 2, buffer_view(&list));
    write_extension(out, 0, buffer_view(&content));
    buffer_clear(&list);
    buffer_clear(&content);
}

static void write_extensions(const struct recipe *recipe, struct wire_writer *out)
{
    static const char zeros[ROOM];
    struct buffer all = {.limit = ROOM};
    struct wire_writer writer = wire_writer_of(&all);

    write_extension(&writer, 43, SLICE("\2\3\4"));
    if (recipe->repeats_extension)
        write_extension(&writer, 43, SLICE("\2\3\4"));
    if (recipe->padding > 0)
        write_extension(&writer, 21, slice_of(zeros, recipe->padding));
    if (recipe->has_ech)
        write_extension(&writer, 0xfe0d, SLICE("\0\0\1\0\1\7\0\0\0\tinner.api"));
    if (recipe->name != NULL)
        write_server_name(recipe, &writer);
    write_block(out, 2, buffer_view(&all));
    buffer_clear(&all);
}

static void write_body(const struct recipe *recipe, struct buffer *out)
{
    static const char zeros[256];
    struct wire_writer writer = wire_writer_of(out);

    wire_write_u16(&writer, 0x0303);
    wire_write_raw(&writer, zeros, 32);
    write_block(&writer, 1, slice_of(zeros, recipe->session_id_len));
    write_block(&writer, 2, slice_of(zeros, recipe->has_odd_ciphers ? 3 : 4));
    write_block(&writer, 1, SLICE("\0"));
    if (!recipe->has_no_extensions)
        write_extensions(recipe, &writer);
    assert_int_equal(writer.error, OK);
}

static void write_message(const struct recipe *recipe, struct buffer *out)
{
    struct buffer body = {.limit = ROOM};
    struct wire_writer writer = wire_writer_of(out);

    write_body(recipe, &body);
    size_t len = buffer_len(&body) - (size_t)recipe->surplus;
    wire_write_u8(&writer, recipe->message_kind == 0 ? 1 : recipe->message_kind);
    wire_write_u8(&writer, (uint8_t)(len >> 16));
    wire_write_u16(&writer, (uint16_t)len);
    wire_write_raw(&writer, buffer_view(&body).data, buffer_len(&body));
    assert_int_equal(writer.error, OK);
    buffer_clear(&body);
}

static void write_records(const struct recipe *recipe, struct buffer *out)
{
    struct buffer message = {.limit = ROOM};
    struct wire_writer writer = wire_writer_of(out);

    write_message(recipe, &message);
    for (struct slice rest = buffer_view(&message); rest.len > 0;) {
        struct slice part = slice_take(rest, recipe->record > 0 ? recipe->record : WHOLE_RECORD);
        wire_write_u8(&writer, 22);
        wire_write_u16(&writer, 0x0301);
        write_block(&writer, 2, part);
        rest = slice_skip(rest, part.len);
    }
    assert_int_equal(writer.error, OK);
    buffer_clear(&message);
}

static const struct {
    const char *what;
    struct recipe recipe;
    enum client_hello_status status;
    enum client_hello_name name;
    const char *host;
} cases[] = {
    {"a name", {.name = "api.test"}, CLIENT_HELLO_COMPLETE, CLIENT_HELLO_HOST, "api.test"},
    {"a name in capitals",
     {.name = "API.Test"},
     CLIENT_HELLO_COMPLETE,
     CLIENT_HELLO_HOST,
     "api.test"},
    {"no name", {.name = NULL}, CLIENT_HELLO_COMPLETE, CLIENT_HELLO_NO_NAME, NULL},
    {"no extensions",
     {.has_no_extensions = true},
     CLIENT_HELLO_COMPLETE,
     CLIENT_HELLO_NO_NAME,
     NULL},
    {"a session to resume",
     {.name = "a.test", .session_id_len = 32},
     CLIENT_HELLO_COMPLETE,
     CLIENT_HELLO_HOST,
     "a.test"},
    {"post-quantum keys",
     {.name = "a.test", .padding = 1300},
     CLIENT_HELLO_COMPLETE,
     CLIENT_HELLO_HOST,
     "a.test"},
    {"a name in an encrypted hello: the outer one counts",
     {.name = "outer.test", .has_ech = true},
     CLIENT_HELLO_COMPLETE,
     CLIENT_HELLO_HOST,
     "outer.test"},
    {"nothing but an encrypted hello",
     {.name = NULL, .has_ech = true},
     CLIENT_HELLO_COMPLETE,
     CLIENT_HELLO_NO_NAME,
     NULL},
    {"more than a record holds",
     {.name = "a.test", .padding = 40000},
     CLIENT_HELLO_COMPLETE,
     CLIENT_HELLO_HOST,
     "a.test"},
    {"records of one byte",
     {.name = "a.test", .record = 1},
     CLIENT_HELLO_COMPLETE,
     CLIENT_HELLO_HOST,
     "a.test"},
    {"records of three bytes",
     {.name = "a.test", .record = 3},
     CLIENT_HELLO_COMPLETE,
     CLIENT_HELLO_HOST,
     "a.test"},
    /* names that are none */
    {"an address", {.name = "192.0.2.1"}, CLIENT_HELLO_COMPLETE, CLIENT_HELLO_BAD_NAME, NULL},
    {"an empty name", {.name = ""}, CLIENT_HELLO_COMPLETE, CLIENT_HELLO_BAD_NAME, NULL},
    {"an empty label", {.name = "a..test"}, CLIENT_HELLO_COMPLETE, CLIENT_HELLO_BAD_NAME, NULL},
    {"two names",
     {.name = "a.test", .has_two_names = true},
     CLIENT_HELLO_COMPLETE,
     CLIENT_HELLO_BAD_NAME,
     NULL},
    {"a name of another kind",
     {.name = "a.test", .name_kind = 1},
     CLIENT_HELLO_COMPLETE,
     CLIENT_HELLO_BAD_NAME,
     NULL},
    /* malformed */
    {"a ServerHello", {.name = "a.test", .message_kind = 2}, CLIENT_HELLO_MALFORMED, 0, NULL},
    {"two extensions of a kind", {.repeats_extension = true}, CLIENT_HELLO_MALFORMED, 0, NULL},
    {"half a cipher", {.has_odd_ciphers = true}, CLIENT_HELLO_MALFORMED, 0, NULL},
    {"bytes behind it in its record",
     {.name = "a.test", .surplus = 1},
     CLIENT_HELLO_MALFORMED,
     0,
     NULL},
    {"a message that ends too early",
     {.name = "a.test", .surplus = 40, .record = 100},
     CLIENT_HELLO_MALFORMED,
     0,
     NULL},
    {"an endless session id", {.session_id_len = 33}, CLIENT_HELLO_MALFORMED, 0, NULL},
    {"more than fits",
     {.name = "a.test", .padding = 65000, .record = 20},
     CLIENT_HELLO_MALFORMED,
     0,
     NULL},
};

static void check(size_t i, const struct client_hello *hello, enum client_hello_status status)
{
    if (status != cases[i].status || hello->name != cases[i].name)
        fail_msg("%s: status %d, name %d", cases[i].what, status, hello->name);
    if (cases[i].host != NULL)
        assert_string_equal(hello->host.text, cases[i].host);
}

static void a_greeting_says_whom_it_is_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buffer bytes = {.limit = ROOM};
        struct client_hello hello = {0};

        write_records(&cases[i].recipe, &bytes);
        check(i, &hello, client_hello_parse(&hello, buffer_view(&bytes)));
        buffer_clear(&bytes);
    }
}

static void it_does_not_matter_in_which_pieces_it_comes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buffer bytes = {.limit = ROOM};
        struct client_hello hello = {0};
        enum client_hello_status status = CLIENT_HELLO_INCOMPLETE;

        write_records(&cases[i].recipe, &bytes);
        for (size_t len = 0; status == CLIENT_HELLO_INCOMPLETE && len <= buffer_len(&bytes); len++)
            status = client_hello_parse(&hello, slice_take(buffer_view(&bytes), len));
        check(i, &hello, status);
        buffer_clear(&bytes);
    }
}

static void nothing_is_known_before_the_last_byte(void **state)
{
    const struct recipe recipe = {.name = "a.test", .padding = 20000, .record = 5000};
    struct buffer bytes = {.limit = ROOM};

    (void)state;
    write_records(&recipe, &bytes);
    for (size_t len = 0; len < buffer_len(&bytes); len += 977) {
        struct client_hello hello = {0};
        assert_int_equal(client_hello_parse(&hello, slice_take(buffer_view(&bytes), len)),
                         CLIENT_HELLO_INCOMPLETE);
    }
    buffer_clear(&bytes);
}

static void what_follows_in_later_records_is_not_looked_at(void **state)
{
    const struct recipe recipe = {.name = "a.test"};
    struct buffer bytes = {.limit = ROOM};
    struct client_hello hello = {0};

    (void)state;
    write_records(&recipe, &bytes);
    assert_int_equal(buffer_append(&bytes, SLICE("\x14\3\3\0\1\1 and anything")), OK);
    assert_int_equal(client_hello_parse(&hello, buffer_view(&bytes)), CLIENT_HELLO_COMPLETE);
    assert_string_equal(hello.host.text, "a.test");
    buffer_clear(&bytes);
}

static const struct slice no_records[] = {
    SLICE_INIT("\x17\3\1\0\1\1"),       /* application data */
    SLICE_INIT("\x16\2\1\0\1\1"),       /* SSL 2 */
    SLICE_INIT("\x16\3\1\0\0"),         /* an empty record */
    SLICE_INIT("\x16\3\1\x40\1\1"),     /* one byte more than a record may have */
    SLICE_INIT("\x16\3\1\0\4\1\1\0\1"), /* a message of 64 KiB and a byte */
};

static void what_is_no_record_of_a_greeting_is_refused_at_its_header(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(no_records); i++) {
        struct client_hello hello = {0};
        assert_int_equal(client_hello_parse(&hello, no_records[i]), CLIENT_HELLO_MALFORMED);
    }
}

static void an_alert_is_a_fatal_one_in_a_record_of_its_own(void **state)
{
    char bytes[CLIENT_HELLO_ALERT_SIZE];

    (void)state;
    assert_true(slice_equals(client_hello_format_alert(CLIENT_HELLO_UNRECOGNIZED_NAME, bytes),
                             SLICE("\x15\3\1\0\2\2\x70")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_greeting_says_whom_it_is_for),
        cmocka_unit_test(it_does_not_matter_in_which_pieces_it_comes),
        cmocka_unit_test(nothing_is_known_before_the_last_byte),
        cmocka_unit_test(what_follows_in_later_records_is_not_looked_at),
        cmocka_unit_test(what_is_no_record_of_a_greeting_is_refused_at_its_header),
        cmocka_unit_test(an_alert_is_a_fatal_one_in_a_record_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
