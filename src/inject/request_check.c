/* SPDX-License-Identifier: Apache-2.0 */
/* Step 4 of the decision: may every token of a request head be replaced where it stands. Never sees
 * a value, and never lets a token pass that it did not judge. */
#include "inject/basic_credentials.h"
#include "inject/inject.h"
#include "inject/token_scan.h"

/* Why a token is refused: over all tokens, the first in this order wins. */
enum stage {
    STAGE_MEMORY, /* we could not look */
    STAGE_UNKNOWN,
    STAGE_PLAINTEXT,
    STAGE_PLACE,
    STAGE_HOST,
    STAGE_ALLOWED,
};

struct check {
    const struct inject_question *question;
    enum stage stage; /* the lowest so far */
    struct inject_finding *out;
};

static const enum refusal_code code_of_stage[] = {
    [STAGE_MEMORY] = REFUSAL_OVERLOADED,
    [STAGE_UNKNOWN] = REFUSAL_TOKEN_UNKNOWN,
    [STAGE_PLAINTEXT] = REFUSAL_TOKEN_PLAINTEXT,
    [STAGE_PLACE] = REFUSAL_TOKEN_PLACE_NOT_ALLOWED,
    [STAGE_HOST] = REFUSAL_SECRET_HOST_NOT_ALLOWED,
    [STAGE_ALLOWED] = REFUSAL_NONE,
};

static struct decision refusal_at(const struct check *check, enum stage stage,
                                  const struct view_secret *secret)
{
    struct decision refusal = {.verdict = VERDICT_DENY, .code = code_of_stage[stage]};

    if (secret != NULL) {
        refusal.secret = secret->name;
        refusal.store = check->question->view->layers[secret->layer].store_name;
    }
    return refusal;
}

static void lower(struct check *check, enum stage stage, struct decision refusal)
{
    if (stage >= check->stage)
        return;
    check->stage = stage;
    check->out->decision = refusal;
}

void inject_note_secret(struct inject_finding *out, struct slice name)
{
    for (size_t i = 0; i < out->secret_count; i++)
        if (slice_equals(out->secrets[i], name))
            return;
    if (out->secret_count < ARRAY_LEN(out->secrets))
        out->secrets[out->secret_count++] = name;
}

/* `field` is empty for a place where nothing is ever injected. */
static enum stage stage_of(const struct check *check, const struct view_secret *secret,
                           struct slice field)
{
    if (!check->question->is_tls)
        return STAGE_PLAINTEXT;
    if (field.len == 0 || !place_list_permits_field(secret->places, secret->place_count, field))
        return STAGE_PLACE;
    return STAGE_HOST;
}

static void judge(struct check *check, const struct token_sighting *sighting, struct slice field)
{
    const struct view_secret *secret =
        sighting->is_whole ? view_find_token(check->question->view, &sighting->token) : NULL;

    if (secret == NULL) {
        lower(check, STAGE_UNKNOWN, refusal_at(check, STAGE_UNKNOWN, NULL));
        return;
    }
    inject_note_secret(check->out, secret->name);

    enum stage stage = stage_of(check, secret, field);
    if (stage != STAGE_HOST) {
        lower(check, stage, refusal_at(check, stage, secret));
        return;
    }
    struct decision host = decision_for_secret(check->question->view, secret,
                                               check->question->target, check->question->settings);
    if (host.verdict != VERDICT_ALLOW)
        lower(check, STAGE_HOST, host);
    else
        check->out->has_tokens = true;
}

static void check_text(struct check *check, struct slice text, struct slice field)
{
    struct token_scan scan = token_scan_of(text);
    struct token_sighting sighting;

    while (token_scan_next(&scan, &sighting))
        judge(check, &sighting, field);
}

static int hex_value(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte at the front of `text`, percent-decoded (RFC 3986, 2.1), and how long it is there. */
static char decoded_byte(struct slice text, size_t *len)
{
    int high = text.len >= 3 && text.data[0] == '%' ? hex_value(text.data[1]) : -1;
    int low = high >= 0 ? hex_value(text.data[2]) : -1;

    *len = low >= 0 ? 3 : 1;
    return low >= 0 ? (char)(high * 16 + low) : text.data[0];
}

static enum error percent_decode(struct slice text, struct buffer *out)
{
    char *room;
    size_t written = 0, len;

    TRY(buffer_reserve(out, text.len, &room));
    for (; text.len > 0; text = slice_skip(text, len))
        room[written++] = decoded_byte(text, &len);
    buffer_commit(out, written);
    return OK;
}

static void fail(struct check *check)
{
    lower(check, STAGE_MEMORY, refusal_at(check, STAGE_MEMORY, NULL));
}

/* An origin, or a proxy before it, may decode a target once before it logs or echoes it. */
static void check_target(struct check *check, struct slice target)
{
    OWNED_STRUCT(buffer) *decoded = &(struct buffer){.limit = target.len};

    check_text(check, target, SLICE_NONE);
    if (slice_find(target, '%') == target.len)
        return;
    if (percent_decode(target, decoded) != OK)
        fail(check);
    else
        check_text(check, buffer_view(decoded), SLICE_NONE);
}

static void check_credentials(struct check *check, struct slice encoded, struct slice field)
{
    OWNED_STRUCT(buffer) *decoded = &(struct buffer){.limit = encoded.len + 3};
    enum error error = basic_credentials_decode(encoded, decoded);

    if (error == OK)
        check_text(check, buffer_view(decoded), field);
    else if (error != ERR_SYNTAX)
        fail(check);
}

static void check_field(struct check *check, const struct http_field *field)
{
    struct slice encoded;

    check_text(check, field->name, SLICE_NONE);
    check_text(check, field->value, field->name);
    if (basic_credentials_recognize(field->name, field->value, &encoded))
        check_credentials(check, encoded, field->name);
}

void inject_check_request(const struct inject_question *question, struct inject_finding *out)
{
    const struct http_head *head = question->head;
    struct slice path = question->request->path;
    struct check check = {.question = question, .stage = STAGE_ALLOWED, .out = out};

    *out = (struct inject_finding){.decision = {.verdict = VERDICT_ALLOW, .code = REFUSAL_NONE}};
    check_text(&check, head->method, SLICE_NONE);
    check_target(&check, head->target);
    if (path.data != head->target.data || path.len != head->target.len)
        check_target(&check, path);
    for (size_t i = 0; i < head->field_count; i++)
        check_field(&check, &head->fields[i]);
    if (check.stage != STAGE_ALLOWED)
        out->has_tokens = false;
}
