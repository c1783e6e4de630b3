/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the data directory and reads files. Never follows a configuration that does not parse. */
#include "cli/data_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static enum error read_descriptor(int fd, struct buffer *out)
{
    enum { PIECE = 16 * 1024 };

    for (;;) {
        size_t left = out->limit - buffer_len(out);
        size_t want = left == 0 ? 1 : (left < PIECE ? left : PIECE);
        char last, *room = &last;

        if (left > 0)
            TRY(buffer_reserve(out, want, &room));
        ssize_t got = read(fd, room, want);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0 ? OK : ERR_SYSTEM;
        if (left == 0)
            return ERR_TOO_LARGE;
        buffer_commit(out, (size_t)got);
    }
}

bool data_dir_read_file(const char *path, size_t limit, struct buffer *out)
{
    bool is_input = strcmp(path, "-") == 0;
    int fd = is_input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        cli_fail("cannot read %s: %s", is_input ? "standard input" : path, strerror(errno));
        return false;
    }
    buffer_init(out, limit);
    enum error error = read_descriptor(fd, out);
    if (error != OK)
        cli_fail("cannot read %s: %s", is_input ? "standard input" : path,
                 error == ERR_SYSTEM ? strerror(errno) : error_text(error));
    close(fd);
    if (error != OK)
        buffer_clear(out);
    return error == OK;
}

static bool parse_file(const char *path, struct config **out)
{
    struct buffer text;
    struct config_error problem = {.message = "out of memory"};

    buffer_init(&text, CONFIG_TEXT_MAX);
    if (path != NULL && !data_dir_read_file(path, CONFIG_TEXT_MAX, &text))
        return false;
    enum error error = config_parse(buffer_view(&text), slice_from_string(path), out, &problem);
    buffer_clear(&text);
    if (error != OK)
        cli_fail("%s", problem.message);
    return error == OK;
}

/* It need not exist yet. */
static bool make_absolute(const char *directory, char out[DATA_DIR_PATH_MAX])
{
    char current[PATH_MAX] = "";

    if (directory[0] != '/' && getcwd(current, sizeof(current)) == NULL)
        return false;
    int wrote = snprintf(out, DATA_DIR_PATH_MAX, "%s%s%s", current, directory[0] == '/' ? "" : "/",
                         directory);
    return wrote > 0 && wrote < DATA_DIR_PATH_MAX;
}

bool data_dir_load_config(const struct cli *cli, struct config **out)
{
    const char *directory = cli_option(cli, "data-dir");
    char absolute[DATA_DIR_PATH_MAX];

    if (!parse_file(cli_option(cli, "config"), out))
        return false;
    if (directory == NULL)
        return true;
    if (make_absolute(directory, absolute) &&
        config_override_data_dir(*out, slice_from_string(absolute)) == OK)
        return true;
    cli_fail("%s cannot be a data directory", directory);
    config_free(TAKE(*out));
    return false;
}

bool data_dir_path(const struct cli *cli, const char *name, char out[DATA_DIR_PATH_MAX])
{
    OWNED_STRUCT(config) *config = NULL;

    if (!data_dir_load_config(cli, &config))
        return false;
    snprintf(out, DATA_DIR_PATH_MAX, "%.*s/%s", SLICE_ARG(config->data_dir), name);
    return true;
}
