/* SPDX-License-Identifier: Apache-2.0 */
/* The program: everything is a command. */
#include "cli/commands.h"
#include "control/json_memory.h"

#include <sodium.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    if (sodium_init() < 0) {
        fputs("sealgate: the system has no random source\n", stderr);
        return CLI_FAILED;
    }
    json_memory_install(); /* bodies hold values: jansson wipes what it frees */
    return command_dispatch(&commands_root, argc, argv);
}
