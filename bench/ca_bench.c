/* SPDX-License-Identifier: Apache-2.0 */
/* How long one leaf takes with the leaf key reused, mint and encoding. Never fails the build: it
 * prints. */
#include "ca/ca.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 5000 };

static void check(enum error error)
{
    if (error == OK)
        return;
    fprintf(stderr, "%s\n", error_text(error));
    exit(1);
}

static double now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(void)
{
    OWNED_STRUCT(ca_root) *root = NULL;
    OWNED(EVP_PKEY) *key = EVP_EC_gen("P-256");
    unsigned char *der = NULL;
    struct host_name host;
    long bytes = 0;

    check(root_create(time(NULL), &root));
    check(host_name_parse(SLICE("api.example.com"), &host));
    double start_us = now_us();
    for (int i = 0; i < ROUNDS; i++) {
        OWNED(X509) *leaf = NULL;
        check(leaf_mint(root, key, &host, time(NULL), &leaf));
        bytes += i2d_X509(leaf, &der);
        OPENSSL_free(der);
        der = NULL;
    }
    double each_us = (now_us() - start_us) / ROUNDS;
    printf("leaf_mint: %.1f us, %ld bytes of DER\n", each_us, bytes / ROUNDS);
    return 0;
}
