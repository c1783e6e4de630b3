/* SPDX-License-Identifier: Apache-2.0 */
/* Quotes for a POSIX shell. Never lets a byte of the text be read as syntax. */
#include "cli/shell_quote.h"

static enum error append_byte(struct buffer *out, char byte)
{
    if (byte == '\0')
        return ERR_SYNTAX;
    return byte == '\'' ? buffer_append(out, SLICE("'\\''")) : buffer_append_byte(out, byte);
}

enum error shell_quote(struct slice text, struct buffer *out)
{
    TRY(buffer_append_byte(out, '\''));
    for (size_t i = 0; i < text.len; i++)
        TRY(append_byte(out, text.data[i]));
    return buffer_append_byte(out, '\'');
}

bool shell_quote_is_name(struct slice name)
{
    if (name.len == 0 || ascii_is_digit(name.data[0]))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (!ascii_is_alpha(name.data[i]) && !ascii_is_digit(name.data[i]) && name.data[i] != '_')
            return false;
    }
    return true;
}
