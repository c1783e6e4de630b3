/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the value of a secret. Never prints it, nor leaves it anywhere but in the caller's buffer.
 */
#include "cli/value_input.h"

#include "cli/data_dir.h"

#include <stdio.h>
#include <termios.h>
#include <unistd.h>

static bool read_inline(const char *value, size_t limit, struct buffer *out)
{
    cli_warn("a value on the command line is seen by other users and kept in the shell's history; "
             "standard input or --from-file is better");
    buffer_init(out, limit);
    if (buffer_append(out, slice_from_string(value)) == OK)
        return true;
    cli_fail("the value is too long");
    return false;
}

/* Byte by byte, so that nothing is left in a library's buffer. */
static bool read_line(struct buffer *out)
{
    char byte = 0;
    bool is_good = true;

    while (is_good && read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n')
        is_good = buffer_append_byte(out, byte) == OK;
    return is_good;
}

static bool ask(const char *prompt, size_t limit, struct buffer *out)
{
    struct termios before, silent;

    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return data_dir_read_file("-", limit, out);
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    fprintf(stderr, "%s (not shown): ", prompt);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    buffer_init(out, limit);
    bool is_read = read_line(out);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    return is_read;
}

/* Editors and echo add a line break that no credential has. */
static void drop_line_break(struct buffer *value)
{
    struct slice text = buffer_view(value);

    if (text.len > 0 && text.data[text.len - 1] == '\n')
        buffer_truncate(value, --text.len);
    if (text.len > 0 && text.data[text.len - 1] == '\r')
        buffer_truncate(value, --text.len);
}

enum cli_status value_input_check(const struct cli *cli)
{
    return cli_has(cli, "value") && cli_has(cli, "from-file")
               ? cli_misuse(cli, "--value and --from-file exclude each other")
               : CLI_DONE;
}

bool value_input_read(const struct cli *cli, const char *prompt, size_t limit, struct buffer *out)
{
    const char *value = cli_option(cli, "value");
    const char *file = cli_option(cli, "from-file");
    bool is_read;

    if (value != NULL)
        return read_inline(value, limit, out);
    is_read = file != NULL           ? data_dir_read_file(file, limit + 2, out)
              : isatty(STDIN_FILENO) ? ask(prompt, limit, out)
                                     : data_dir_read_file("-", limit + 2, out);
    if (!is_read)
        return false;
    drop_line_break(out);
    if (buffer_len(out) > 0)
        return true;
    buffer_clear(out);
    cli_fail("the value is empty");
    return false;
}
