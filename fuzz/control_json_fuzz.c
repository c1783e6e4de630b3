/* SPDX-License-Identifier: Apache-2.0 */
/* Any request body either is refused with a sentence, or gives fields that keep what their checks
 * promise. */

#include "control/input.h"
#include "control/json_memory.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_lists(struct api_call *call)
{
    struct input_list list;
    if (input_patterns(call, "egressAllowlist", &list) == OK) {
        require(list.texts.count <= HOST_LIST_MAX);
        for (size_t i = 0; i < list.texts.count; i++) {
            struct host_pattern pattern;
            require(host_pattern_parse(list.texts.items[i], &pattern, NULL) == OK);
        }
    }
    if (input_places(call, "inject", &list) == OK)
        require(list.texts.count <= PLACE_LIST_MAX);
}

static void check_scalars(struct api_call *call)
{
    struct slice name;
    uint64_t timeout = 0;
    bool flag = false;
    if (input_name(call, "name", 128, &name) == OK)
        require(name.len > 0 && name.len <= 128);
    if (input_integer(call, "timeout", 60, &timeout) == OK)
        require(timeout <= 60);
    if (input_bool(call, "redactResponses", &flag) != OK)
        require(call->problem == API_BAD_REQUEST);
}

static void check_maps(struct api_call *call)
{
    json_t *map;
    const char *key;
    json_t *value;
    if (input_string_map(call, "envs", &map) != OK)
        return;
    json_object_foreach(map, key, value)
    {
        require(json_is_string(value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct api_call call = {.connection = NULL};
    json_memory_install();
    arena_init(&call.arena);
    if (input_parse(&call, slice_of(data, size)) == OK) {
        check_lists(&call);
        check_scalars(&call);
        check_maps(&call);
    } else {
        require(call.problem == API_BAD_REQUEST && call.sentence[0] != '\0');
    }
    json_decref(call.body);
    arena_clear(&call.arena);
    return 0;
}
