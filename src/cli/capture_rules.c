/* SPDX-License-Identifier: Apache-2.0 */
/* Reads rules as nft prints them, one a line. Never takes a port for one that merely begins alike.
 */
#include "cli/capture_rules.h"

#include <stdio.h>

enum hook { HOOK_OTHER, HOOK_INPUT, HOOK_FORWARD };

static bool has(struct slice line, struct slice words)
{
    return slice_find_slice(line, words) < line.len;
}

/* ":3129", and not ":31290". */
static bool has_port(struct slice line, uint16_t port)
{
    char text[8];
    int len = snprintf(text, sizeof(text), ":%u", port);
    struct slice wanted = slice_of(text, (size_t)len);

    for (size_t at = slice_find_slice(line, wanted); at < line.len;
         at = slice_find_slice(line, wanted)) {
        line = slice_skip(line, at + wanted.len);
        if (line.len == 0 || !ascii_is_digit(line.data[0]))
            return true;
    }
    return false;
}

/* A chain that is at no hook belongs to the one before it, which is how jumps are written down. */
static enum hook hook_after(struct slice line, enum hook before)
{
    if (!has(line, SLICE("hook ")))
        return before;
    if (has(line, SLICE("hook forward")))
        return HOOK_FORWARD;
    return has(line, SLICE("hook input")) ? HOOK_INPUT : HOOK_OTHER;
}

static bool refuses(struct slice line)
{
    return has(line, SLICE("drop")) || has(line, SLICE("reject"));
}

static void read_line(struct slice line, uint16_t port, enum hook hook, struct capture_rules *out)
{
    bool is_to_port = has_port(line, port);

    out->uses_tproxy |= is_to_port && has(line, SLICE("tproxy"));
    out->redirects |= is_to_port && (has(line, SLICE("redirect")) || has(line, SLICE("dnat")));
    out->refuses |= hook == HOOK_FORWARD && refuses(line);
    out->guards_input |= hook == HOOK_INPUT && refuses(line);
    out->checks_paths |= has(line, SLICE("fib saddr"));
}

struct capture_rules capture_rules_read(struct slice ruleset, uint16_t port)
{
    struct capture_rules found = {.redirects = false};
    enum hook hook = HOOK_OTHER;

    while (ruleset.len > 0) {
        struct slice line = slice_split(&ruleset, '\n');

        if (slice_starts_with(line, SLICE("table ")))
            hook = HOOK_OTHER;
        hook = hook_after(line, hook);
        read_line(line, port, hook, &found);
    }
    return found;
}
