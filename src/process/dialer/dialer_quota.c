/* SPDX-License-Identifier: Apache-2.0 */
/* Counts dials by sandbox. Never keeps an entry for a sandbox that has none under way. */
#include "process/dialer/dialer_quota.h"

#include <stdlib.h>

struct dialer_quota {
    struct table_entry in_quotas;
    size_t dials;
    char sandbox_id[];
};

static enum error add(struct table *quotas, struct slice sandbox_id, struct dialer_quota **out)
{
    struct dialer_quota *quota = calloc(1, sizeof(*quota) + sandbox_id.len + 1);
    if (quota == NULL)
        return ERR_NO_MEMORY;

    memcpy(quota->sandbox_id, sandbox_id.len == 0 ? "" : sandbox_id.data, sandbox_id.len);
    enum error error =
        table_insert(quotas, &quota->in_quotas, slice_of(quota->sandbox_id, sandbox_id.len));
    if (error != OK) {
        free(quota);
        return error;
    }
    *out = quota;
    return OK;
}

enum error dialer_quota_take(struct table *quotas, struct slice sandbox_id,
                             struct dialer_quota **out)
{
    struct table_entry *entry = table_find(quotas, sandbox_id);
    struct dialer_quota *quota = NULL;

    if (entry == NULL)
        TRY(add(quotas, sandbox_id, &quota));
    else
        quota = CONTAINER_OF(entry, struct dialer_quota, in_quotas);
    if (quota->dials == DIALER_QUOTA_PER_SANDBOX)
        return ERR_TOO_LARGE;
    quota->dials++;
    *out = quota;
    return OK;
}

void dialer_quota_give_back(struct table *quotas, struct dialer_quota *quota)
{
    if (--quota->dials > 0)
        return;
    table_remove(quotas, &quota->in_quotas);
    free(quota);
}
