/* Trace files: what is read, and one sentence with file, line and field for what is not. */
#include "bench/request_trace.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VOCAB_SIZE = 100, N_CTX = 64 };

static int parse(struct fl_request_trace *trace, const char *text, struct fl_error *error)
{
    const struct fl_request_trace_options options = {
        .vocab_size = VOCAB_SIZE, .n_ctx = N_CTX, .seed = 3};
    return fl_request_trace_parse(trace, text, strlen(text), "t.csv", &options, error);
}

static struct fl_request_trace read_good(const char *text)
{
    struct fl_request_trace trace;
    struct fl_error error;
    cr_assert(parse(&trace, text, &error) == FL_OK, "%s", error.text);
    for (int i = 0; i < trace.n; i++)
        for (int k = 0; k < trace.requests[i].n_prompt; k++)
            cr_assert(trace.requests[i].prompt[k] >= 0 && trace.requests[i].prompt[k] < VOCAB_SIZE);
    return trace;
}

Test(request_trace, reads_csv_and_sorts_by_arrival)
{
    struct fl_request_trace trace = read_good("\xef\xbb\xbf# a comment\r\n"
                                              "output_tokens,arrival_s,\"prompt_tokens\"\r\n"
                                              "3,2.5,10\r\n"
                                              "\r\n"
                                              "4,0,\"20\"\r\n"
                                              "5,2.5,30");
    static const int PROMPTS[] = {20, 10, 30}, OUTPUTS[] = {4, 3, 5}, LINES[] = {5, 3, 6};
    static const double ARRIVALS[] = {0, 2.5, 2.5};
    cr_assert_eq(trace.n, 3);
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(trace.requests[i].n_prompt, PROMPTS[i]);
        cr_expect_eq(trace.requests[i].n_output, OUTPUTS[i]);
        cr_expect_eq(trace.requests[i].arrival_s, ARRIVALS[i]);
        cr_expect_eq(trace.lines[i], LINES[i]);
    }
    fl_request_trace_close(&trace);
}

Test(request_trace, reads_json_lines)
{
    struct fl_request_trace trace =
        read_good("{\"arrival_s\": 1, \"output_tokens\": 2, \"prompt_ids\": [5, 6, 7]}\n"
                  "\n"
                  "{\"arrival_s\": 0.5, \"output_tokens\": 3, \"prompt_tokens\": 4, "
                  "\"prefix_group\": null}\n");
    static const int IDS[] = {5, 6, 7};
    cr_assert_eq(trace.n, 2);
    cr_expect_eq(trace.requests[0].n_prompt, 4);
    cr_expect_eq(trace.lines[0], 3);
    cr_expect_eq(trace.requests[1].n_prompt, 3);
    cr_expect_arr_eq(trace.requests[1].prompt, IDS, sizeof IDS);
    fl_request_trace_close(&trace);
}

/* Prompts of a group begin alike for as long as they say; others differ; all are seeded. */
Test(request_trace, groups_begin_alike)
{
    static const char TEXT[] = "arrival_s,prompt_tokens,output_tokens,prefix_group,prefix_tokens\n"
                               "0,30,1,a,20\n"
                               "1,40,1,a,20\n"
                               "2,30,1,b,20\n"
                               "3,30,1,,\n"
                               "4,10,1,b,\n";
    struct fl_request_trace trace = read_good(TEXT), again = read_good(TEXT);
    const struct fl_request *r = trace.requests;
    cr_expect_arr_eq(r[0].prompt, r[1].prompt, 20 * sizeof(int));
    cr_expect_neq(memcmp(r[0].prompt + 20, r[1].prompt + 20, 10 * sizeof(int)), 0);
    cr_expect_neq(memcmp(r[0].prompt, r[2].prompt, 10 * sizeof(int)), 0);
    cr_expect_neq(memcmp(r[0].prompt, r[3].prompt, 10 * sizeof(int)), 0);
    cr_expect_arr_eq(r[2].prompt, r[4].prompt, 10 * sizeof(int));
    for (int i = 0; i < trace.n; i++)
        cr_expect_arr_eq(r[i].prompt, again.requests[i].prompt,
                         (size_t)r[i].n_prompt * sizeof(int));
    fl_request_trace_close(&again);
    fl_request_trace_close(&trace);
}

Test(request_trace, text_prompts_go_through_the_tokenizer)
{
    struct fl_request_trace trace;
    struct fl_error error;
    struct fl_request_trace_options options = {.vocab_size = 256, .n_ctx = N_CTX};
    static const char TEXT[] = "arrival_s,output_tokens,prompt\n"
                               "0,1,\"Say \"\"yes\"\",\nor no\"\n"
                               "1,1,Hi\n";
    cr_assert(fl_tokenizer_open(&options.tokenizer, NULL, "bytes", 256, &error) == FL_OK, "%s",
              error.text);
    cr_assert(fl_request_trace_parse(&trace, TEXT, strlen(TEXT), "t.csv", &options, &error) ==
                  FL_OK,
              "%s", error.text);
    static const char PROMPT[] = "Say \"yes\",\nor no";
    cr_assert_eq(trace.requests[0].n_prompt, (int)strlen(PROMPT));
    for (size_t i = 0; i < strlen(PROMPT); i++)
        cr_expect_eq(trace.requests[0].prompt[i], PROMPT[i]);
    cr_expect_eq(trace.lines[1], 4, "a line break within a cell counts");
    fl_request_trace_close(&trace);
    fl_tokenizer_close(options.tokenizer);
}

/* ---- refusals ---- */

#define HEADER "arrival_s,prompt_tokens,output_tokens\n"

static const struct {
    const char *text, *sentence[3]; /* parts of it */
} BAD[] = {
    {"", {"t.csv", "empty", ""}},
    {" \n\n", {"t.csv", "empty", ""}},
    {"# nothing\n", {"t.csv:2", "header", ""}},
    {HEADER, {"t.csv", "at least one request", "none"}},
    {"0,5,5\n", {"t.csv:1: header", "arrival_s", "got '0'"}},
    {"arrival_s,prompt_tokens\n0,5\n", {"t.csv:1: header", "output_tokens", ""}},
    {"output_tokens,prompt_tokens\n0,5\n", {"t.csv:1: header", "arrival_s", ""}},
    {"arrival_s,arrival_s,output_tokens\n", {"t.csv:1: header", "once", ""}},
    {"arrival_s,output_tokens,prompt_tokens,tempo\n", {"t.csv:1: header", "got 'tempo'", ""}},
    {HEADER "0,5,5\n-1,5,5\n", {"t.csv:3: arrival_s", "got '-1'", ""}},
    {HEADER "nan,5,5\n", {"t.csv:2: arrival_s", "got 'nan'", ""}},
    {HEADER "inf,5,5\n", {"t.csv:2: arrival_s", "got 'inf'", ""}},
    {HEADER "1e300,5,5\n", {"t.csv:2: arrival_s", "got '1e300'", ""}},
    {HEADER "1x,5,5\n", {"t.csv:2: arrival_s", "got '1x'", ""}},
    {HEADER ",5,5\n", {"t.csv:2: arrival_s", "missing", ""}},
    {HEADER "0,-5,5\n", {"t.csv:2: prompt_tokens", "got '-5'", ""}},
    {HEADER "0,0,5\n", {"t.csv:2: prompt_tokens", "got '0'", ""}},
    {HEADER "0,5,0\n", {"t.csv:2: output_tokens", "got '0'", ""}},
    {HEADER "0,5.5,5\n", {"t.csv:2: prompt_tokens", "got '5.5'", ""}},
    {HEADER "0, 5,5\n", {"t.csv:2: prompt_tokens", "got ' 5'", ""}},
    {HEADER "0,5,99999999999999999999\n", {"t.csv:2: output_tokens", "got '9999", ""}},
    {HEADER "0,16777217,1\n", {"t.csv:2: prompt_tokens", "16777216", ""}},
    {HEADER "0,65,1\n", {"t.csv:2: prompt_tokens", "65 tokens of prompt", "context of 64"}},
    {HEADER "0,60,6\n", {"t.csv:2: output_tokens", "6 of output", "context of 64"}},
    {HEADER "0,,5\n", {"t.csv:2: prompt_tokens", "none", ""}},
    {HEADER "0,5\n", {"t.csv:2", "expected 3 cells", "got 2"}},
    {HEADER "0,5,5,5\n", {"t.csv:2", "expected 3 cells", "got 4"}},
    {HEADER "0,\"5,5\n", {"t.csv:2", "quotation mark", ""}},
    {"arrival_s,output_tokens,prompt\n0,5,Hi\n", {"t.csv:2: prompt", "no tokenizer", ""}},
    {"arrival_s,output_tokens,prompt_ids\n0,5,1 100\n", {"t.csv:2: prompt_ids", "100", ""}},
    {"arrival_s,output_tokens,prompt_ids\n0,5,1 x\n", {"t.csv:2: prompt_ids", "x", ""}},
    {"arrival_s,output_tokens,prompt_ids,prompt_tokens\n0,5,1,5\n",
     {"t.csv:2: prompt_tokens", "several", ""}},
    {"{\"arrival_s\":0,\"output_tokens\":1,\"prompt_tokens\":5}\n{\"arrival_s\":0\n",
     {"t.csv:2", "malformed", ""}},
    {"{\"arrival_s\":0,\"output_tokens\":1,\"prompt_token\":5}\n",
     {"t.csv:1: header", "got 'prompt_token'", ""}},
    {"{\"arrival_s\":0,\"output_tokens\":1.5,\"prompt_tokens\":5}\n",
     {"t.csv:1: output_tokens", "got '1.5'", ""}},
    {"{\"arrival_s\":0,\"arrival_s\":1,\"output_tokens\":1,\"prompt_tokens\":5}\n",
     {"t.csv:1: arrival_s", "twice", ""}},
    {"{\"arrival_s\":true,\"output_tokens\":1,\"prompt_tokens\":5}\n",
     {"t.csv:1: arrival_s", "got 'true'", ""}},
};

Test(request_trace, refusals_name_file_line_and_field)
{
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct fl_request_trace trace;
        struct fl_error error;
        cr_expect(parse(&trace, BAD[i].text, &error) == FL_FAILED, "read: %s", BAD[i].text);
        for (int k = 0; k < 3; k++)
            cr_expect(strstr(error.text, BAD[i].sentence[k]), "'%s' without '%s'", error.text,
                      BAD[i].sentence[k]);
        cr_expect_null(trace.requests);
    }
}

Test(request_trace, a_zero_byte_is_no_text)
{
    static const char TEXT[] = HEADER "0,5,5\n0,5\0,5\n";
    const struct fl_request_trace_options options = {.vocab_size = VOCAB_SIZE, .n_ctx = N_CTX};
    struct fl_request_trace trace;
    struct fl_error error;
    cr_expect(fl_request_trace_parse(&trace, TEXT, sizeof TEXT - 1, "t.csv", &options, &error) ==
              FL_FAILED);
    cr_expect(strstr(error.text, "t.csv:3") && strstr(error.text, "zero byte"), "%s", error.text);
}

Test(request_trace, too_many_ids_are_refused)
{
    enum { N = 80 };
    char *text = malloc(64 + N * 32);
    size_t n = (size_t)sprintf(text, HEADER);
    for (int i = 0; i < N; i++)
        n += (size_t)sprintf(text + n, "0,1000000,1\n");
    const struct fl_request_trace_options options = {.vocab_size = VOCAB_SIZE, .n_ctx = 1 << 24};
    struct fl_request_trace trace;
    struct fl_error error;
    cr_expect(fl_request_trace_parse(&trace, text, n, "t.csv", &options, &error) == FL_FAILED);
    cr_expect(strstr(error.text, "t.csv:69: prompts"), "%s", error.text);
    free(text);
}
