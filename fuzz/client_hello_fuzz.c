/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes: what they say does not depend on the pieces that they come in, and where OpenSSL reads
 * a ClientHello of ours at all, it reads the same name. */
#include "proxy/client/client_hello.h"

#include "base/compiler.h"

#include <openssl/ssl.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER_OF_NAME = 5 };

/* What OpenSSL says of the same bytes. */
struct opinion {
    bool was_asked, has_name;
    char name[512];
    size_t name_len;
};

static void must(bool fact)
{
    if (!fact)
        abort();
}

static int on_client_hello(SSL *ssl, UNUSED int *alert, UNUSED void *argument)
{
    struct opinion *opinion = SSL_get_app_data(ssl);
    const unsigned char *extension;
    size_t len;

    opinion->was_asked = true;
    opinion->has_name =
        SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &extension, &len) == 1;
    if (opinion->has_name && len >= HEADER_OF_NAME &&
        len - HEADER_OF_NAME < sizeof(opinion->name)) {
        opinion->name_len = len - HEADER_OF_NAME;
        memcpy(opinion->name, extension + HEADER_OF_NAME, opinion->name_len);
    }
    return SSL_CLIENT_HELLO_ERROR; /* no more is wanted */
}

static void ask_openssl(struct slice bytes, struct opinion *out)
{
    static SSL_CTX *context;

    if (context == NULL) {
        context = SSL_CTX_new(TLS_server_method());
        SSL_CTX_set_client_hello_cb(context, on_client_hello, NULL);
    }
    SSL *ssl = SSL_new(context);
    BIO *in = BIO_new_mem_buf(bytes.data, (int)bytes.len), *drain = BIO_new(BIO_s_null());
    must(ssl != NULL && in != NULL && drain != NULL);
    SSL_set_app_data(ssl, out);
    SSL_set_bio(ssl, in, drain);
    (void)SSL_accept(ssl);
    SSL_free(ssl);
}

static void compare(const struct client_hello *hello, struct slice bytes)
{
    struct opinion opinion = {0};
    struct host_name name;

    ask_openssl(bytes, &opinion);
    if (!opinion.was_asked)
        return; /* it is stricter in something else */
    must(opinion.has_name == (hello->name != CLIENT_HELLO_NO_NAME));
    if (hello->name != CLIENT_HELLO_HOST)
        return;
    must(host_name_parse(slice_of(opinion.name, opinion.name_len), &name) == OK);
    must(host_name_equals(&name, &hello->host));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = slice_of(data, size);
    struct client_hello at_once = {0}, in_pieces = {0};
    enum client_hello_status status = CLIENT_HELLO_INCOMPLETE;
    enum client_hello_status whole = client_hello_parse(&at_once, bytes);

    for (size_t len = 0; len < size && status == CLIENT_HELLO_INCOMPLETE; len += 1 + len / 7)
        status = client_hello_parse(&in_pieces, slice_take(bytes, len));
    if (status == CLIENT_HELLO_INCOMPLETE)
        status = client_hello_parse(&in_pieces, bytes);
    must(status == whole && in_pieces.name == at_once.name);
    if (whole == CLIENT_HELLO_COMPLETE)
        compare(&at_once, bytes);
    return 0;
}
