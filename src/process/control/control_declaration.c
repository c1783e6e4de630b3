/* SPDX-License-Identifier: Apache-2.0 */
/* Declared stores on their way into control. Never keeps a value outside guarded memory, nor longer
 * than until its store is complete. */
#include "process/control/control_process_state.h"
#include "store/text_list.h"

#include <stdlib.h>

/* A secret of the store that is being declared. */
struct draft_secret {
    struct slice name;
    struct message_list hosts, places; /* in the arena */
    struct secret_slab *slab;          /* NULL: its value has not come */
    struct secret value;
};

struct control_declaration {
    struct arena arena; /* everything but values */
    bool has_store;
    struct declared_store store;
    struct draft_secret *secrets;
    size_t count;
    enum error error; /* the first, of the whole declaration */
    char failed_store[256];
};

struct control_declaration *control_declaration_new(void)
{
    return calloc(1, sizeof(struct control_declaration));
}

static void forget_store(struct control_declaration *declaration)
{
    for (size_t i = 0; i < declaration->count; i++)
        secret_slab_free(declaration->secrets[i].slab);
    arena_clear(&declaration->arena);
    declaration->secrets = NULL;
    declaration->count = 0;
    declaration->has_store = false;
}

void control_declaration_free(struct control_declaration *declaration)
{
    if (declaration == NULL)
        return;
    forget_store(declaration);
    free(declaration);
}

static void fail(struct control_declaration *declaration, enum error error)
{
    struct slice name = slice_take(declaration->has_store ? declaration->store.name : SLICE_NONE,
                                   sizeof(declaration->failed_store) - 1);

    if (error == OK || declaration->error != OK)
        return;
    declaration->error = error;
    if (name.len > 0)
        memcpy(declaration->failed_store, name.data, name.len);
    declaration->failed_store[name.len] = '\0';
}

static enum error copy_list(struct control_declaration *declaration,
                            const struct message_list *list, struct message_list *out)
{
    struct slice *items = arena_alloc_array(&declaration->arena, list->count, sizeof(*items));

    if (items == NULL)
        return ERR_NO_MEMORY;
    struct text_list copied = {items, 0};
    for (size_t i = 0; i < list->count; i++) {
        if (text_list_contains(&copied, list->items[i]))
            continue; /* said twice: what is enforced has it once, and so must what is signed */
        TRY(arena_copy(&declaration->arena, list->items[i], &items[copied.count]));
        copied.count++;
    }
    *out = (struct message_list){items, copied.count};
    return OK;
}

static struct declared_secret secret_of(const struct draft_secret *draft)
{
    return (struct declared_secret){
        .name = draft->name,
        .value = draft->slab == NULL ? SLICE_NONE : secret_reveal(&draft->value),
        .hosts = draft->hosts.items,
        .host_count = draft->hosts.count,
        .places = draft->places.items,
        .place_count = draft->places.count,
    };
}

/* The store before is complete: control seals its values and takes it over. */
static enum error apply_store(struct control_process *process,
                              struct control_declaration *declaration)
{
    if (!declaration->has_store)
        return OK;
    struct declared_secret *secrets =
        arena_alloc_array(&declaration->arena, declaration->count, sizeof(*secrets));
    if (secrets == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < declaration->count; i++)
        secrets[i] = secret_of(&declaration->secrets[i]);
    declaration->store.secrets = secrets;
    declaration->store.secret_count = declaration->count;
    return control_declare_store(process->control, &declaration->store);
}

static void finish_store(struct control_process *process)
{
    fail(process->declaration, apply_store(process, process->declaration));
    forget_store(process->declaration);
}

static enum error begin_store(struct control_declaration *declaration,
                              const struct message_declare_store *message)
{
    struct message_list egress, passthrough, private_hosts;

    declaration->store = (struct declared_store){.redact_responses = message->redact_responses};
    TRY(arena_copy(&declaration->arena, message->name, &declaration->store.name));
    TRY(copy_list(declaration, &message->egress, &egress));
    TRY(copy_list(declaration, &message->passthrough, &passthrough));
    TRY(copy_list(declaration, &message->private_hosts, &private_hosts));
    declaration->store.egress = egress.items;
    declaration->store.egress_count = egress.count;
    declaration->store.passthrough = passthrough.items;
    declaration->store.passthrough_count = passthrough.count;
    declaration->store.private_hosts = private_hosts.items;
    declaration->store.private_host_count = private_hosts.count;
    declaration->has_store = true;
    return OK;
}

static enum error add_secret(struct control_declaration *declaration,
                             const struct message_declare_secret *message)
{
    struct draft_secret draft = {0};
    struct draft_secret *secrets =
        arena_grow(&declaration->arena, declaration->secrets, declaration->count, sizeof(draft));

    if (secrets == NULL)
        return ERR_NO_MEMORY;
    TRY(arena_copy(&declaration->arena, message->name, &draft.name));
    TRY(copy_list(declaration, &message->hosts, &draft.hosts));
    TRY(copy_list(declaration, &message->places, &draft.places));
    declaration->secrets = secrets;
    secrets[declaration->count++] = draft;
    return OK;
}

static enum error add_value(struct control_declaration *declaration, struct slice value)
{
    struct draft_secret *draft =
        declaration->count == 0 ? NULL : &declaration->secrets[declaration->count - 1];

    if (draft == NULL || draft->slab != NULL)
        return ERR_CONFLICT;
    draft->slab = secret_slab_new(value.len);
    if (draft->slab == NULL)
        return ERR_NO_MEMORY;
    return secret_slab_add(draft->slab, value, &draft->value);
}

static void begin(struct control_process *process)
{
    struct control_declaration *declaration = process->declaration;

    forget_store(declaration);
    declaration->error = OK;
    declaration->failed_store[0] = '\0';
    fail(declaration, control_declare_begin(process->control));
}

static void end(struct control_process *process)
{
    struct control_declaration *declaration = process->declaration;

    finish_store(process);
    fail(declaration, control_declare_end(process->control));
    peer_post(
        &process->child->supervisor,
        &(struct message){.type = MESSAGE_DECLARED,
                          .declared = {.error = declaration->error,
                                       .store = slice_from_string(declaration->failed_store)}});
}

bool control_declaration_take(struct control_process *process, const struct message *message)
{
    struct control_declaration *declaration = process->declaration;

    if (message->type == MESSAGE_DECLARE_STORE)
        finish_store(process);
    switch (message->type) {
    case MESSAGE_DECLARE_BEGIN:
        begin(process);
        return true;
    case MESSAGE_DECLARE_STORE:
        fail(declaration, begin_store(declaration, &message->declare_store));
        return true;
    case MESSAGE_DECLARE_SECRET:
        fail(declaration, add_secret(declaration, &message->declare_secret));
        return true;
    case MESSAGE_DECLARE_VALUE:
        fail(declaration, add_value(declaration, message->declare_value.value));
        return true;
    case MESSAGE_DECLARE_END:
        end(process);
        return true;
    default:
        return false;
    }
}
