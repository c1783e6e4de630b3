/* SPDX-License-Identifier: Apache-2.0 */
/* Any text either fails with a message that names the file and holds no control character, or gives
 * a configuration whose numbers are inside their limits. */
#include "process/config/config.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_error(const struct config_error *error)
{
    struct slice message = slice_from_string(error->message);

    require(slice_starts_with(message, SLICE("fuzz.yaml:")));
    for (size_t i = 0; i < message.len; i++)
        require((unsigned char)message.data[i] >= 0x20);
}

static void check_config(const struct config *config)
{
    char path[4096];

    require(config->data_dir.len > 0 && config->data_dir.data[0] == '/');
    require(config->workers <= CONFIG_WORKERS_MAX);
    require(config->header_bytes >= 4096 && config->header_bytes <= 65536);
    require(config->listen_proxy.count >= 1);
    require(config_audit_path(config, path, sizeof(path)) == OK);
    for (size_t i = 0; i < config->resolve.count; i++)
        require(config_find_resolve(config, &config->resolve.items[i].host) ==
                &config->resolve.items[i]);
    for (size_t i = 0; i < config->stores.count; i++)
        require(config->stores.items[i].name.len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    OWNED_STRUCT(config) *config = NULL;
    struct config_error error = {0};

    enum error result = config_parse(slice_of(data, size), SLICE("fuzz.yaml"), &config, &error);
    if (result == OK)
        check_config(config);
    else if (result == ERR_CONFIG)
        check_error(&error);
    return 0;
}
