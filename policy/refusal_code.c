/* SPDX-License-Identifier: Apache-2.0 */
/* The table of refusals as code. Never returns NULL, whatever number it is given. */
#include "policy/refusal_code.h"

#include "base/compiler.h"

struct refusal_entry {
    int status;
    const char *name, *proxy_status, *sentence;
};

#define REFUSAL_ENTRY(id, status, name, proxy_status, sentence)                                    \
    {status, name, proxy_status, sentence},
static const struct refusal_entry entries[] = {REFUSAL_TABLE(REFUSAL_ENTRY)};

static const struct refusal_entry *entry_of(enum refusal_code code)
{
    return &entries[(unsigned)code < ARRAY_LEN(entries) ? code : REFUSAL_OVERLOADED];
}

int refusal_code_status(enum refusal_code code)
{
    return entry_of(code)->status;
}

const char *refusal_code_name(enum refusal_code code)
{
    return entry_of(code)->name;
}

const char *refusal_code_proxy_status(enum refusal_code code)
{
    return entry_of(code)->proxy_status;
}

const char *refusal_code_sentence(enum refusal_code code)
{
    return entry_of(code)->sentence;
}
