#include "engine/stop.h"

#include "base/utf8.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *text;
} REASONS[FL_N_STOP_REASONS] = {
    [FL_STOP_NONE] = {"none", "not yet"},
    [FL_STOP_LENGTH] = {"length", "as many tokens as asked for"},
    [FL_STOP_EOS] = {"eos", "end of sequence"},
    [FL_STOP_TEXT] = {"stop", "a stop text"},
    [FL_STOP_CONTEXT] = {"context", "the model's context is full"},
    [FL_STOP_NOTHING] = {"nothing", "no token was left to choose"},
    [FL_STOP_SIGNAL] = {"signal", "interrupted"},
};

const char *fl_stop_reason_name(enum fl_stop_reason reason)
{
    return REASONS[reason].name;
}

const char *fl_stop_reason_text(enum fl_stop_reason reason)
{
    return REASONS[reason].text;
}

/* ---- rules ---- */

/* The longest prefix of text that still matches when `byte` follows its first `matched` bytes. */
static size_t advance(const char *text, const size_t *borders, size_t matched, char byte)
{
    while (matched > 0 && text[matched] != byte)
        matched = borders[matched - 1];
    return matched + (text[matched] == byte);
}

static int add_text(struct fl_stop_rules *rules, int t, struct fl_error *error)
{
    const char *text = rules->texts[t];
    const size_t length = strlen(text);
    if (length == 0)
        return fl_fail(error, "stop text %d: expected at least one character", t + 1);
    if (fl_utf8_valid(text, length) < length)
        return fl_fail(error, "stop text %d: expected text in UTF-8", t + 1);
    rules->lengths[t] = length;
    rules->borders[t] = calloc(length, sizeof **rules->borders);
    if (!rules->borders[t])
        return fl_fail(error, "stop text %d: not enough memory for %zu bytes", t + 1, length);
    for (size_t i = 1; i < length; i++)
        rules->borders[t][i] = advance(text, rules->borders[t], rules->borders[t][i - 1], text[i]);
    return FL_OK;
}

int fl_stop_rules_open(struct fl_stop_rules *rules, struct fl_error *error)
{
    const size_t n = rules->n_texts > 0 ? (size_t)rules->n_texts : 1;
    rules->lengths = calloc(n, sizeof *rules->lengths);
    rules->borders = calloc(n, sizeof *rules->borders);
    if (!rules->lengths || !rules->borders) {
        fl_stop_rules_close(rules);
        return fl_fail(error, "stop texts: not enough memory for %d", rules->n_texts);
    }
    for (int t = 0; t < rules->n_texts; t++)
        if (add_text(rules, t, error) != FL_OK) {
            fl_stop_rules_close(rules);
            return FL_FAILED;
        }
    return FL_OK;
}

void fl_stop_rules_close(struct fl_stop_rules *rules)
{
    for (int t = 0; rules->borders && t < rules->n_texts; t++)
        free(rules->borders[t]);
    free(rules->borders);
    free(rules->lengths);
    rules->borders = NULL;
    rules->lengths = NULL;
}

static bool is_eos(const struct fl_stop_rules *rules, int id)
{
    for (int i = 0; i < rules->n_eos; i++)
        if (rules->eos_ids[i] == id)
            return true;
    return false;
}

/* ---- one sequence ---- */

int fl_stop_open(struct fl_stop *stop, const struct fl_stop_rules *rules, struct fl_error *error)
{
    const size_t n = rules->n_texts > 0 ? (size_t)rules->n_texts : 1;
    *stop = (struct fl_stop){.rules = rules, .text = -1};
    stop->matched = calloc(n, sizeof *stop->matched);
    if (!stop->matched)
        return fl_fail(error, "stop texts: not enough memory for %d", rules->n_texts);
    return FL_OK;
}

void fl_stop_close(struct fl_stop *stop)
{
    free(stop->matched);
    stop->matched = NULL;
}

void fl_stop_start(struct fl_stop *stop)
{
    stop->n_new = 0;
    stop->reason = FL_STOP_NONE;
    stop->text = -1;
    memset(stop->matched, 0, (size_t)stop->rules->n_texts * sizeof *stop->matched);
}

enum fl_stop_reason fl_stop_token(struct fl_stop *stop, int id)
{
    if (is_eos(stop->rules, id))
        return stop->reason = FL_STOP_EOS;
    if (++stop->n_new >= stop->rules->n_new_max)
        stop->reason = FL_STOP_LENGTH;
    return stop->reason;
}

/* The stop text of which most is matched; it holds what is held back. -1: nothing is. */
static int longest(const struct fl_stop *stop)
{
    int best = -1;
    for (int t = 0; t < stop->rules->n_texts; t++)
        if (stop->matched[t] > (best < 0 ? 0 : stop->matched[best]))
            best = t;
    return best;
}

/* Takes one byte; the stop text that it completes, the longest of several, or -1. */
static int take(struct fl_stop *stop, char byte)
{
    const struct fl_stop_rules *rules = stop->rules;
    int complete = -1;
    for (int t = 0; t < rules->n_texts; t++) {
        stop->matched[t] = advance(rules->texts[t], rules->borders[t], stop->matched[t], byte);
        if (stop->matched[t] == rules->lengths[t] &&
            (complete < 0 || rules->lengths[t] > rules->lengths[complete]))
            complete = t;
    }
    return complete;
}

struct fl_stop_shown fl_stop_text(struct fl_stop *stop, const char *text, size_t length)
{
    if (stop->reason == FL_STOP_TEXT)
        return (struct fl_stop_shown){.held = "", .text = ""};
    const int holder = longest(stop);
    const size_t n_before = holder < 0 ? 0 : stop->matched[holder];
    size_t n_seen = 0, n_hidden;
    int complete = -1;
    while (complete < 0 && n_seen < length)
        complete = take(stop, text[n_seen++]);
    if (complete >= 0) {
        stop->reason = FL_STOP_TEXT;
        stop->text = complete;
        n_hidden = stop->rules->lengths[complete];
    } else {
        const int held = longest(stop);
        n_hidden = held < 0 ? 0 : stop->matched[held];
    }
    const size_t n_shown = n_before + n_seen - n_hidden;
    const size_t n_held = n_shown < n_before ? n_shown : n_before;
    return (struct fl_stop_shown){.held = holder < 0 ? "" : stop->rules->texts[holder],
                                  .n_held = n_held,
                                  .text = text,
                                  .n_text = n_shown - n_held};
}

struct fl_stop_shown fl_stop_flush(struct fl_stop *stop)
{
    const int holder = stop->reason == FL_STOP_TEXT ? -1 : longest(stop);
    struct fl_stop_shown shown = {.held = "", .text = ""};
    if (holder >= 0) {
        shown.held = stop->rules->texts[holder];
        shown.n_held = stop->matched[holder];
    }
    memset(stop->matched, 0, (size_t)stop->rules->n_texts * sizeof *stop->matched);
    return shown;
}
