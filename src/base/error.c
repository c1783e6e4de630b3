/* SPDX-License-Identifier: Apache-2.0 */
/* The table of errors as code. Never returns NULL, whatever number it is given. */
#include "base/error.h"

struct error_entry {
    const char *name;
    const char *text;
    enum fault fault;
};

#define ERROR_ENTRY(name, fault, text) {#name, text, fault},
static const struct error_entry entries[] = {ERROR_TABLE(ERROR_ENTRY)};

static const struct error_entry *entry_of(enum error error)
{
    static const struct error_entry unknown = {"ERR_UNKNOWN", "unknown error", FAULT_INTERNAL};

    return (unsigned)error < ARRAY_LEN(entries) ? &entries[error] : &unknown;
}

const char *error_name(enum error error)
{
    return entry_of(error)->name;
}

const char *error_text(enum error error)
{
    return entry_of(error)->text;
}

enum fault error_fault(enum error error)
{
    return entry_of(error)->fault;
}
