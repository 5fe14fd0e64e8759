/* papi_client.c - a PAPI program that knows of flopledger only that it exports events: it starts
 * PAPI, counts the events named on its command line around one forward pass, and prints
 * "event value" lines. `--list` prints the names of all events of flopledger instead.
 *
 * The model has random weights of seed 2 and the shape of stories15m with 2 layers and 64 words;
 * the pass is of 3 sequences of 7 tokens. */
#include "engine/export_sde.h"
#include "engine/session.h"
#include "model/presets.h"

#include <papi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void need(bool fine, const char *what)
{
    if (fine)
        return;
    fprintf(stderr, "papi_client: %s\n", what);
    exit(1);
}

static void list_events(void)
{
    int code = PAPI_NATIVE_MASK, component = PAPI_get_component_index("sde");
    need(component >= 0, "PAPI has no sde component");
    int status = PAPI_enum_cmp_event(&code, PAPI_ENUM_FIRST, component);
    for (; status == PAPI_OK; status = PAPI_enum_cmp_event(&code, PAPI_ENUM_EVENTS, component)) {
        PAPI_event_info_t info;
        need(PAPI_get_event_info(code, &info) == PAPI_OK, "an event without information");
        printf("%s | %s\n", info.symbol, info.long_descr);
    }
}

static void count(struct fl_session *session, char **names, int n)
{
    enum { N_TOKENS = 7, N_SEQS = 3, MAX = 32 };
    struct fl_error error;
    long long values[MAX];
    int events = PAPI_NULL, tokens[N_SEQS * N_TOKENS];
    need(n <= MAX && PAPI_create_eventset(&events) == PAPI_OK, "no event set");
    for (int i = 0; i < n; i++)
        need(PAPI_add_named_event(events, names[i]) == PAPI_OK, names[i]);
    for (int i = 0; i < N_SEQS * N_TOKENS; i++)
        tokens[i] = i;
    /* One pass before: what it adds to the ledger is not counted. */
    need(!fl_session_forward(session, tokens, 1, FL_LOGITS_NONE, &error), error.text);
    need(PAPI_start(events) == PAPI_OK, "cannot start");
    need(!fl_session_forward(session, tokens, N_TOKENS, FL_LOGITS_LAST, &error), error.text);
    need(PAPI_stop(events, values) == PAPI_OK, "cannot stop");
    for (int i = 0; i < n; i++)
        printf("%s %lld\n", names[i], values[i]);
    PAPI_cleanup_eventset(events);
    PAPI_destroy_eventset(&events);
}

int main(int argc, char **argv)
{
    struct fl_error error = {""};
    struct fl_model model;
    struct fl_session *session;
    struct fl_config config = fl_preset_find("stories15m")->config;
    config.n_layers = 2;
    config.vocab_size = 64;
    const struct fl_session_options options = {
        .n_seqs = 3, .n_ctx = 8, .logits = FL_LOGITS_LAST, .n_threads = 1};
    /* libsde is linked, so that PAPI may start before there is anything to read. */
    need(PAPI_library_init(PAPI_VER_CURRENT) == PAPI_VER_CURRENT, "PAPI does not start");
    need(!fl_model_random(&model, &config, 2, &error), error.text);
    need(!fl_session_open(&session, &model, &options, &error), error.text);
    need(!fl_sde_export_begin(fl_session_ledger(session), &error), error.text);
    if (argc > 1 && strcmp(argv[1], "--list") == 0)
        list_events();
    else
        count(session, argv + 1, argc - 1);
    fl_sde_export_end();
    PAPI_shutdown();
    fl_session_close(session);
    fl_model_close(&model);
    return 0;
}
