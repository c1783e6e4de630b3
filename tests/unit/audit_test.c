/* SPDX-License-Identifier: Apache-2.0 */
/* Audit lines: what is in them, and that nothing hostile gets out of them. */
#include "observe/audit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <jansson.h>

static inline void release_json(json_t *json)
{
    json_decref(json);
}
DEFINE_OWNED(json_t, release_json)

static json_t *format_and_load(const struct audit_record *record)
{
    OWNED_STRUCT(buffer) *line = &(struct buffer){.limit = 1 << 20};

    assert_int_equal(audit_format(record, line), OK);
    struct slice text = buffer_view(line);
    assert_int_equal(slice_find(text, '\n'), text.len - 1);
    json_t *json = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    return json;
}

static void a_full_record_has_every_field_in_the_order_of_the_docs(void **state)
{
    const struct slice stores[] = {SLICE_INIT("base"), SLICE_INIT("mine")};
    const struct slice secrets[] = {SLICE_INIT("API_KEY")};
    const struct audit_record record = {
        .time_ms = 1767323045006,
        .sandbox = SLICE("sb-1"),
        .org = SLICE("org-1"),
        .stores = stores,
        .store_count = ARRAY_LEN(stores),
        .client = SLICE("127.0.0.1:5000"),
        .protocol = SLICE("HTTP/1.1"),
        .method = SLICE("GET"),
        .scheme = SLICE("https"),
        .host = SLICE("api.example.com"),
        .port = 443,
        .path = SLICE("/v1/x"),
        .decision = SLICE("refused"),
        .code = SLICE("host_not_allowed"),
        .secrets = secrets,
        .secret_count = ARRAY_LEN(secrets),
        .status = 403,
        .bytes_in = 1,
        .bytes_out = UINT64_MAX,
        .duration_ms = 7,
        .upstream = SLICE("203.0.113.7:443"),
    };
    OWNED_STRUCT(buffer) *line = &(struct buffer){.limit = 4096};

    (void)state;
    assert_int_equal(audit_format(&record, line), OK);
    assert_int_equal(buffer_append_byte(line, '\0'), OK);
    assert_string_equal(
        line->data,
        "{\"time\":\"2026-01-02T03:04:05.006Z\",\"sandbox\":\"sb-1\",\"org\":\"org-1\","
        "\"stores\":[\"base\",\"mine\"],\"client\":\"127.0.0.1:5000\",\"protocol\":\"HTTP/1.1\","
        "\"method\":\"GET\",\"scheme\":\"https\",\"host\":\"api.example.com\",\"port\":443,"
        "\"path\":\"/v1/x\",\"decision\":\"refused\",\"code\":\"host_not_allowed\","
        "\"secrets\":[\"API_KEY\"],\"status\":403,\"bytes_in\":1,"
        "\"bytes_out\":18446744073709551615,\"duration_ms\":7,"
        "\"upstream\":\"203.0.113.7:443\"}\n");
}

static void empty_fields_are_left_out_and_lists_are_not(void **state)
{
    OWNED_STRUCT(buffer) *line = &(struct buffer){.limit = 4096};

    (void)state;
    assert_int_equal(audit_format(&(struct audit_record){0}, line), OK);
    assert_int_equal(buffer_append_byte(line, '\0'), OK);
    assert_string_equal(line->data, "{\"time\":\"1970-01-01T00:00:00.000Z\",\"stores\":[],"
                                    "\"secrets\":[],\"bytes_in\":0,\"bytes_out\":0,"
                                    "\"duration_ms\":0}\n");
}

static void the_end_of_time_is_a_time(void **state)
{
    OWNED(json_t) *json = format_and_load(&(struct audit_record){.time_ms = UINT64_MAX});

    (void)state;
    assert_string_equal(json_string_value(json_object_get(json, "time")),
                        "9999-12-31T23:59:59.999Z");
}

#define REPLACED "\xef\xbf\xbd"

static void hostile_bytes_stay_inside_their_string(void **state)
{
    const struct {
        struct slice raw;
        const char *read_back;
    } cases[] = {
        {SLICE("/plain?"), "/plain?"},
        {SLICE("/\",\"code\":\"x"), "/\",\"code\":\"x"},
        {SLICE("/\\\"\\"), "/\\\"\\"},
        {SLICE("/\r\n{\"a\":1}\n"), "/\r\n{\"a\":1}\n"},
        {SLICE("/\x1b[2J\x7f"), "/\x1b[2J\x7f"},
        {SLICE("/\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), "/\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
        {SLICE("/\xe2\x80\xa8\xc2\x85"), "/\xe2\x80\xa8\xc2\x85"},
        {SLICE("/\xff"), "/" REPLACED},
        {SLICE("/\xc3"), "/" REPLACED},
        {SLICE("/\xc3(x"), "/" REPLACED "(x"},
        {SLICE("/\xc0\xaf"), "/" REPLACED REPLACED},                           /* overlong */
        {SLICE("/\xed\xa0\x80"), "/" REPLACED REPLACED REPLACED},              /* a surrogate */
        {SLICE("/\xf4\x90\x80\x80"), "/" REPLACED REPLACED REPLACED REPLACED}, /* beyond Unicode */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        OWNED(json_t) *json = format_and_load(&(struct audit_record){.path = cases[i].raw});
        assert_string_equal(json_string_value(json_object_get(json, "path")), cases[i].read_back);
    }
}

static void no_line_of_any_reader_ends_inside_a_record(void **state)
{
    OWNED_STRUCT(buffer) *line = &(struct buffer){.limit = 4096};
    const struct slice breaks = SLICE("\n\r\v\f\x1c\x1d\x1e\xc2\x85\xe2\x80\xa8\xe2\x80\xa9");

    (void)state;
    assert_int_equal(audit_format(&(struct audit_record){.path = breaks}, line), OK);
    for (size_t i = 0; i + 1 < buffer_len(line); i++)
        assert_in_range((uint8_t)line->data[i], 0x20, 0x7E);
}

static void a_nul_byte_is_kept_as_an_escape(void **state)
{
    OWNED_STRUCT(buffer) *line = &(struct buffer){.limit = 4096};

    (void)state;
    assert_int_equal(audit_format(&(struct audit_record){.path = SLICE("/a\0b")}, line), OK);
    struct slice text = buffer_view(line);
    assert_true(slice_find_slice(text, SLICE("\"/a\\u0000b\"")) < text.len);
}

static size_t length_of_path(struct slice path)
{
    OWNED(json_t) *json = format_and_load(&(struct audit_record){.path = path});

    return json_string_length(json_object_get(json, "path"));
}

static void the_path_is_cut_between_characters(void **state)
{
    static char path[5000];

    (void)state;
    memset(path, 'a', sizeof(path));
    assert_int_equal(length_of_path(slice_of(path, 2048)), 2048);
    assert_int_equal(length_of_path(slice_of(path, sizeof(path))), 2048);
    memcpy(path + 2047, "\xc3\xa4", 2);
    assert_int_equal(length_of_path(slice_of(path, sizeof(path))), 2047);
    memcpy(path + 2045, "\xf0\x9f\x98\x80", 4);
    assert_int_equal(length_of_path(slice_of(path, sizeof(path))), 2045);
    memcpy(path + 2044, "\xf0\x9f\x98\x80", 4);
    assert_int_equal(length_of_path(slice_of(path, sizeof(path))), 2048);
}

static void other_texts_are_cut_too(void **state)
{
    static char method[5000];

    (void)state;
    memset(method, 'M', sizeof(method));
    OWNED(json_t) *json =
        format_and_load(&(struct audit_record){.method = slice_of(method, sizeof(method))});
    assert_int_equal(json_string_length(json_object_get(json, "method")), 512);
}

static void a_record_that_does_not_fit_leaves_nothing_behind(void **state)
{
    OWNED_STRUCT(buffer) *line = &(struct buffer){.limit = 64};

    (void)state;
    assert_int_equal(buffer_append(line, SLICE("before")), OK);
    assert_int_equal(audit_format(&(struct audit_record){0}, line), ERR_TOO_LARGE);
    assert_true(slice_equals(buffer_view(line), SLICE("before")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_record_has_every_field_in_the_order_of_the_docs),
        cmocka_unit_test(empty_fields_are_left_out_and_lists_are_not),
        cmocka_unit_test(the_end_of_time_is_a_time),
        cmocka_unit_test(hostile_bytes_stay_inside_their_string),
        cmocka_unit_test(no_line_of_any_reader_ends_inside_a_record),
        cmocka_unit_test(a_nul_byte_is_kept_as_an_escape),
        cmocka_unit_test(the_path_is_cut_between_characters),
        cmocka_unit_test(other_texts_are_cut_too),
        cmocka_unit_test(a_record_that_does_not_fit_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
