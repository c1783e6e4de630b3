/* SPDX-License-Identifier: Apache-2.0 */
/* Rewrites one direction of a WebSocket. Never writes a frame that it would not read itself. */
#include "inject/websocket_rewriter.h"

#include "inject/text_injector.h"

#include <stdlib.h>

enum { WAITING_MAX = 4 * 1024 * 1024 }; /* more than any stream gives in one piece */
enum { MESSAGE_MAX = 1024 * 1024 };

/* A value that is split over two of them is not one. */
enum content { CONTENT_TEXT, CONTENT_BINARY, CONTENT_CONTROL, CONTENTS };

struct websocket_rewriter {
    struct websocket_reader reader;
    struct websocket_writer writer;
    struct text_injector *injector;       /* of text; NULL: nothing is injected */
    struct redactor *redactors[CONTENTS]; /* NULL: nothing is hidden */
    struct buffer waiting;                /* read when there is room for what it becomes */
    struct buffer message;                /* of the data message under way, not yet in a frame */
    struct buffer control;                /* of the control frame under way, as it came */
    enum websocket_opcode kind;           /* of that message */
    bool has_more;
};

static enum error rewriter_new(enum websocket_role role, struct websocket_rewriter **out)
{
    struct websocket_rewriter *rewriter = calloc(1, sizeof(*rewriter));

    if (rewriter == NULL)
        return ERR_NO_MEMORY;
    websocket_reader_init(&rewriter->reader, role);
    rewriter->writer.role = role;
    buffer_init(&rewriter->waiting, WAITING_MAX);
    buffer_init(&rewriter->message, MESSAGE_MAX);
    buffer_init(&rewriter->control, WEBSOCKET_CONTROL_MAX);
    *out = rewriter;
    return OK;
}

enum error websocket_rewriter_new_injecting(struct inject_values *values,
                                            struct decision_settings settings,
                                            struct inject_finding *finding,
                                            struct websocket_rewriter **out)
{
    OWNED_STRUCT(websocket_rewriter) *rewriter = NULL;

    TRY(rewriter_new(WEBSOCKET_FROM_CLIENT, &rewriter));
    TRY(text_injector_new(values, settings, finding, &rewriter->injector));
    *out = TAKE(rewriter);
    return OK;
}

enum error websocket_rewriter_new_hiding(struct inject_values *values,
                                         struct websocket_rewriter **out)
{
    OWNED_STRUCT(websocket_rewriter) *rewriter = NULL;

    TRY(rewriter_new(WEBSOCKET_FROM_SERVER, &rewriter));
    for (size_t i = 0; i < CONTENTS && inject_values_redact(values); i++)
        TRY(redactor_new(values, i != CONTENT_TEXT, &rewriter->redactors[i]));
    *out = TAKE(rewriter);
    return OK;
}

void websocket_rewriter_free(struct websocket_rewriter *rewriter)
{
    if (rewriter == NULL)
        return;
    text_injector_free(rewriter->injector);
    for (size_t i = 0; i < CONTENTS; i++)
        redactor_free(rewriter->redactors[i]);
    buffer_clear(&rewriter->waiting);
    buffer_clear(&rewriter->message);
    buffer_clear(&rewriter->control);
    free(rewriter);
}

static enum content content_of(enum websocket_opcode opcode)
{
    if (websocket_is_control(opcode))
        return CONTENT_CONTROL;
    return opcode == WEBSOCKET_TEXT ? CONTENT_TEXT : CONTENT_BINARY;
}

static enum error transform(struct websocket_rewriter *rewriter, enum content content,
                            struct slice piece, struct buffer *out)
{
    if (rewriter->injector != NULL && content == CONTENT_TEXT)
        return text_injector_feed(rewriter->injector, piece, out);
    if (rewriter->redactors[content] != NULL)
        return redactor_feed(rewriter->redactors[content], piece, out);
    return buffer_append(out, piece);
}

static enum error transform_end(struct websocket_rewriter *rewriter, enum content content,
                                struct buffer *out)
{
    if (rewriter->injector != NULL && content == CONTENT_TEXT)
        return text_injector_finish(rewriter->injector, out);
    if (rewriter->redactors[content] != NULL)
        return redactor_finish(rewriter->redactors[content], out);
    return OK;
}

static enum error write_message(struct websocket_rewriter *rewriter, bool is_last,
                                struct buffer *out)
{
    TRY(websocket_writer_data(&rewriter->writer, rewriter->kind, is_last,
                              buffer_view(&rewriter->message), out));
    buffer_reset(&rewriter->message);
    return OK;
}

/* What is known of the message goes on. */
static enum error flush_message(struct websocket_rewriter *rewriter, struct buffer *out)
{
    return buffer_len(&rewriter->message) > 0 ? write_message(rewriter, false, out) : OK;
}

static enum error take_payload(struct websocket_rewriter *rewriter, struct slice piece)
{
    enum content content = content_of(rewriter->reader.opcode);

    if (content == CONTENT_CONTROL)
        return buffer_append(&rewriter->control, piece);
    rewriter->kind = rewriter->reader.opcode;
    return transform(rewriter, content, piece, &rewriter->message);
}

/* It comes where it came, between the parts of a message. */
static enum error end_control(struct websocket_rewriter *rewriter, struct buffer *out)
{
    OWNED_STRUCT(buffer) *payload = &(struct buffer){.limit = WEBSOCKET_CONTROL_MAX};

    TRY(flush_message(rewriter, out));
    TRY(transform(rewriter, CONTENT_CONTROL, buffer_view(&rewriter->control), payload));
    TRY(transform_end(rewriter, CONTENT_CONTROL, payload));
    buffer_reset(&rewriter->control);
    return websocket_writer_control(&rewriter->writer, rewriter->reader.opcode,
                                    buffer_view(payload), out);
}

static enum error end_frame(struct websocket_rewriter *rewriter, struct buffer *out)
{
    enum content content = content_of(rewriter->reader.opcode);

    if (content == CONTENT_CONTROL)
        return end_control(rewriter, out);
    if (!rewriter->reader.is_last)
        return OK;
    rewriter->kind = rewriter->reader.opcode;
    TRY(transform_end(rewriter, content, &rewriter->message));
    return write_message(rewriter, true, out);
}

static bool is_full(const struct websocket_rewriter *rewriter, const struct buffer *out)
{
    return buffer_len(&rewriter->message) + buffer_len(out) >= WEBSOCKET_REWRITER_STEP;
}

/* ERR_AGAIN: all of the input was read, or `out` is full. */
static enum error rewrite_event(struct websocket_rewriter *rewriter, struct slice *input,
                                struct buffer *out)
{
    struct slice piece;

    if (is_full(rewriter, out))
        return ERR_AGAIN;
    switch (websocket_reader_next(&rewriter->reader, input, &piece)) {
    case WEBSOCKET_PAYLOAD:
        return take_payload(rewriter, piece);
    case WEBSOCKET_FRAME_END:
        return end_frame(rewriter, out);
    case WEBSOCKET_FAULT:
        return ERR_SYNTAX;
    default:
        return ERR_AGAIN;
    }
}

/* A fault waits until what came before it is on its way. */
static enum error rewrite(struct websocket_rewriter *rewriter, struct slice *input,
                          struct buffer *out)
{
    enum error error;

    while ((error = rewrite_event(rewriter, input, out)) == OK)
        ;
    rewriter->has_more = is_full(rewriter, out);
    TRY(error == ERR_AGAIN || error == ERR_SYNTAX ? flush_message(rewriter, out) : error);
    if (error == ERR_SYNTAX && buffer_len(out) == 0)
        return ERR_SYNTAX;
    rewriter->has_more |= error == ERR_SYNTAX;
    buffer_clear(&rewriter->message); /* empty: an idle WebSocket holds no memory */
    return OK;
}

enum error websocket_rewriter_push(struct websocket_rewriter *rewriter, struct slice piece,
                                   struct buffer *out)
{
    if (buffer_len(&rewriter->waiting) == 0) {
        TRY(rewrite(rewriter, &piece, out));
        return buffer_append(&rewriter->waiting, piece);
    }
    TRY(buffer_append(&rewriter->waiting, piece));
    struct slice held = buffer_view(&rewriter->waiting), rest = held;
    TRY(rewrite(rewriter, &rest, out));
    buffer_consume(&rewriter->waiting, held.len - rest.len);
    if (rest.len == 0)
        buffer_clear(&rewriter->waiting);
    return OK;
}

bool websocket_rewriter_has_more(const struct websocket_rewriter *rewriter)
{
    return rewriter->has_more;
}

bool websocket_rewriter_is_closed(const struct websocket_rewriter *rewriter)
{
    return rewriter->reader.is_closed;
}

enum error websocket_rewriter_close(struct websocket_rewriter *rewriter, uint16_t status,
                                    struct slice reason, struct buffer *out)
{
    if (rewriter->reader.is_closed)
        return OK;
    return websocket_writer_close(&rewriter->writer, status, reason, out);
}

size_t websocket_rewriter_injected(const struct websocket_rewriter *rewriter)
{
    bool injects = rewriter != NULL && rewriter->injector != NULL;

    return injects ? text_injector_count(rewriter->injector) : 0;
}

size_t websocket_rewriter_hidden(const struct websocket_rewriter *rewriter)
{
    size_t hidden = 0;

    for (size_t i = 0; i < CONTENTS && rewriter != NULL; i++)
        if (rewriter->redactors[i] != NULL)
            hidden += redactor_hits(rewriter->redactors[i]);
    return hidden;
}
