/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the configuration file. Never changes what is in force: that is the caller's step. */
#include "process/supervisor/configuration_file.h"

#include "observe/log.h"
#include "process/durable_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

static enum error read_text(struct configuration_file *file)
{
    if (file->path == NULL)
        return OK;
    enum error error = durable_file_read(AT_FDCWD, file->path, &file->text);
    if (error != OK)
        LOG(LEVEL_ERROR, "configuration_unreadable", .path = slice_from_string(file->path),
            .error = error, .system_error = error == ERR_SYSTEM ? errno : 0);
    return error;
}

/* A relative path on the command line means this directory, for every process. */
static enum error override_data_dir(struct configuration_file *file)
{
    char here[PATH_MAX] = "", path[PATH_MAX];

    if (file->data_dir == NULL)
        return OK;
    bool is_absolute = file->data_dir[0] == '/';
    if (!is_absolute && getcwd(here, sizeof(here)) == NULL)
        return ERR_SYSTEM;
    const char *separator = is_absolute ? "" : "/";
    if (snprintf(path, sizeof(path), "%s%s%s", here, separator, file->data_dir) >=
        (int)sizeof(path))
        return ERR_TOO_LARGE;
    return config_override_data_dir(file->config, slice_from_string(path));
}

static enum error parse_text(struct configuration_file *file)
{
    struct config_error why;
    enum error error =
        config_parse(buffer_view(&file->text), slice_from_string(file->path), &file->config, &why);

    if (error == ERR_CONFIG)
        LOG(LEVEL_ERROR, "configuration_refused", .detail = slice_from_string(why.message));
    if (error != OK)
        return error;
    error = override_data_dir(file);
    if (error != OK)
        LOG(LEVEL_ERROR, "data_dir_unusable", .path = slice_from_string(file->data_dir),
            .error = error);
    return error;
}

enum error configuration_file_load(const char *path, const char *data_dir,
                                   struct configuration_file *out)
{
    struct configuration_file file = {.path = path, .data_dir = data_dir};

    buffer_init(&file.text, CONFIG_TEXT_MAX);
    enum error error = read_text(&file);
    if (error == OK)
        error = parse_text(&file);
    if (error != OK) {
        configuration_file_clear(&file);
        return error;
    }
    *out = file;
    return OK;
}

void configuration_file_clear(struct configuration_file *file)
{
    buffer_clear(&file->text);
    config_free(file->config);
    file->config = NULL;
}

static unsigned usable_cores(void)
{
    cpu_set_t cores;

    CPU_ZERO(&cores);
    if (sched_getaffinity(0, sizeof(cores), &cores) != 0)
        return 1;
    int count = CPU_COUNT(&cores);
    return count < 1 ? 1 : (unsigned)count;
}

unsigned configuration_file_workers(const struct configuration_file *file)
{
    unsigned wanted = file->config->workers > 0 ? (unsigned)file->config->workers : usable_cores();

    return wanted > CONFIG_WORKERS_MAX ? CONFIG_WORKERS_MAX : wanted;
}
