/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: text in, a value or the place of the error out. */
#include "process/config/config.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct config *parse(const char *text)
{
    struct config *config = NULL;
    struct config_error error = {0};

    if (config_parse(slice_from_string(text), SLICE("t.yaml"), &config, &error) != OK)
        fail_msg("%s", error.message);
    return config;
}

struct refused {
    const char *text;
    unsigned line;
    const char *key;
    const char *says; /* somewhere in the message */
};

static const struct refused refusals[] = {
    /* the file as a whole */
    {"data_dir: [", 2, "data_dir", "not valid YAML"},
    {"- a\n", 1, "", "expected a mapping"},
    {"just words", 1, "", "expected a mapping"},
    {"workers: 1\n---\nworkers: 2\n", 2, "", "only one YAML document"},
    {"workers: &w 1\n", 1, "workers", "anchors"},
    {"stores: *x\n", 1, "stores", "aliases"},
    {"? [a, b]\n: 1\n", 1, "", "a key must be a plain word"},
    {"a: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n", 1, "a", "nested too deeply"},
    /* keys */
    {"workers: 1\nworkers: 2\n", 2, "workers", "set twice, first on line 1"},
    {"worker: 1\n", 1, "worker", "did you mean \"workers\"?"},
    {"limits:\n  header_timout: 5s\n", 2, "limits.header_timout",
     "did you mean \"header_timeout\""},
    {"colour: blue\n", 1, "colour", "there is no such key"},
    {"limits: 5\n", 1, "limits", "expected a mapping of keys to values, found \"5\""},
    /* types and limits */
    {"workers: 0\n", 1, "workers", "auto, or a number from 1 to 256"},
    {"workers: 257\n", 1, "workers", "found \"257\""},
    {"workers: '4'\n", 1, "workers", "found \"4\""},
    {"workers: -1\n", 1, "workers", "found \"-1\""},
    {"workers: many\n", 1, "workers", "found \"many\""},
    {"default_deny: 'true'\n", 1, "default_deny", "expected true or false"},
    {"default_deny: yes\n", 1, "default_deny", "found \"yes\""},
    {"default_deny:\n", 1, "default_deny", "found nothing"},
    {"data_dir: var/lib\n", 1, "data_dir", "expected an absolute path"},
    {"data_dir: \"/a\\0b\"\n", 1, "data_dir", "found \"/a?b\""},
    {"data_dir: null\n", 1, "data_dir", "found nothing"},
    {"limits:\n  header_timeout: 5\n", 2, "limits.header_timeout", "expected a duration"},
    {"limits: { idle_timeout: 5d }\n", 1, "limits.idle_timeout", "found \"5d\""},
    {"limits: { idle_timeout: 25h }\n", 1, "limits.idle_timeout", "from 1s to 24h"},
    {"limits: { idle_timeout: 18446744073709551615h }\n", 1, "limits.idle_timeout", "expected"},
    {"limits: { header_bytes: 1MiB }\n", 1, "limits.header_bytes", "from 4096 to 65536"},
    {"limits: { connections_per_sandbox: 0 }\n", 1, "limits.connections_per_sandbox", "from 1"},
    {"limits: { streams_per_sandbox: 0 }\n", 1, "limits.streams_per_sandbox", "from 1"},
    {"limits: { requests_per_second: -1 }\n", 1, "limits.requests_per_second", "or 0 for"},
    {"limits: { request_burst: 0 }\n", 1, "limits.request_burst", "from 1"},
    {"limits: { header_fields: 201 }\n", 1, "limits.header_fields", "from 20 to 200"},
    {"limits: { uri_bytes: 33KiB }\n", 1, "limits.uri_bytes", "from 256 to 32768"},
    {"limits: { body_bytes: 1TiB }\n", 1, "limits.body_bytes", "such as 100MiB"},
    /* listeners */
    {"listen: { proxy: [] }\n", 1, "listen.proxy", "a list of 1 to 64"},
    {"listen: { proxy: 127.0.0.1:1 }\n", 1, "listen.proxy", "expected a list"},
    {"listen:\n  proxy:\n    - 127.0.0.1:1\n    - localhost:1\n", 4, "listen.proxy", "localhost:1"},
    {"listen: { control: ['::1:1'] }\n", 1, "listen.control", "an address and a port"},
    {"listen: { control: [127.0.0.1:99999] }\n", 1, "listen.control", "an address and a port"},
    {"listen: { control: [127.0.0.1:3128] }\n", 0, "", "name the same address"},
    {"listen: { transparent: [127.0.0.1] }\n", 1, "listen.transparent", "an address and a port"},
    {"listen: { transparent: [127.0.0.1:3128] }\n", 0, "", "listen.transparent name the same"},
    {"listen: { transparent: [127.0.0.1:1], dns: [127.0.0.1:1] }\n", 0, "",
     "listen.transparent and listen.dns name the same address"},
    {"listen: { dns: [127.0.0.1] }\n", 1, "listen.dns", "an address and a port"},
    {"listen: { dns: [127.0.0.1:3128] }\n", 0, "", "name the same address"},
    {"listen: { dns: [127.0.0.1:3180] }\n", 0, "", "name the same address"},
    {"listen: { advertise: proxy.internal }\n", 1, "listen.advertise", "host:port, or null"},
    /* upstream */
    {"upstream: { trust: [] }\n", 1, "upstream.trust", "a list of 1 to 64"},
    {"upstream: { trust: [extra.pem] }\n", 1, "upstream.trust", "absolute path of a PEM file"},
    {"upstream: { resolve: { 'a b': 1.2.3.4 } }\n", 1, "upstream.resolve.a b", "no host name"},
    {"upstream: { resolve: { 1.2.3.4: 1.2.3.4 } }\n", 1, "upstream.resolve.1.2.3.4",
     "no host name"},
    {"upstream: { resolve: { a.test: b.test } }\n", 1, "upstream.resolve.a.test", "an address"},
    {"upstream: { resolve: { a.test: 1.2.3.4:0 } }\n", 1, "upstream.resolve.a.test", "an address"},
    {"upstream: { resolve: { a.test: 1.2.3.4, A.test: 1.2.3.5 } }\n", 1, "upstream.resolve.A.test",
     "another spelling"},
    {"upstream: { allow_addresses: [10.0.0.1/8] }\n", 1, "upstream.allow_addresses",
     "without host bits"},
    {"upstream: { nameservers: [] }\n", 1, "upstream.nameservers", "system, or a list"},
    {"upstream: { nameservers: [dns.test] }\n", 1, "upstream.nameservers", "an address"},
    {"upstream: { proxy: corp:3128 }\n", 1, "upstream.proxy", "http://host:port"},
    {"upstream: { proxy: http://corp }\n", 1, "upstream.proxy", "http://host:port"},
    {"upstream: { proxy: https://corp:3128 }\n", 1, "upstream.proxy", "TLS is not supported"},
    {"upstream: { proxy: http://corp:3128/x }\n", 1, "upstream.proxy", "http://host:port"},
    {"upstream: { proxy: 'http://u:hunter2@corp:1' }\n", 1, "upstream.proxy",
     "a password never stands here"},
    {"upstream: { proxy: [] }\n", 1, "upstream.proxy", "http://host:port"},
    {"upstream:\n  proxy: { except: [] }\n", 2, "upstream.proxy", "\"url\" is missing"},
    {"upstream:\n  proxy:\n    url: http://corp:1\n    password: x\n", 4, "upstream.proxy.password",
     "no such key"},
    {"upstream:\n  proxy:\n    url: http://corp:1\n    credentials: corp.txt\n", 4,
     "upstream.proxy.credentials", "the absolute path"},
    {"upstream: { proxy: { url: 'http://corp:1', except: ['*'] } }\n", 1,
     "upstream.proxy.except[0]", "a host"},
    {"upstream: { proxy: { url: 'http://corp:1', except: [10.0.0.1/8] } }\n", 1,
     "upstream.proxy.except[0]", ""},
    {"upstream: { client_cert: [] }\n", 1, "upstream.client_cert", "a mapping"},
    {"upstream:\n  client_cert:\n    a.test: { cert: /c.pem }\n", 3, "upstream.client_cert.a.test",
     "{ cert: FILE, key: FILE }"},
    {"upstream: { client_cert: { a.test: { cert: c.pem } } }\n", 1,
     "upstream.client_cert.a.test.cert", "absolute path"},
    {"upstream: { client_cert: { a.test: { cert: /c, key: /k, stores: [] } } }\n", 1,
     "upstream.client_cert.a.test.stores", "1 to 16 ids"},
    {"upstream: { client_cert: { '*': { cert: /c, key: /k } } }\n", 1, "upstream.client_cert.*",
     "expected a host"},
    {"upstream: { client_cert: { '*.com': { cert: /c, key: /k } } }\n", 1,
     "upstream.client_cert.*.com", ""},
    {"upstream:\n  client_cert:\n    a.test: { cert: /c, key: /k }\n"
     "    A.test:\n      { cert: /c, key: /k }\n",
     4, "upstream.client_cert.A.test", "another spelling"},
    {"upstream: { trust_for: { a.test: /ca.pem } }\n", 1, "upstream.trust_for.a.test",
     "a list of 1 to 64"},
    {"upstream: { trust_for: { a.test: [] } }\n", 1, "upstream.trust_for.a.test", "1 to 64"},
    {"upstream: { trust_for: { a.test: [ca.pem] } }\n", 1, "upstream.trust_for.a.test",
     "absolute path"},
    {"upstream: { trust_for: { 'a b': [/ca.pem] } }\n", 1, "upstream.trust_for.a b", ""},
    {"database: postgresql://u@h/d\n", 1, "database", "not built yet"},
    {"database: mysql\n", 1, "database", "expected sqlite"},
    {"control_tls: { cert: /c.pem }\n", 1, "control_tls", "set both or neither"},
    {"audit: { file: audit.jsonl }\n", 1, "audit.file", "starts with DATA_DIR/"},
    {"audit: syslog\n", 1, "audit", "journald, stdout or none"},
    {"audit: {}\n", 1, "audit", "journald, stdout or none"},
    /* stores */
    {"stores: {}\n", 1, "stores", "a list of at most 1000 stores"},
    {"stores:\n  - egress: []\n", 2, "stores[0]", "\"name\" is missing"},
    {"stores: [{name: a}, {name: a}]\n", 1, "stores[1]", "this name already"},
    {"stores: [{name: ''}]\n", 1, "stores[0].name", "a name of 1 to 128"},
    {"stores:\n- name: a\n  egress:\n  - ok.test\n  - '*.com'\n", 5, "stores[0].egress[1]", ""},
    {"stores: [{name: a, egress: [[x]]}]\n", 1, "stores[0].egress[0]", "a text"},
    {"stores: [{name: a, passthroughHosts: ['*.test']}]\n", 1, "stores[0].passthroughHosts[0]", ""},
    {"stores: [{name: a, privateHosts: ['*.b.test']}]\n", 1, "stores[0].privateHosts[0]",
     "no wildcard"},
    {"stores: [{name: a, privateHosts: [b.test:443]}]\n", 1, "stores[0].privateHosts[0]",
     "no port"},
    {"stores: [{name: a, passthroughHosts: [b.test], secrets: {A: {from: env:A, hosts: "
     "[b.test]}}}]\n",
     1, "stores[0].secrets.A.hosts", "can carry no secret"},
    {"stores: [{name: a, secrets: {1A: {from: env:A}}}]\n", 1, "stores[0].secrets.1A",
     "named like an environment variable"},
    {"stores: [{name: a, secrets: {A: {hosts: [b.test]}}}]\n", 1, "stores[0].secrets.A",
     "\"from\" is missing"},
    {"stores: [{name: a, secrets: {A: {from: sk-live-1}}}]\n", 1, "stores[0].secrets.A.from",
     "a value itself never stands here"},
    {"stores: [{name: a, secrets: {A: {from: 'file:x'}}}]\n", 1, "stores[0].secrets.A.from",
     "file:/an/absolute/path"},
    {"stores: [{name: a, secrets: {A: {from: 'env:'}}}]\n", 1, "stores[0].secrets.A.from",
     "env:NAME"},
    {"stores: [{name: a, secrets: {A: {from: env:A, inject: [cookie]}}}]\n", 1,
     "stores[0].secrets.A.inject[0]", ""},
    {"stores: [{name: a, secrets: {A: {from: env:A, inject: []}}}]\n", 1,
     "stores[0].secrets.A.inject", "1 to 16 places"},
};

static void a_refusal_names_file_line_key_and_what_was_expected(void **state)
{
    unsigned failures = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        const struct refused *row = &refusals[i];
        struct config_error error = {0};
        struct config *config = NULL;
        enum error result =
            config_parse(slice_from_string(row->text), SLICE("t.yaml"), &config, &error);

        if (result != ERR_CONFIG || error.line != row->line || strcmp(error.key, row->key) != 0 ||
            strncmp(error.message, "t.yaml:", 7) != 0 || strstr(error.message, row->says) == NULL) {
            print_error("%s\n  gave %s, line %u, key %s: %s\n", row->text, error_name(result),
                        error.line, error.key, error.message);
            failures++;
        }
        config_free(config);
    }
    assert_int_equal(failures, 0);
}

static void a_value_written_in_place_of_its_source_is_not_repeated(void **state)
{
    struct config_error error = {0};
    struct config *config = NULL;

    (void)state;
    assert_int_equal(config_parse(SLICE("stores: [{name: a, secrets: {A: {from: sk-live-1}}}]"),
                                  SLICE("t.yaml"), &config, &error),
                     ERR_CONFIG);
    assert_null(strstr(error.message, "sk-live-1"));
}

static void no_file_at_all_gives_every_default(void **state)
{
    char path[64];

    (void)state;
    OWNED_STRUCT(config) *config = parse("");
    assert_string_equal(config->data_dir.data, "/var/lib/sealgate");
    assert_int_equal(config->workers, 0);
    assert_int_equal(config->listen_proxy.count, 1);
    assert_int_equal(config->listen_proxy.items[0].port, 3128);
    assert_int_equal(config->listen_control.items[0].port, 3180);
    assert_int_equal(config->advertise.port, 0);
    assert_true(config->trust_system);
    assert_int_equal(config->trust_files.count, 0);
    assert_int_equal(config->nameservers.count, 0);
    assert_false(config->default_deny);
    assert_int_equal(config->connections_per_sandbox, 512);
    assert_int_equal(config->header_bytes, 65536);
    assert_int_equal(config->drain_timeout_ms, 5000);
    assert_int_equal(config->connect_timeout_ms, 10000);
    assert_int_equal(config->header_timeout_ms, 30000);
    assert_int_equal(config->idle_timeout_ms, 600000);
    assert_int_equal(config->stores.count, 0);
    assert_int_equal(config_audit_path(config, path, sizeof(path)), OK);
    assert_string_equal(path, "/var/lib/sealgate/audit.jsonl");
    assert_int_equal(config_audit_path(config, path, 8), ERR_TOO_LARGE);
}

static void the_printed_defaults_parse_to_themselves(void **state)
{
    (void)state;
    OWNED_STRUCT(config) *config = parse(config_defaults());
    assert_int_equal(config->idle_timeout_ms, 600000);
}

static void an_empty_section_keeps_its_defaults(void **state)
{
    (void)state;
    OWNED_STRUCT(config) *config = parse("limits:\nlisten: ~\nstores:\n# nothing else\n");
    assert_int_equal(config->header_timeout_ms, 30000);
    assert_int_equal(config->listen_proxy.count, 1);
}

static void every_key_of_the_data_plane_is_read(void **state)
{
    (void)state;
    OWNED_STRUCT(config) *config =
        parse("workers: 3\n"
              "default_deny: true\n"
              "listen:\n"
              "  proxy: [0.0.0.0:1, '[::1]:2']\n"
              "  transparent: [0.0.0.0:3129, '[::]:3129']\n"
              "  dns: [127.0.0.1:53, '[::1]:53']\n"
              "  control: []\n"
              "  advertise: Proxy.Internal:99\n"
              "limits: { drain_timeout: 0s, connect_timeout: 500ms,\n"
              "          header_bytes: 32KiB, idle_timeout: 2h,\n"
              "          header_timeout: 1m,\n"
              "          connections_per_sandbox: 7,\n"
              "          streams_per_sandbox: 8, request_burst: 9,\n"
              "          requests_per_second: 10, uri_bytes: 1KiB,\n"
              "          header_fields: 20, body_bytes: 5GiB, body_rate: 11,\n"
              "          upstream_idle_timeout: 3s }\n"
              "control_tls: { cert: /c, key: /k }\n"
              "sandbox: { ca_path: /etc/ca.pem }\n");
    assert_int_equal(config->workers, 3);
    assert_true(config->default_deny);
    assert_int_equal(config->listen_proxy.count, 2);
    assert_int_equal(config->listen_proxy.items[1].address.len, 16);
    assert_int_equal(config->listen_transparent.count, 2);
    assert_int_equal(config->listen_transparent.items[1].port, 3129);
    assert_int_equal(config->listen_dns.count, 2);
    assert_int_equal(config->listen_dns.items[0].port, 53);
    assert_int_equal(config->listen_control.count, 0);
    assert_string_equal(config->advertise.host.text, "proxy.internal");
    assert_int_equal(config->advertise.port, 99);
    assert_int_equal(config->drain_timeout_ms, 0);
    assert_int_equal(config->connect_timeout_ms, 500);
    assert_int_equal(config->header_bytes, 32768);
    assert_int_equal(config->idle_timeout_ms, 7200000);
    assert_int_equal(config->header_timeout_ms, 60000);
    assert_int_equal(config->connections_per_sandbox, 7);
    assert_int_equal(config->streams_per_sandbox, 8);
    assert_int_equal(config->request_burst, 9);
    assert_int_equal(config->requests_per_second, 10);
    assert_int_equal(config->uri_bytes, 1024);
    assert_int_equal(config->header_fields, 20);
    assert_int_equal(config->body_bytes, (uint64_t)5 << 30);
    assert_int_equal(config->body_rate, 11);
    assert_int_equal(config->upstream_idle_timeout_ms, 3000);
    assert_string_equal(config->control_cert.data, "/c");
    assert_string_equal(config->control_key.data, "/k");
    assert_string_equal(config->sandbox_ca_path.data, "/etc/ca.pem");
}

static void quotes_make_no_difference_to_a_string(void **state)
{
    (void)state;
    OWNED_STRUCT(config) *config = parse("{\"database\": \"sqlite\", \"workers\": \"auto\",\n"
                                         " \"audit\": \"none\",\n"
                                         " \"limits\": {\"connect_timeout\": \"1s\"},\n"
                                         " \"upstream\": {\"trust\": [\"system\"],\n"
                                         "              \"nameservers\": \"system\"}}\n");
    assert_int_equal(config->workers, 0);
    assert_int_equal(config->audit_kind, CONFIG_AUDIT_NONE);
    assert_int_equal(config->connect_timeout_ms, 1000);
    assert_true(config->trust_system);
}

static void every_key_of_the_upstream_is_read(void **state)
{
    struct host_name host;

    (void)state;
    OWNED_STRUCT(config) *config =
        parse("upstream:\n"
              "  trust: [/a.pem, /b.pem]\n"
              "  resolve: { API.internal: 10.0.0.5, api.test: 127.0.0.1:8443,\n"
              "             six.test: '[::1]:443', bare.test: '::1' }\n"
              "  allow_addresses: [10.0.0.0/8, 192.168.1.1, 'fd00::/8']\n"
              "  nameservers: [1.1.1.1, 127.0.0.1:5353]\n");
    assert_false(config->trust_system);
    assert_int_equal(config->trust_files.count, 2);
    assert_int_equal(config->resolve.count, 4);
    assert_int_equal(config->resolve.items[0].to.port, 0);
    assert_int_equal(config->resolve.items[1].to.port, 8443);
    assert_int_equal(config->resolve.items[2].to.port, 443);
    assert_int_equal(config->resolve.items[3].to.address.len, 16);
    assert_int_equal(config->allow_addresses.count, 3);
    assert_int_equal(config->nameservers.items[0].port, 53);
    assert_int_equal(config->nameservers.items[1].port, 5353);

    assert_int_equal(host_name_parse(SLICE("api.internal."), &host), OK);
    assert_ptr_equal(config_find_resolve(config, &host), &config->resolve.items[0]);
    assert_int_equal(host_name_parse(SLICE("other.internal"), &host), OK);
    assert_null(config_find_resolve(config, &host));
}

static void a_declared_store_is_read_whole(void **state)
{
    (void)state;
    OWNED_STRUCT(config) *config =
        parse("stores:\n"
              "  - name: my-agent\n"
              "    egress: [api.anthropic.com, \"*.openai.com\"]\n"
              "    redactResponses: false\n"
              "    secrets:\n"
              "      ANTHROPIC_API_KEY: { from: env:SOURCE, hosts: [api.anthropic.com] }\n"
              "      GITHUB_TOKEN: { from: file:/run/gh, inject: ['header:authorization'] }\n"
              "  - name: other\n");
    const struct config_store *store = &config->stores.items[0];

    assert_int_equal(config->stores.count, 2);
    assert_string_equal(store->name.data, "my-agent");
    assert_string_equal(store->egress.items[1].data, "*.openai.com");
    assert_false(store->redact_responses);
    assert_int_equal(store->secret_count, 2);
    assert_int_equal(store->secrets[0].source_kind, CONFIG_SOURCE_ENV);
    assert_string_equal(store->secrets[0].source.data, "SOURCE");
    assert_string_equal(store->secrets[0].places.items[0].data, "header");
    assert_int_equal(store->secrets[1].source_kind, CONFIG_SOURCE_FILE);
    assert_string_equal(store->secrets[1].source.data, "/run/gh");
    assert_string_equal(store->secrets[1].places.items[0].data, "header:authorization");
    assert_int_equal(store->secrets[1].hosts.count, 0);
    assert_true(config->stores.items[1].redact_responses);
}

static void the_audit_goes_where_it_is_told(void **state)
{
    static const struct {
        const char *text;
        enum config_audit_kind kind;
        const char *path;
    } rows[] = {
        {"audit: { file: /var/log/a.jsonl }", CONFIG_AUDIT_FILE, "/var/log/a.jsonl"},
        {"audit: { file: DATA_DIR/x }\ndata_dir: /d", CONFIG_AUDIT_FILE, "/d/x"},
        {"audit: journald", CONFIG_AUDIT_JOURNALD, ""},
        {"audit: stdout", CONFIG_AUDIT_STDOUT, ""},
        {"audit: none", CONFIG_AUDIT_NONE, ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char path[64] = "untouched";
        OWNED_STRUCT(config) *config = parse(rows[i].text);

        assert_int_equal(config->audit_kind, rows[i].kind);
        assert_int_equal(config_audit_path(config, path, sizeof(path)), OK);
        assert_string_equal(path, rows[i].path);
    }
}

static void the_data_dir_can_be_overridden_by_an_absolute_path(void **state)
{
    char path[64];

    (void)state;
    OWNED_STRUCT(config) *config = parse("data_dir: /a");
    assert_int_equal(config_override_data_dir(config, SLICE("relative")), ERR_SYNTAX);
    assert_int_equal(config_override_data_dir(config, SLICE("/b")), OK);
    assert_int_equal(config_audit_path(config, path, sizeof(path)), OK);
    assert_string_equal(path, "/b/audit.jsonl");
}

static void through_the_proxy_goes_what_nothing_excepts(void **state)
{
    static const struct {
        const char *target;
        bool is_proxied;
    } rows[] = {
        {"api.test:443", true},     {"api.test:8443", true},   {"fixed.test:443", false},
        {"inside.test:443", false}, {"inside.test:9", false},  {"a.corp.test:443", false},
        {"corp.test:443", true},    {"only.test:8443", false}, {"only.test:443", true},
        {"10.1.2.3:443", false},    {"11.1.2.3:443", true},    {"[fd00::1]:443", false},
        {"192.0.2.1:443", false},
    };
    struct config *config = NULL;
    struct config_error error;

    (void)state;
    assert_int_equal(config_parse(SLICE("upstream:\n  resolve: { fixed.test: 10.0.0.1 }\n"
                                        "  proxy:\n    url: http://Corp.Test:3128/\n"
                                        "    except: [inside.test, '*.corp.test', only.test:8443,"
                                        " 10.0.0.0/8, 'fd00::/8', 192.0.2.1]\n"),
                                  SLICE("t"), &config, &error),
                     OK);
    assert_string_equal(config->upstream_proxy.address.host.text, "corp.test");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct authority target;

        assert_int_equal(authority_parse(slice_from_string(rows[i].target), 0, &target), OK);
        if (config_goes_through_proxy(config, &target) != rows[i].is_proxied)
            fail_msg("%s", rows[i].target);
    }
    config_free(config);
}

static void a_private_instance_goes_through_the_proxy_that_it_is_given_alone(void **state)
{
    struct config *config =
        parse("upstream:\n  resolve: { a.test: 10.0.0.5 }\n  allow_addresses: [10.0.0.0/8]\n"
              "  proxy: { url: http://corp.test:8080, except: [a.test] }\n");
    const struct config_private settings = {.upstream_proxy = SLICE("127.0.0.1:3128")};
    const struct config_private broken = {.upstream_proxy = SLICE("no host")};
    struct authority target;

    (void)state;
    assert_int_equal(config_make_private(config, &settings), OK);
    assert_string_equal(config->upstream_proxy.address.host.text, "127.0.0.1");
    assert_int_equal(config->upstream_proxy.address.port, 3128);
    assert_int_equal(config->resolve.count + config->allow_addresses.count, 0);
    assert_int_equal(authority_parse(SLICE("a.test"), 443, &target), OK);
    assert_true(config_goes_through_proxy(config, &target));
    assert_int_equal(config_make_private(config, &broken), ERR_SYNTAX);
    config_free(config);
}

static uint64_t route_tag(const char *text)
{
    OWNED_STRUCT(config) *config = parse(text);

    return config_route_tag(config);
}

static void another_way_to_origins_has_another_tag(void **state)
{
    static const char *const ways[] = {
        "",
        "upstream: { resolve: { a.test: 192.0.2.1 } }",
        "upstream: { resolve: { a.test: 192.0.2.2 } }",
        "upstream: { resolve: { a.test: '192.0.2.1:8443' } }",
        "upstream: { resolve: { b.test: 192.0.2.1 } }",
        "upstream: { allow_addresses: [10.0.0.0/8] }",
        "upstream: { allow_addresses: [10.0.0.0/9] }",
        "upstream: { nameservers: [192.0.2.53] }",
        "upstream: { proxy: 'http://p.test:3128' }",
        "upstream: { proxy: 'http://q.test:3128' }",
        "upstream: { proxy: { url: 'http://p.test:3128', except: [a.test] } }",
        "upstream: { proxy: { url: 'http://p.test:3128', except: [10.0.0.0/8] } }",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ways); i++)
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(route_tag(ways[i]), route_tag(ways[j]));
    assert_int_equal(route_tag(ways[1]), route_tag("upstream: { resolve: { a.test: 192.0.2.1 } }\n"
                                                   "limits: { idle_timeout: 1m }"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_way_to_origins_has_another_tag),
        cmocka_unit_test(a_private_instance_goes_through_the_proxy_that_it_is_given_alone),
        cmocka_unit_test(through_the_proxy_goes_what_nothing_excepts),
        cmocka_unit_test(a_refusal_names_file_line_key_and_what_was_expected),
        cmocka_unit_test(quotes_make_no_difference_to_a_string),
        cmocka_unit_test(a_value_written_in_place_of_its_source_is_not_repeated),
        cmocka_unit_test(no_file_at_all_gives_every_default),
        cmocka_unit_test(the_printed_defaults_parse_to_themselves),
        cmocka_unit_test(an_empty_section_keeps_its_defaults),
        cmocka_unit_test(every_key_of_the_data_plane_is_read),
        cmocka_unit_test(every_key_of_the_upstream_is_read),
        cmocka_unit_test(a_declared_store_is_read_whole),
        cmocka_unit_test(the_audit_goes_where_it_is_told),
        cmocka_unit_test(the_data_dir_can_be_overridden_by_an_absolute_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
