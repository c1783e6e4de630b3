/* SPDX-License-Identifier: Apache-2.0 */
/* Makes environments. Never puts anything of a secret in but its token. */

#include "control/environment.h"

/* Lower case too: curl and libcurl's users read only that for http. */
static const char *const proxy_variables[] = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY",
                                              "http_proxy", "https_proxy", "all_proxy"};
static const char *const bypass_variables[] = {"NO_PROXY", "no_proxy"};
static const char bypass[] = "localhost,127.0.0.1,::1";
static const char *const ca_variables[] = {
    "SSL_CERT_FILE",      "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",     "PIP_CERT",
    "AWS_CA_BUNDLE",      "CARGO_HTTP_CAINFO",
    "DENO_CERT",          "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "HTTPLIB2_CA_CERTS",  "NIX_SSL_CERT_FILE",
    "NPM_CONFIG_CAFILE", /* for who has another in a npmrc */
};

enum { PROXY_PORT_DEFAULT = 3128, PROXY_URL_MAX = 1024 };

static enum error append_proxy_host(const struct control_settings *settings, struct buffer *out)
{
    char text[IP_ADDRESS_TEXT_MAX];
    struct slice host = SLICE("127.0.0.1");
    bool is_ipv6 = false;
    if (settings->proxy_advertise_name.len > 0) {
        host = host_name_view(&settings->proxy_advertise_name);
        is_ipv6 = settings->proxy_advertise_name.literal.len == 16;
    } else if (settings->proxy_advertise.address.len > 0) {
        host = ip_address_format(&settings->proxy_advertise.address, text);
        is_ipv6 = settings->proxy_advertise.address.len == 16;
    }
    if (is_ipv6)
        TRY(buffer_append_byte(out, '['));
    TRY(buffer_append(out, host));
    if (is_ipv6)
        TRY(buffer_append_byte(out, ']'));
    TRY(buffer_append_byte(out, ':'));
    unsigned port = settings->proxy_advertise.port;
    return buffer_append_u64(out, port > 0 ? port : PROXY_PORT_DEFAULT);
}

enum error environment_proxy_url(const struct control *control, const struct sandbox *sandbox,
                                 struct arena *arena, struct slice *out)
{
    OWNED_STRUCT(buffer) *url = &(struct buffer){.limit = PROXY_URL_MAX};
    TRY(buffer_append(url, SLICE("http://")));
    TRY(buffer_append(url, sandbox->id));
    TRY(buffer_append_byte(url, ':'));
    TRY(buffer_append(url, sandbox->proxy_token));
    TRY(buffer_append_byte(url, '@'));
    TRY(append_proxy_host(&control->settings, url));
    return arena_copy(arena, buffer_view(url), out);
}

static void set_each(json_t **object, const char *const *names, size_t count, struct slice text)
{
    for (size_t i = 0; i < count; i++)
        output_set(object, names[i], output_text(text));
}

static void set_proxy(json_t **object, const struct control *control, const struct sandbox *sandbox)
{
    struct arena arena;
    struct slice url = SLICE_NONE;
    arena_init(&arena);
    if (environment_proxy_url(control, sandbox, &arena, &url) != OK)
        json_decref(TAKE(*object));
    set_each(object, proxy_variables, ARRAY_LEN(proxy_variables), url);
    set_each(object, bypass_variables, ARRAY_LEN(bypass_variables), slice_from_string(bypass));
    output_set(object, "NODE_USE_ENV_PROXY", json_string("1"));
    arena_clear(&arena);
}

static void set_ca(json_t **object, const struct control_settings *settings)
{
    OWNED_STRUCT(buffer) *path = &(struct buffer){.limit = 8192};
    enum error error = settings->ca_path.len > 0 ? buffer_append(path, settings->ca_path)
                                                 : buffer_append(path, settings->data_dir);
    if (error == OK && settings->ca_path.len == 0)
        error = buffer_append(path, SLICE("/ca-bundle.pem"));
    if (error != OK)
        json_decref(TAKE(*object));
    set_each(object, ca_variables, ARRAY_LEN(ca_variables), buffer_view(path));
}

static void set_token(json_t **object, const struct view_data_secret *secret)
{
    char text[TOKEN_TEXT_LEN];
    token_format(&secret->token, text);
    if (*object != NULL && json_object_setn_new(*object, secret->name.data, secret->name.len,
                                                json_stringn(text, sizeof text)) != 0)
        json_decref(TAKE(*object));
}

static void set_own(json_t **object, struct slice envs)
{
    json_t *own = output_stored_object(envs);
    if (*object != NULL && (own == NULL || json_object_update(*object, own) != 0))
        json_decref(TAKE(*object));
    json_decref(own);
}

json_t *environment_build(const struct control *control, const struct view_data *data)
{
    json_t *object = json_object();
    set_proxy(&object, control, &data->sandbox);
    set_ca(&object, &control->settings);
    for (size_t i = 0; i < data->secret_count; i++)
        set_token(&object, &data->secrets[i]);
    set_own(&object, data->sandbox.envs);
    return object;
}
