/* SPDX-License-Identifier: Apache-2.0 */
/* sealgate ca and keys: the certificate authority and the sealing keys, from outside. Neither
 * private half is ever here. */
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/output.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

static void print_fingerprint(const X509 *certificate)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (X509_digest(certificate, EVP_sha256(), digest, &len) != 1)
        return;
    fputs("sha256       ", stdout);
    for (unsigned i = 0; i < len; i++)
        printf("%s%02X", i == 0 ? "" : ":", digest[i]);
    putchar('\n');
}

static void print_certificate(const X509 *certificate)
{
    BIO *out = BIO_new_fp(stdout, BIO_NOCLOSE);

    if (out == NULL)
        return;
    BIO_puts(out, "subject      ");
    X509_NAME_print_ex(out, X509_get_subject_name(certificate), 0, XN_FLAG_ONELINE);
    BIO_puts(out, "\nvalid from   ");
    ASN1_TIME_print(out, X509_get0_notBefore(certificate));
    BIO_puts(out, "\nvalid until  ");
    ASN1_TIME_print(out, X509_get0_notAfter(certificate));
    BIO_puts(out, "\n");
    BIO_flush(out);
    BIO_free(out);
    print_fingerprint(certificate);
}

static enum cli_status print_certificates(const char *pem)
{
    BIO *in = BIO_new_mem_buf(pem, -1);
    unsigned count = 0;

    for (X509 *certificate = NULL;
         in != NULL && (certificate = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL; count++) {
        if (count > 0)
            putchar('\n');
        print_certificate(certificate);
        X509_free(certificate);
    }
    BIO_free(in);
    return count > 0 ? CLI_DONE : cli_fail("the answer holds no certificate");
}

static enum cli_status ca_show(struct cli *cli)
{
    char *pem = api_get_text(cli, "/ca.pem");

    if (pem == NULL)
        return CLI_FAILED;
    enum cli_status status = CLI_DONE;
    if (output_is_json(cli)) {
        json_t *object = json_pack("{s:s}", "pem", pem);

        output_json(object);
        json_decref(object);
    } else {
        status = print_certificates(pem);
    }
    free(pem);
    return status;
}

static enum cli_status write_text(const char *path, const char *text)
{
    FILE *file = path == NULL ? stdout : fopen(path, "we");

    if (file == NULL)
        return cli_fail("cannot write %s: %s", path, strerror(errno));
    bool is_written = fputs(text, file) >= 0;
    is_written &= (file == stdout ? fflush(file) : fclose(file)) == 0;
    return is_written ? CLI_DONE : cli_fail("writing failed: %s", strerror(errno));
}

static enum cli_status ca_export(struct cli *cli)
{
    char *pem = api_get_text(cli, cli_has(cli, "bundle") ? "/ca-bundle.pem" : "/ca.pem");

    if (pem == NULL)
        return CLI_FAILED;
    enum cli_status status = write_text(cli_option(cli, "output"), pem);
    free(pem);
    return status;
}

static enum cli_status ca_rotate(struct cli *cli)
{
    const struct api_path path = api_path("ca", "rotate", NULL);

    return output_done(
        cli, api_call(cli, "POST", &path, json_object()),
        "A new root signs from now on. Both roots are published: let sandboxes fetch "
        "the bundle again.");
}

static enum cli_status keys_show(struct cli *cli)
{
    static const struct output_column columns[] = {
        {"key id", "keyId"}, {"public key", "publicKey"}, {"format", "format"}};
    const struct api_path path =
        cli->argument_count > 0
            ? api_path("secret-stores", cli_argument(cli, 0), "sealing-key", NULL)
            : api_path("keys", NULL);

    return output_object(cli, api_get(cli, &path), columns, ARRAY_LEN(columns));
}

static enum cli_status keys_rotate(struct cli *cli)
{
    static const struct output_column columns[] = {
        {"key id", "keyId"}, {"resealed", "resealed"}, {"failed", "failed"}};
    const struct api_path path = api_path("keys", "rotate", NULL);

    return output_object(cli, api_call(cli, "POST", &path, json_object()), columns,
                         ARRAY_LEN(columns));
}

static const struct cli_option export_options[] = {
    {"bundle", NULL, "with the system's roots, for clients that trust one file alone"},
    {"output", "FILE", "write it there, not to standard output"},
};

const struct cli_command ca_commands[] = {
    {.name = "show", .summary = "show the root certificate, or both in a rotation", .run = ca_show},
    {.name = "export",
     .summary = "print the root certificate as PEM",
     COMMANDS_OPTIONS(export_options),
     .run = ca_export},
    {.name = "rotate",
     .summary = "make a new root; the old one stays published beside it",
     .run = ca_rotate},
    {.name = NULL},
};

const struct cli_command keys_commands[] = {
    {.name = "show",
     .summary = "show the public key that seals values (with STORE: as its owner may see it)",
     .arguments = "[STORE]",
     .arguments_max = 1,
     .run = keys_show},
    {.name = "rotate",
     .summary = "make a new sealing key and seal everything again",
     .run = keys_rotate},
    {.name = NULL},
};
