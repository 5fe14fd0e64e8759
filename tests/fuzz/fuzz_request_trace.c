/* Trace files: fl_request_trace_parse(). */
#include "bench/request_trace.h"
#include "tests/fuzz/mutate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void read_trace(const unsigned char *data, size_t size)
{
    enum { VOCAB_SIZE = 256, N_CTX = 128 };
    struct fl_request_trace trace;
    struct fl_error error;
    struct fl_request_trace_options options = {.vocab_size = VOCAB_SIZE, .n_ctx = N_CTX};
    if (fl_tokenizer_open(&options.tokenizer, NULL, "bytes", VOCAB_SIZE, &error) != FL_OK)
        abort();
    if (fl_request_trace_parse(&trace, (const char *)data, size, "trace", &options, &error) ==
        FL_OK) {
        for (int i = 0; i < trace.n; i++) {
            const struct fl_request *r = &trace.requests[i];
            if (!(r->arrival_s >= 0 && isfinite(r->arrival_s)) || r->n_prompt < 1 ||
                r->n_output < 1 || r->n_prompt + r->n_output - 1 > N_CTX || trace.lines[i] < 1)
                abort();
            for (int k = 0; k < r->n_prompt; k++)
                if (r->prompt[k] < 0 || r->prompt[k] >= VOCAB_SIZE)
                    abort();
        }
        fl_request_trace_close(&trace);
    } else if (!error.text[0]) {
        abort();
    }
    fl_tokenizer_close(options.tokenizer);
}

int main(int argc, char **argv)
{
    static const char *const TEXTS[] = {
        "arrival_s,prompt_tokens,output_tokens\n0,12,7\n0.25,100,3\n",
        "# made\narrival_s,output_tokens,prompt_tokens,prefix_group,prefix_tokens\n1,2,60,a,30\n",
        "arrival_s,output_tokens,prompt\n0,3,\"Say \"\"no\"\",\nplease\"\n",
        "arrival_s,output_tokens,prompt_ids\r\n0,3,1 2 3\r\n",
        "{\"arrival_s\":0,\"output_tokens\":2,\"prompt_ids\":[1,2]}\n"
        "{\"arrival_s\":0.5,\"output_tokens\":2,\"prompt\":\"Hi \\u00e9\"}\n",
    };
    struct fuzz_seed seeds[sizeof TEXTS / sizeof *TEXTS + 1] = {0};
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++)
        seeds[i] = (struct fuzz_seed){TEXTS[i], strlen(TEXTS[i])};
    return fuzz_main(argc, argv, read_trace, seeds);
}
