#include "bench/request_trace.h"

#include "base/file.h"
#include "base/random.h"
#include "model/json_read.h"
#include "text/ids.h"

#include <assert.h>
#include <cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILE_MAX = 1 << 28,
    N_REQUESTS_MOST = 1000000,
    N_IDS_MOST = 1 << 26, /* of all prompts: 256 MiB */
    N_TOKENS_MOST = 1 << 24,
    N_COLUMNS_MOST = 64,
    QUOTED = 40 /* of a cell, in a sentence */
};
static const double ARRIVAL_MOST = 1e9; /* 31 years */

enum column {
    ARRIVAL_S,
    OUTPUT_TOKENS,
    PROMPT_TOKENS,
    PROMPT,
    PROMPT_IDS,
    PREFIX_GROUP,
    PREFIX_TOKENS,
    N_COLUMNS
};
static const char *const COLUMNS[N_COLUMNS + 1] = {
    "arrival_s",  "output_tokens", "prompt_tokens", "prompt",
    "prompt_ids", "prefix_group",  "prefix_tokens", NULL};

/* A request, and where its prompt begins while `ids` still moves. */
struct entry {
    struct fl_request request;
    size_t first_id;
    int line;
};

struct reader {
    const struct fl_request_trace_options *options;
    const char *source;
    struct fl_error *error;
    int line; /* of the row being read */
    struct entry *entries;
    int n, capacity;
    int *ids;
    size_t n_ids, ids_capacity;
    const char *cells[N_COLUMNS]; /* of the row; NULL: missing */
};

/* ---- refusing ---- */

static int refuse(const struct reader *r, enum column column, const char *expected)
{
    const char *cell = r->cells[column];
    if (!cell)
        return fl_fail(r->error, "%s:%d: %s: expected %s, it is missing", r->source, r->line,
                       COLUMNS[column], expected);
    return fl_fail(r->error, "%s:%d: %s: expected %s, got '%.*s'%s", r->source, r->line,
                   COLUMNS[column], expected, QUOTED, cell, strlen(cell) > QUOTED ? "..." : "");
}

static int no_memory(const struct reader *r)
{
    return fl_fail(r->error, "%s:%d: not enough memory for %d requests with %zu ids", r->source,
                   r->line, r->n, r->n_ids);
}

/* ---- cells ---- */

static int read_arrival(const struct reader *r, double *arrival_s)
{
    static const char EXPECTED[] = "seconds of 0 .. 1e9";
    const char *cell = r->cells[ARRIVAL_S];
    char *end;
    if (!cell)
        return refuse(r, ARRIVAL_S, EXPECTED);
    *arrival_s = strtod(cell, &end);
    if (end == cell || *end || !isfinite(*arrival_s) || *arrival_s < 0 || *arrival_s > ARRIVAL_MOST)
        return refuse(r, ARRIVAL_S, EXPECTED);
    return FL_OK;
}

/* Whole numbers are written in digits. */
static int read_count(const struct reader *r, enum column column, int least, int *value)
{
    char expected[64], *end;
    const char *cell = r->cells[column];
    snprintf(expected, sizeof expected, "a whole number of %d .. %d", least, N_TOKENS_MOST);
    if (!cell || cell[0] < '0' || cell[0] > '9')
        return refuse(r, column, expected);
    errno = 0;
    const long long number = strtoll(cell, &end, 10);
    if (errno != 0 || *end || number < least || number > N_TOKENS_MOST)
        return refuse(r, column, expected);
    *value = (int)number;
    return FL_OK;
}

/* ---- prompts ---- */

static int reserve_ids(struct reader *r, size_t n)
{
    if (n > N_IDS_MOST - r->n_ids)
        return fl_fail(r->error, "%s:%d: prompts: expected at most %d tokens in all", r->source,
                       r->line, N_IDS_MOST);
    if (r->n_ids + n <= r->ids_capacity)
        return FL_OK;
    size_t capacity = r->ids_capacity ? r->ids_capacity : 4096;
    while (capacity < r->n_ids + n)
        capacity *= 2;
    int *grown = realloc(r->ids, capacity * sizeof *grown);
    if (!grown)
        return no_memory(r);
    r->ids = grown;
    r->ids_capacity = capacity;
    return FL_OK;
}

static uint64_t seed_of_group(uint64_t seed, const char *name)
{
    uint64_t state = seed ^ UINT64_C(0x67726f7570); /* "group" */
    for (; *name; name++)
        state = fl_random_next(&state) ^ (uint64_t)(unsigned char)*name;
    return state;
}

static void random_ids(int *ids, int n, int vocab_size, uint64_t state)
{
    for (int i = 0; i < n; i++)
        ids[i] = (int)(fl_random_next(&state) % (uint64_t)vocab_size);
}

static int random_prompt(struct reader *r, int n)
{
    int n_shared = 0;
    if (r->cells[PREFIX_GROUP]) {
        n_shared = n;
        if (r->cells[PREFIX_TOKENS] && read_count(r, PREFIX_TOKENS, 0, &n_shared) != FL_OK)
            return FL_FAILED;
        if (n_shared > n)
            n_shared = n;
    }
    if (reserve_ids(r, (size_t)n) != FL_OK)
        return FL_FAILED;
    int *ids = r->ids + r->n_ids;
    if (n_shared > 0)
        random_ids(ids, n_shared, r->options->vocab_size,
                   seed_of_group(r->options->seed, r->cells[PREFIX_GROUP]));
    uint64_t state = r->options->seed + (uint64_t)r->n;
    random_ids(ids + n_shared, n - n_shared, r->options->vocab_size, fl_random_next(&state));
    r->n_ids += (size_t)n;
    return FL_OK;
}

static int encode_prompt(const struct reader *r, int **ids, size_t *n)
{
    if (!r->options->tokenizer)
        return fl_fail(r->error,
                       "%s:%d: prompt: expected prompt_tokens or prompt_ids, the model has no "
                       "tokenizer for text",
                       r->source, r->line);
    return fl_tokenizer_encode(r->options->tokenizer, r->cells[PROMPT], strlen(r->cells[PROMPT]),
                               true, ids, n, r->error);
}

static int parse_prompt_ids(const struct reader *r, int **ids, size_t *n)
{
    const char *cell = r->cells[PROMPT_IDS];
    struct fl_error error;
    if (fl_ids_parse(ids, n, cell, strlen(cell), r->options->vocab_size, "prompt_ids", &error) !=
        FL_OK)
        return fl_fail(r->error, "%s:%d: %s", r->source, r->line, error.text);
    return FL_OK;
}

static int given_prompt(struct reader *r, size_t *n)
{
    int *ids = NULL;
    *n = 0;
    int status = r->cells[PROMPT] ? encode_prompt(r, &ids, n) : parse_prompt_ids(r, &ids, n);
    if (status == FL_OK && *n == 0)
        status = refuse(r, r->cells[PROMPT] ? PROMPT : PROMPT_IDS, "at least one token");
    if (status == FL_OK)
        status = reserve_ids(r, *n);
    if (status == FL_OK) {
        memcpy(r->ids + r->n_ids, ids, *n * sizeof *ids);
        r->n_ids += *n;
    }
    free(ids);
    return status;
}

/* The last token of the output is never run: the others must fit. */
static int check_fit(const struct reader *r, size_t n_prompt, int n_output)
{
    if (n_prompt + (size_t)n_output - 1 <= (size_t)r->options->n_ctx)
        return FL_OK;
    return fl_fail(r->error,
                   "%s:%d: %s: %zu tokens of prompt and %d of output do not fit, expected at most "
                   "the context of %d",
                   r->source, r->line,
                   n_prompt > (size_t)r->options->n_ctx ? "prompt_tokens" : "output_tokens",
                   n_prompt, n_output, r->options->n_ctx);
}

static int read_prompt(struct reader *r, struct fl_request *request)
{
    const int n_given = !!r->cells[PROMPT_TOKENS] + !!r->cells[PROMPT] + !!r->cells[PROMPT_IDS];
    size_t n = 0;
    if (n_given != 1)
        return fl_fail(r->error,
                       "%s:%d: prompt_tokens: expected one of prompt_tokens, prompt and "
                       "prompt_ids, got %s",
                       r->source, r->line, n_given ? "several" : "none");
    if (r->cells[PROMPT_TOKENS]) {
        /* checked before memory is taken for it */
        if (read_count(r, PROMPT_TOKENS, 1, &request->n_prompt) != FL_OK ||
            check_fit(r, (size_t)request->n_prompt, request->n_output) != FL_OK)
            return FL_FAILED;
        return random_prompt(r, request->n_prompt);
    }
    if (given_prompt(r, &n) != FL_OK || check_fit(r, n, request->n_output) != FL_OK)
        return FL_FAILED;
    request->n_prompt = (int)n;
    return FL_OK;
}

/* ---- rows ---- */

static int grow_entries(struct reader *r)
{
    if (r->n == N_REQUESTS_MOST)
        return fl_fail(r->error, "%s:%d: expected at most %d requests", r->source, r->line,
                       N_REQUESTS_MOST);
    if (r->n < r->capacity)
        return FL_OK;
    const int capacity = r->capacity ? 2 * r->capacity : 256;
    struct entry *grown = realloc(r->entries, (size_t)capacity * sizeof *grown);
    if (!grown)
        return no_memory(r);
    r->entries = grown;
    r->capacity = capacity;
    return FL_OK;
}

/* What `cells` holds becomes a request. */
static int take_row(struct reader *r)
{
    struct entry entry = {.first_id = r->n_ids, .line = r->line};
    for (int i = 0; i < N_COLUMNS; i++)
        if (r->cells[i] && r->cells[i][0] == '\0')
            r->cells[i] = NULL;
    if (grow_entries(r) != FL_OK || read_arrival(r, &entry.request.arrival_s) != FL_OK ||
        read_count(r, OUTPUT_TOKENS, 1, &entry.request.n_output) != FL_OK ||
        read_prompt(r, &entry.request) != FL_OK)
        return FL_FAILED;
    r->entries[r->n++] = entry;
    return FL_OK;
}

/* ---- CSV: RFC 4180, and lines that begin with '#' are comments ---- */

struct csv {
    char *at, *end;
    int line; /* of `at` */
};

/* Decodes one cell in place; *last says that its row ends with it. */
static int csv_cell(const struct reader *r, struct csv *csv, char **cell, bool *last)
{
    char *out = csv->at;
    bool quoted = csv->at < csv->end && *csv->at == '"';
    *cell = out;
    csv->at += quoted;
    for (;; csv->at++) {
        if (csv->at == csv->end && quoted)
            return fl_fail(r->error, "%s:%d: expected a closing quotation mark", r->source,
                           r->line);
        if (csv->at == csv->end)
            break;
        const char c = *csv->at;
        if (c == '\0')
            return fl_fail(r->error, "%s:%d: expected text, got a zero byte", r->source, csv->line);
        if (quoted && c == '"') {
            if (csv->at + 1 < csv->end && csv->at[1] == '"')
                csv->at++;
            else {
                quoted = false;
                continue;
            }
        } else if (!quoted && (c == ',' || c == '\n' || c == '\r')) {
            break;
        }
        csv->line += c == '\n';
        *out++ = *csv->at;
    }
    *last = csv->at == csv->end || *csv->at != ',';
    if (csv->at < csv->end && *csv->at == '\r')
        csv->at++;
    if (csv->at < csv->end && *csv->at == '\n')
        csv->line++;
    csv->at += csv->at < csv->end && (*csv->at == ',' || *csv->at == '\n');
    *out = '\0';
    return FL_OK;
}

/* Empty lines and comments. */
static void csv_skip(struct csv *csv)
{
    while (csv->at < csv->end && (*csv->at == '\n' || *csv->at == '\r' || *csv->at == '#')) {
        while (csv->at < csv->end && *csv->at != '\n')
            csv->at++;
        csv->at += csv->at < csv->end;
        csv->line++;
    }
}

static int csv_row(struct reader *r, struct csv *csv, char *cells[N_COLUMNS_MOST], int *n)
{
    bool last = false;
    r->line = csv->line;
    for (*n = 0; !last; ++*n) {
        if (*n == N_COLUMNS_MOST)
            return fl_fail(r->error, "%s:%d: expected at most %d columns", r->source, r->line,
                           N_COLUMNS_MOST);
        if (csv_cell(r, csv, &cells[*n], &last) != FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}

static int find_column(const char *name)
{
    for (int i = 0; i < N_COLUMNS; i++)
        if (strcmp(name, COLUMNS[i]) == 0)
            return i;
    return N_COLUMNS;
}

static int unknown_column(const struct reader *r, const char *name)
{
    return fl_fail(r->error,
                   "%s:%d: header: expected arrival_s, output_tokens, prompt_tokens, prompt, "
                   "prompt_ids, prefix_group or prefix_tokens, got '%.*s'",
                   r->source, r->line, QUOTED, name);
}

static int read_header(struct reader *r, struct csv *csv, int columns[N_COLUMNS_MOST], int *n)
{
    char *cells[N_COLUMNS_MOST];
    bool seen[N_COLUMNS] = {false};
    csv_skip(csv);
    if (csv_row(r, csv, cells, n) != FL_OK)
        return FL_FAILED;
    for (int i = 0; i < *n; i++) {
        columns[i] = find_column(cells[i]);
        if (columns[i] == N_COLUMNS)
            return unknown_column(r, cells[i]);
        if (seen[columns[i]])
            return fl_fail(r->error, "%s:%d: header: expected %s once", r->source, r->line,
                           cells[i]);
        seen[columns[i]] = true;
    }
    if (!seen[ARRIVAL_S] || !seen[OUTPUT_TOKENS])
        return fl_fail(r->error, "%s:%d: header: expected a column %s", r->source, r->line,
                       seen[ARRIVAL_S] ? "output_tokens" : "arrival_s");
    return FL_OK;
}

static int read_csv(struct reader *r, char *text, size_t size)
{
    struct csv csv = {text, text + size, 1};
    int columns[N_COLUMNS_MOST], n_columns;
    if (read_header(r, &csv, columns, &n_columns) != FL_OK)
        return FL_FAILED;
    for (csv_skip(&csv); csv.at < csv.end; csv_skip(&csv)) {
        char *cells[N_COLUMNS_MOST];
        int n;
        if (csv_row(r, &csv, cells, &n) != FL_OK)
            return FL_FAILED;
        if (n != n_columns)
            return fl_fail(r->error, "%s:%d: expected %d cells as in the header, got %d", r->source,
                           r->line, n_columns, n);
        memset(r->cells, 0, sizeof r->cells);
        for (int i = 0; i < n; i++)
            r->cells[columns[i]] = cells[i];
        if (take_row(r) != FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}

/* ---- JSON Lines ---- */

/* The value as a cell would have it; the caller frees it. */
static char *json_cell(const cJSON *item)
{
    if (cJSON_IsString(item))
        return strdup(item->valuestring);
    char *text = cJSON_PrintUnformatted(item);
    if (text && cJSON_IsArray(item)) /* of ids */
        for (char *c = text; *c; c++)
            if (*c == '[' || *c == ']')
                *c = ' ';
    return text;
}

static int read_json_row(struct reader *r, const char *text, size_t size)
{
    cJSON *root;
    char where[4200], *owned[N_COLUMNS] = {NULL};
    snprintf(where, sizeof where, "%s:%d", r->source, r->line);
    if (fl_json_parse(&root, text, size, where, r->error) != FL_OK)
        return FL_FAILED;
    const struct fl_json json = {root, where, r->error};
    int status = FL_OK;
    const cJSON *child;
    cJSON_ArrayForEach(child, root) if (find_column(child->string) == N_COLUMNS) status =
        unknown_column(r, child->string);
    memset(r->cells, 0, sizeof r->cells);
    for (int i = 0; i < N_COLUMNS && status == FL_OK; i++) {
        const cJSON *item;
        status = fl_json_find(&json, COLUMNS[i], &item);
        if (status != FL_OK || !item)
            continue;
        r->cells[i] = owned[i] = json_cell(item);
        if (!owned[i])
            status = no_memory(r);
    }
    cJSON_Delete(root);
    if (status == FL_OK)
        status = take_row(r);
    for (int i = 0; i < N_COLUMNS; i++)
        free(owned[i]);
    return status;
}

static int read_json_lines(struct reader *r, const char *text, size_t size)
{
    const char *end = text + size;
    for (r->line = 1; text < end; r->line++) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        const size_t length = (size_t)((stop ? stop : end) - text);
        if (strspn(text, " \t\r") < length && read_json_row(r, text, length) != FL_OK)
            return FL_FAILED;
        text += length + (stop != NULL);
    }
    return FL_OK;
}

/* ---- both ---- */

/* By arrival; those that arrive together as they stand in the file. */
static int compare(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->request.arrival_s != y->request.arrival_s)
        return x->request.arrival_s < y->request.arrival_s ? -1 : 1;
    return (x->first_id > y->first_id) - (x->first_id < y->first_id);
}

static int hand_over(struct reader *r, struct fl_request_trace *trace)
{
    if (r->n == 0)
        return fl_fail(r->error, "%s: expected at least one request behind the header, got none",
                       r->source);
    trace->requests = calloc((size_t)r->n, sizeof *trace->requests);
    trace->lines = calloc((size_t)r->n, sizeof *trace->lines);
    if (!trace->requests || !trace->lines)
        return no_memory(r);
    qsort(r->entries, (size_t)r->n, sizeof *r->entries, compare);
    trace->n = r->n;
    trace->ids = r->ids;
    r->ids = NULL;
    for (int i = 0; i < r->n; i++) {
        trace->requests[i] = r->entries[i].request;
        trace->requests[i].prompt = trace->ids + r->entries[i].first_id;
        trace->lines[i] = r->entries[i].line;
    }
    return FL_OK;
}

int fl_request_trace_parse(struct fl_request_trace *trace, const char *text, size_t size,
                           const char *source, const struct fl_request_trace_options *options,
                           struct fl_error *error)
{
    static const char BOM[] = "\xef\xbb\xbf";
    struct reader reader = {.options = options, .source = source, .error = error, .line = 1};
    assert(options->vocab_size > 0 && options->n_ctx > 0);
    *trace = (struct fl_request_trace){0};
    char *copy = malloc(size + 1); /* cells are decoded in place */
    if (!copy)
        return fl_fail(error, "%s: not enough memory for %zu bytes", source, size);
    memcpy(copy, text, size);
    copy[size] = '\0';
    const size_t skipped = strncmp(copy, BOM, 3) == 0 ? 3 : 0;
    const size_t blank = strspn(copy + skipped, " \t\r\n");
    int status;
    if (skipped + blank == size)
        status = fl_fail(error, "%s: expected a header and requests, the file is empty", source);
    else if (copy[skipped + blank] == '{')
        status = read_json_lines(&reader, copy + skipped, size - skipped);
    else
        status = read_csv(&reader, copy + skipped, size - skipped);
    if (status == FL_OK)
        status = hand_over(&reader, trace);
    if (status != FL_OK)
        fl_request_trace_close(trace);
    free(reader.entries);
    free(reader.ids);
    free(copy);
    return status;
}

int fl_request_trace_read(struct fl_request_trace *trace, const char *path,
                          const struct fl_request_trace_options *options, struct fl_error *error)
{
    char *text;
    size_t size;
    *trace = (struct fl_request_trace){0};
    if (fl_file_read(&text, &size, path, FILE_MAX, error) != FL_OK)
        return FL_FAILED;
    const char *source = strcmp(path, "-") == 0 ? "standard input" : path;
    const int status = fl_request_trace_parse(trace, text, size, source, options, error);
    free(text);
    return status;
}

void fl_request_trace_close(struct fl_request_trace *trace)
{
    free(trace->requests);
    free(trace->lines);
    free(trace->ids);
    *trace = (struct fl_request_trace){0};
}
