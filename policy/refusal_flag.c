/* SPDX-License-Identifier: Apache-2.0 */
/* Flags of `sealgate run`. Never names one that would not help. */
#include "policy/refusal_flag.h"

#include "policy/address_guard.h"

enum error refusal_flag_append_pattern(struct buffer *out, const struct authority *target)
{
    bool has_port = target->port != 443 && target->port != 80 && target->port != 0;
    bool has_brackets = has_port && target->host.literal.len == 16;

    TRY(buffer_append_format(out, "%s%s%s", has_brackets ? "[" : "", target->host.text,
                             has_brackets ? "]" : ""));
    return has_port ? buffer_append_format(out, ":%u", (unsigned)target->port) : OK;
}

static enum error append_allow(struct buffer *out, const struct authority *target,
                               struct slice secret UNUSED)
{
    TRY(buffer_append(out, SLICE("--allow ")));
    return refusal_flag_append_pattern(out, target);
}

static enum error append_secret(struct buffer *out, const struct authority *target,
                                struct slice secret)
{
    struct slice name = secret.len > 0 ? secret : SLICE("NAME");

    TRY(buffer_append_format(out, "--secret %.*s=SOURCE@", SLICE_ARG(name)));
    return refusal_flag_append_pattern(out, target);
}

static enum error append_address(struct buffer *out, const struct authority *target,
                                 struct slice secret UNUSED)
{
    const struct ip_address *literal = &target->host.literal;

    if (literal->len > 0 && address_guard_is_internal(literal))
        return buffer_append_format(out, "--private %s", target->host.text);
    if (literal->len > 0)
        return buffer_append(out, SLICE("--config FILE with upstream.allow_addresses"));
    return buffer_append_format(out,
                                "--private %s; for a loopback or link-local address, --config FILE "
                                "with %s in upstream.resolve",
                                target->host.text, target->host.text);
}

static enum error append_place(struct buffer *out, const struct authority *target UNUSED,
                               struct slice secret)
{
    struct slice name = secret.len > 0 ? secret : SLICE("secret");

    return buffer_append_format(
        out, "--config FILE with a store whose %.*s has this place in `inject`, and --store",
        SLICE_ARG(name));
}

enum error refusal_flag_append(struct buffer *out, enum refusal_code code,
                               const struct authority *target, struct slice secret)
{
    static const struct {
        enum refusal_code code;
        enum error (*append)(struct buffer *out, const struct authority *target,
                             struct slice secret);
    } flags[] = {
        {REFUSAL_HOST_NOT_ALLOWED, append_allow},
        {REFUSAL_SECRET_HOST_NOT_ALLOWED, append_secret},
        {REFUSAL_ADDRESS_NOT_ALLOWED, append_address},
        {REFUSAL_TOKEN_PLACE_NOT_ALLOWED, append_place},
    };

    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (flags[i].code == code)
            return flags[i].append(out, target, secret);
    }
    return OK;
}
