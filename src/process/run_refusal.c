/* SPDX-License-Identifier: Apache-2.0 */
/* Says why a command cannot be isolated here. Never guesses where the kernel can be asked. */
#include "process/descriptor.h"
#include "process/run_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* Settings that forbid it when they have this value. */
static const struct {
    const char *file;
    char value;
    const char *sentence;
} settings[] = {
    {"/proc/sys/kernel/unprivileged_userns_clone", '0',
     "kernel.unprivileged_userns_clone is 0: user namespaces are for root alone"},
    {"/proc/sys/user/max_user_namespaces", '0',
     "user.max_user_namespaces is 0: there are no user namespaces"},
    {"/proc/sys/user/max_net_namespaces", '0',
     "user.max_net_namespaces is 0: there are no network namespaces"},
    {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1',
     "kernel.apparmor_restrict_unprivileged_userns is 1: AppArmor takes away what user namespaces "
     "need, unless a profile permits `userns` to this program"},
};

/* The first character, when it is all there is. */
static char read_setting(const char *file)
{
    char text[4] = "";
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text));

    if (fd >= 0)
        close(fd);
    return len == 1 || (len == 2 && text[1] == '\n') ? text[0] : '\0';
}

static bool explain_setting(void)
{
    bool has_explained = false;

    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        if (read_setting(settings[i].file) != settings[i].value)
            continue;
        fprintf(stderr, "sealgate: %s\n", settings[i].sentence);
        has_explained = true;
    }
    return has_explained;
}

void run_refusal_explain(const char *what, int reason)
{
    fprintf(stderr, "sealgate: the command cannot be isolated: could not %s: %s\n", what,
            strerror(reason));
    if (!explain_setting())
        fputs("sealgate: inside a container, its seccomp profile or missing privileges do that\n",
              stderr);
    fputs("sealgate: --no-isolate goes on with variables only, which a program may ignore\n",
          stderr);
}
