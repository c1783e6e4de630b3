/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the chunked coding apart. Never copies data, never reads past the trailer section. */
#include "http/h1_chunked.h"

enum { SIZE_DIGITS_MAX = 16 };

void h1_chunked_init(struct h1_chunked *chunked, struct http_head *trailers)
{
    *chunked = (struct h1_chunked){.state = H1_CHUNKED_SIZE, .trailers = trailers};
    h1_scan_init_trailers(&chunked->trailer_scan, H1_TRAILERS_MAX);
}

static void fail(struct h1_chunked *chunked, int status, const char *why)
{
    chunked->state = H1_CHUNKED_FAULT;
    chunked->fault = (struct http_fault){status, why};
}

/* -1: not a hexadecimal digit. */
static int hex_digit(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void on_size_digit(struct h1_chunked *chunked, int digit)
{
    if (chunked->size_digits++ == SIZE_DIGITS_MAX)
        fail(chunked, 400, "a chunk size has too many digits");
    else
        chunked->chunk_left = chunked->chunk_left << 4 | (uint64_t)digit;
}

static void on_size(struct h1_chunked *chunked, char c)
{
    int digit = hex_digit(c);

    if (digit >= 0)
        on_size_digit(chunked, digit);
    else if (chunked->size_digits == 0)
        fail(chunked, 400, "a chunk size is missing");
    else if (c == '\r')
        chunked->state = H1_CHUNKED_SIZE_LF;
    else if (c == ';')
        chunked->state = H1_CHUNKED_EXTENSION;
    else
        fail(chunked, 400, "a chunk size is not hexadecimal");
}

static void on_extension(struct h1_chunked *chunked, char c)
{
    if (c == '\r')
        chunked->state = H1_CHUNKED_SIZE_LF;
    else if (!http_is_field_value(slice_of(&c, 1)))
        fail(chunked, 400, "a control character in a chunk extension");
    else if (++chunked->extensions_len > H1_CHUNK_EXTENSIONS_MAX)
        fail(chunked, 400, "too many chunk extensions");
}

static void on_size_lf(struct h1_chunked *chunked, char c)
{
    if (c != '\n')
        fail(chunked, 400, "a chunk size does not end in CRLF");
    else
        chunked->state = chunked->chunk_left > 0 ? H1_CHUNKED_DATA : H1_CHUNKED_TRAILERS;
}

static void on_data_end(struct h1_chunked *chunked, char c)
{
    bool is_cr = chunked->state == H1_CHUNKED_DATA_CR;

    if (c != (is_cr ? '\r' : '\n')) {
        fail(chunked, 400, "a chunk does not end in CRLF");
        return;
    }
    chunked->state = is_cr ? H1_CHUNKED_DATA_LF : H1_CHUNKED_SIZE;
    chunked->size_digits = 0;
}

/* One byte of what is between pieces of data. */
static void on_framing_byte(struct h1_chunked *chunked, char c)
{
    if (chunked->state == H1_CHUNKED_SIZE)
        on_size(chunked, c);
    else if (chunked->state == H1_CHUNKED_EXTENSION)
        on_extension(chunked, c);
    else if (chunked->state == H1_CHUNKED_SIZE_LF)
        on_size_lf(chunked, c);
    else
        on_data_end(chunked, c);
}

static void take_data(struct h1_chunked *chunked, struct slice *input, struct slice *piece)
{
    *piece =
        input->len < chunked->chunk_left ? *input : slice_take(*input, (size_t)chunked->chunk_left);
    *input = slice_skip(*input, piece->len);
    chunked->chunk_left -= piece->len;
    if (chunked->chunk_left == 0)
        chunked->state = H1_CHUNKED_DATA_CR;
}

static void split_trailers(struct h1_chunked *chunked)
{
    struct http_head *trailers = chunked->trailers;
    struct slice section = buffer_view(&trailers->storage);

    /* The scan let no more than HTTP_FIELDS_MAX pass. */
    while (h1_scan_next_field(&section, &trailers->fields[trailers->field_count]) &&
           ++trailers->field_count < HTTP_FIELDS_MAX)
        continue;
    chunked->state = H1_CHUNKED_END;
}

static void take_trailers(struct h1_chunked *chunked, struct slice *input)
{
    struct h1_scan *scan = &chunked->trailer_scan;
    size_t len = h1_scan_feed(scan, *input);

    if (scan->state == H1_SCAN_FAULT) {
        fail(chunked, scan->fault.status, scan->fault.why);
        return;
    }
    if (buffer_append(&chunked->trailers->storage, slice_take(*input, len)) != OK) {
        fail(chunked, 500, "out of memory");
        return;
    }
    *input = slice_skip(*input, len);
    if (scan->state == H1_SCAN_DONE)
        split_trailers(chunked);
}

void h1_chunked_next(struct h1_chunked *chunked, struct slice *input, struct slice *piece)
{
    *piece = SLICE_NONE;
    while (input->len > 0 && piece->len == 0 && chunked->state < H1_CHUNKED_END) {
        if (chunked->state == H1_CHUNKED_DATA) {
            take_data(chunked, input, piece);
        } else if (chunked->state == H1_CHUNKED_TRAILERS) {
            take_trailers(chunked, input);
        } else {
            on_framing_byte(chunked, input->data[0]);
            *input = slice_skip(*input, 1);
        }
    }
}
