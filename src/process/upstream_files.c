/* SPDX-License-Identifier: Apache-2.0 */
/* Files for upstream connections, on their way from disk to the processes that use them. Never
 * sends one to a process that does not need it. */
#include "process/upstream_files.h"

#include "observe/log.h"
#include "process/proxy_credentials.h"
#include "process/secret_file.h"

#include "base/secret.h"

#include <stdlib.h>

struct upstream_files {
    struct secret_slab *slab; /* NULL: no credentials */
    struct secret credentials;
};

static enum error complain(const char *event, struct slice path, const char *why)
{
    LOG(LEVEL_ERROR, event, .path = path, .detail = slice_from_string(why));
    return ERR_CONFIG;
}

static enum error keep(struct slice value, struct secret_slab **slab, struct secret *out)
{
    *slab = secret_slab_new(value.len);
    return *slab == NULL ? ERR_NO_MEMORY : secret_slab_add(*slab, value, out);
}

/* What the dialer would refuse is refused here, where it can be said. */
static enum error take_credentials(struct slice value, struct upstream_files *files)
{
    struct proxy_credentials *credentials = NULL;

    TRY(proxy_credentials_new(value, &credentials));
    proxy_credentials_unref(credentials);
    return keep(value, &files->slab, &files->credentials);
}

static enum error read_credentials(struct slice path, struct upstream_files *files)
{
    static const char event[] = "proxy_credentials_unusable";
    OWNED_STRUCT(buffer) *text = &(struct buffer){.limit = PROXY_CREDENTIALS_MAX + 2};
    struct slice line;
    const char *why = NULL;

    if (path.len == 0)
        return OK;
    enum error error = secret_file_read(path.data, text, &why);
    if (error == ERR_CONFIG)
        return complain(event, path, why);
    if (error != OK)
        return error;
    error = secret_file_only_line(buffer_view(text), &line) ? take_credentials(line, files)
                                                            : ERR_SYNTAX;
    return error == ERR_SYNTAX ? complain(event, path, "expected one line, user:password") : error;
}

enum error upstream_files_read(const struct config *config, struct upstream_files **out)
{
    OWNED_STRUCT(upstream_files) *files = calloc(1, sizeof(*files));

    if (files == NULL)
        return ERR_NO_MEMORY;
    TRY(read_credentials(config->upstream_proxy.credentials, files));
    *out = TAKE(files);
    return OK;
}

enum error upstream_files_new(struct slice credentials, struct upstream_files **out)
{
    OWNED_STRUCT(upstream_files) *files = calloc(1, sizeof(*files));

    if (files == NULL)
        return ERR_NO_MEMORY;
    TRY(take_credentials(credentials, files));
    *out = TAKE(files);
    return OK;
}

void upstream_files_free(struct upstream_files *files)
{
    if (files == NULL)
        return;
    secret_slab_free(files->slab);
    free(files);
}

void upstream_files_send(const struct upstream_files *files, struct peer *child)
{
    if (child->role != PROCESS_DIALER || files->slab == NULL)
        return;
    peer_post(child, &(struct message){.type = MESSAGE_PROXY_CREDENTIALS,
                                       .proxy_credentials = {secret_reveal(&files->credentials)}});
}
