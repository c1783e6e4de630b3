/* SPDX-License-Identifier: Apache-2.0 */
/* The program: everything is a command. */
#include "cli/commands.h"
#include "control/json_memory.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

/* A descriptor that lands on 0, 1 or 2 would be written to by what complains, and read by a command
 * that is run. */
static void open_standard_descriptors(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

int main(int argc, char **argv)
{
    open_standard_descriptors();
    if (sodium_init() < 0) {
        fputs("sealgate: the system has no random source\n", stderr);
        return CLI_FAILED;
    }
    json_memory_install(); /* bodies hold values: jansson wipes what it frees */
    return command_dispatch(&commands_root, argc, argv);
}
