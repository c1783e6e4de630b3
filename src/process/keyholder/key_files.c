/* SPDX-License-Identifier: Apache-2.0 */
/* Keys on disk. Never leaves a copy of one in ordinary memory. */
#include "process/keyholder/key_files.h"

#include "process/durable_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PEM_MAX = 16 * 1024, SECRET_KEY_SIZE = 32, KEY_FILE_MODE = 0600 };

#define CERTIFICATE_FILE "ca-cert.pem"
#define NEW_CERTIFICATE_FILE "ca-cert.new.pem"
#define PREVIOUS_FILE "ca-previous.pem"
#define KEY_FILE "ca-key.pem"
#define SANDBOX_FILE "sandboxes.key"
#define NEW_SANDBOX_FILE "sandboxes.new.key"
#define SEALING_FILE "sealing-%08u-%16s.key"

enum error key_files_open(struct slice data_dir, int *out_folder)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%.*s/keys", SLICE_ARG(data_dir)) >= (int)sizeof(path))
        return ERR_TOO_LARGE;
    *out_folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *out_folder < 0 ? ERR_SYSTEM : OK;
}

static enum error parse_root(int folder, const char *certificate_file, struct ca_root **out)
{
    OWNED_STRUCT(buffer) *certificate = &(struct buffer){.limit = PEM_MAX};
    OWNED_STRUCT(buffer) *key = &(struct buffer){.limit = PEM_MAX};

    TRY(durable_file_read(folder, certificate_file, certificate));
    TRY(durable_file_read(folder, KEY_FILE, key));
    return root_parse(buffer_view(certificate), buffer_view(key), out);
}

/* The certificate goes beside the old one, then the key decides which of the two is in force, then
 * the certificate moves in: a crash between any two steps is put right by recover_root(). */
static enum error save_root(int folder, const struct ca_root *root)
{
    OWNED_STRUCT(buffer) *certificate = &(struct buffer){.limit = PEM_MAX};
    OWNED_STRUCT(buffer) *key = &(struct buffer){.limit = PEM_MAX};

    TRY(root_certificate_pem(root, certificate));
    TRY(root_key_pem(root, key));
    TRY(durable_file_write(folder, NEW_CERTIFICATE_FILE, buffer_view(certificate), KEY_FILE_MODE));
    TRY(durable_file_write(folder, KEY_FILE, buffer_view(key), KEY_FILE_MODE));
    return durable_file_rename(folder, NEW_CERTIFICATE_FILE, CERTIFICATE_FILE);
}

static enum error recover_root(int folder, struct ca_root **out)
{
    TRY(parse_root(folder, NEW_CERTIFICATE_FILE, out));
    return durable_file_rename(folder, NEW_CERTIFICATE_FILE, CERTIFICATE_FILE);
}

static enum error create_root(int folder, struct ca_root **out)
{
    OWNED_STRUCT(ca_root) *root = NULL;

    TRY(root_create(time(NULL), &root));
    TRY(save_root(folder, root));
    *out = TAKE(root);
    return OK;
}

enum error key_files_load_root(int folder, struct ca_root **out)
{
    enum error error = parse_root(folder, CERTIFICATE_FILE, out);

    if (error == OK)
        return OK;
    if (recover_root(folder, out) == OK)
        return OK;
    /* Only where there has never been a key: a root that cannot be read is not replaced. */
    if (error == ERR_NOT_FOUND && faccessat(folder, KEY_FILE, F_OK, 0) != 0)
        return create_root(folder, out);
    return error == ERR_NOT_FOUND ? ERR_CRYPTO : error;
}

enum error key_files_rotate_root(int folder, const struct ca_root *current, struct ca_root **out)
{
    OWNED_STRUCT(buffer) *previous = &(struct buffer){.limit = PEM_MAX};

    TRY(root_certificate_pem(current, previous));
    TRY(durable_file_write(folder, PREVIOUS_FILE, buffer_view(previous), KEY_FILE_MODE));
    return create_root(folder, out);
}

enum error key_files_previous_certificate(int folder, struct buffer *out)
{
    enum error error = durable_file_read(folder, PREVIOUS_FILE, out);

    return error == ERR_NOT_FOUND ? OK : error;
}

struct sealing_file {
    unsigned number;
    char key_id[SEAL_KEY_ID_LEN + 1];
};

struct sealing_files {
    size_t count;
    struct sealing_file items[64];
};

static bool parse_name(const char *name, struct sealing_file *out)
{
    char again[NAME_MAX];

    if (sscanf(name, "sealing-%8u-%16[0-9a-f].key", &out->number, out->key_id) != 2)
        return false;
    snprintf(again, sizeof(again), SEALING_FILE, out->number, out->key_id);
    return strcmp(name, again) == 0;
}

static int compare_numbers(const void *a, const void *b)
{
    const struct sealing_file *left = a, *right = b;

    return left->number < right->number ? -1 : left->number > right->number;
}

/* Oldest first. */
static enum error list_files(int folder, struct sealing_files *out)
{
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *entry;

    if (entries == NULL)
        return ERR_SYSTEM;
    out->count = 0;
    while ((entry = readdir(entries)) != NULL && out->count < ARRAY_LEN(out->items)) {
        if (parse_name(entry->d_name, &out->items[out->count]))
            out->count++;
    }
    closedir(entries);
    qsort(out->items, out->count, sizeof(out->items[0]), compare_numbers);
    return entry == NULL ? OK : ERR_TOO_LARGE;
}

static void format_name(const struct sealing_file *file, char name[NAME_MAX])
{
    snprintf(name, NAME_MAX, SEALING_FILE, file->number, file->key_id);
}

static enum error load_key(int folder, const struct sealing_file *file, struct keyring *ring)
{
    OWNED_STRUCT(buffer) *secret = &(struct buffer){.limit = SECRET_KEY_SIZE};
    char name[NAME_MAX];

    format_name(file, name);
    TRY(durable_file_read(folder, name, secret));
    if (buffer_len(secret) != SECRET_KEY_SIZE)
        return ERR_CRYPTO;
    TRY(keyring_add(ring, (const uint8_t *)buffer_view(secret).data));
    return strcmp(keyring_public(ring, 0)->id, file->key_id) == 0 ? OK : ERR_CRYPTO;
}

enum error key_files_load_ring(int folder, struct keyring *ring)
{
    struct sealing_files files;

    TRY(list_files(folder, &files));
    for (size_t i = 0; i < files.count; i++)
        TRY(load_key(folder, &files.items[i], ring));
    return files.count > 0 ? OK : key_files_add_key(folder, ring);
}

static enum error write_key(int folder, unsigned number, const uint8_t *secret)
{
    uint8_t public_bytes[SEAL_PUBLIC_KEY_SIZE];
    struct seal_public_key public_key;
    struct sealing_file file = {.number = number};
    char name[NAME_MAX];

    if (crypto_scalarmult_base(public_bytes, secret) != 0)
        return ERR_CRYPTO;
    seal_public_key_from_bytes(public_bytes, &public_key);
    memcpy(file.key_id, public_key.id, sizeof(file.key_id));
    format_name(&file, name);
    return durable_file_write(folder, name, slice_of(secret, SECRET_KEY_SIZE), KEY_FILE_MODE);
}

enum error key_files_add_key(int folder, struct keyring *ring)
{
    struct sealing_files files;
    uint8_t secret[SECRET_KEY_SIZE];

    TRY(list_files(folder, &files));
    unsigned number = files.count == 0 ? 1 : files.items[files.count - 1].number + 1;
    randombytes_buf(secret, sizeof(secret));
    enum error error = write_key(folder, number, secret);
    if (error == OK)
        error = keyring_add(ring, secret);
    sodium_memzero(secret, sizeof(secret));
    return error;
}

enum error key_files_retire_keys(int folder, struct keyring *ring)
{
    struct sealing_files files;
    char name[NAME_MAX];

    TRY(list_files(folder, &files));
    for (size_t i = 0; i + 1 < files.count; i++) {
        format_name(&files.items[i], name);
        TRY(durable_file_remove(folder, name));
        keyring_retire(ring, files.items[i].key_id);
    }
    return OK;
}

static enum error read_sandbox_key(int folder, const char *name, uint8_t key[SECRET_KEY_SIZE])
{
    OWNED_STRUCT(buffer) *text = &(struct buffer){.limit = SECRET_KEY_SIZE};

    TRY(durable_file_read(folder, name, text));
    if (buffer_len(text) != SECRET_KEY_SIZE)
        return ERR_CRYPTO;
    memcpy(key, buffer_view(text).data, SECRET_KEY_SIZE);
    return OK;
}

enum error key_files_load_sandbox_key(int folder, uint8_t key[32], bool *out_is_new)
{
    enum error error = read_sandbox_key(folder, SANDBOX_FILE, key);

    *out_is_new = error == ERR_NOT_FOUND;
    if (error == ERR_NOT_FOUND)
        error = read_sandbox_key(folder, NEW_SANDBOX_FILE, key);
    if (error != ERR_NOT_FOUND)
        return error;
    randombytes_buf(key, SECRET_KEY_SIZE);
    return durable_file_write(folder, NEW_SANDBOX_FILE, slice_of(key, SECRET_KEY_SIZE),
                              KEY_FILE_MODE);
}

enum error key_files_settle_sandbox_key(int folder)
{
    return durable_file_rename(folder, NEW_SANDBOX_FILE, SANDBOX_FILE);
}
