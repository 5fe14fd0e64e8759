#include "engine/stop.h"

#include "engine_harness.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 512 };

static void open_rules(struct fl_stop_rules *rules)
{
    struct fl_error error;
    cr_assert(fl_stop_rules_open(rules, &error) == FL_OK, "%s", error.text);
}

static void open_stop(struct fl_stop *stop, const struct fl_stop_rules *rules)
{
    struct fl_error error;
    cr_assert(fl_stop_open(stop, rules, &error) == FL_OK, "%s", error.text);
}

static void append(char *out, struct fl_stop_shown shown)
{
    const size_t n = strlen(out);
    cr_assert_lt(n + shown.n_held + shown.n_text, TEXT_MAX);
    memcpy(out + n, shown.held, shown.n_held);
    memcpy(out + n + shown.n_held, shown.text, shown.n_text);
    out[n + shown.n_held + shown.n_text] = '\0';
}

/* Feeds text in pieces of `piece` bytes; out is what is shown, flushed at the end. */
static int feed(struct fl_stop *stop, const char *text, size_t piece, char out[TEXT_MAX])
{
    const size_t length = strlen(text);
    out[0] = '\0';
    fl_stop_start(stop);
    for (size_t i = 0; i < length && stop->reason == FL_STOP_NONE; i += piece)
        append(out, fl_stop_text(stop, text + i, length - i < piece ? length - i : piece));
    append(out, fl_stop_flush(stop));
    return stop->text;
}

static const char *const STOPS[] = {"\n\n", "User:", "aabaa", "b\xc3\xa4", "ser:x"};

static const struct {
    const char *text, *shown;
    int stop;
} STREAMS[] = {
    {"one\ntwo\n\nthree", "one\ntwo", 0},
    {"\n\n", "", 0},
    {"Us User Users: User: no", "Us User Users: ", 1},
    {"aabaabaaab", "", 2}, /* the first of two that overlap */
    {"xaabab aaabaa", "xaabab a", 2},
    {"b\xc3\xb6 b\xc3\xa4 b", "b\xc3\xb6 ", 3}, /* two umlauts begin with the same byte */
    {"nothing to hold, Use", "nothing to hold, Use", -1},
    {"ends within\n", "ends within\n", -1},
    {"UUser:x", "U", 1},
    {"", "", -1},
};

Test(stop, texts_are_found_over_every_border)
{
    struct fl_stop_rules rules = {.n_new_max = 100, .texts = STOPS, .n_texts = 5};
    struct fl_stop stop;
    open_rules(&rules);
    open_stop(&stop, &rules);
    for (size_t i = 0; i < sizeof STREAMS / sizeof *STREAMS; i++)
        for (size_t piece = 1; piece <= 20; piece++) {
            char out[TEXT_MAX];
            const int found = feed(&stop, STREAMS[i].text, piece, out);
            cr_expect_eq(found, STREAMS[i].stop, "%s in pieces of %zu", STREAMS[i].text, piece);
            cr_expect_str_eq(out, STREAMS[i].shown, "pieces of %zu", piece);
        }
    fl_stop_close(&stop);
    fl_stop_rules_close(&rules);
}

/* The first byte at which a stop text is complete; the longest one there. */
static int first_match(const char *text, const char *const *stops, int n_stops, size_t *start)
{
    for (size_t end = 1; end <= strlen(text); end++) {
        int best = -1;
        for (int t = 0; t < n_stops; t++) {
            const size_t n = strlen(stops[t]);
            if (n <= end && memcmp(text + end - n, stops[t], n) == 0 &&
                (best < 0 || n > strlen(stops[best])))
                best = t;
        }
        if (best >= 0) {
            *start = end - strlen(stops[best]);
            return best;
        }
    }
    *start = strlen(text);
    return -1;
}

/* Words over two letters, which overlap themselves and each other in every way. */
Test(stop, random_texts_agree_with_a_search)
{
    struct harness_random random = {5};
    for (int round = 0; round < 3000; round++) {
        char words[3][8], text[40], out[TEXT_MAX];
        const char *texts[3] = {words[0], words[1], words[2]};
        for (int t = 0; t < 3; t++) {
            const int n = harness_pick(&random, 1 + (round % 3), 7);
            for (int i = 0; i < n; i++)
                words[t][i] = (char)('a' + harness_pick(&random, 0, 1));
            words[t][n] = '\0';
        }
        const int length = harness_pick(&random, 0, 39);
        for (int i = 0; i < length; i++)
            text[i] = (char)('a' + harness_pick(&random, 0, 1));
        text[length] = '\0';
        struct fl_stop_rules rules = {
            .n_new_max = 1, .texts = texts, .n_texts = harness_pick(&random, 0, 3)};
        struct fl_stop stop;
        open_rules(&rules);
        open_stop(&stop, &rules);
        size_t start;
        const int found = first_match(text, texts, rules.n_texts, &start);
        const size_t piece = (size_t)harness_pick(&random, 1, 9);
        const int got = feed(&stop, text, piece, out);
        if (found < 0)
            cr_expect_lt(got, 0);
        else /* two equal words are one */
            cr_expect(got >= 0 && strcmp(texts[got], texts[found]) == 0, "%s in %s", texts[found],
                      text);
        cr_expect(strlen(out) == start && memcmp(out, text, start) == 0, "'%s' of '%s'", out, text);
        fl_stop_close(&stop);
        fl_stop_rules_close(&rules);
    }
}

/* What cannot become a stop text any more is shown at once. */
Test(stop, no_more_is_held_back_than_need_be)
{
    const char *const texts[] = {"END"};
    struct fl_stop_rules rules = {.n_new_max = 100, .texts = texts, .n_texts = 1};
    struct fl_stop stop;
    open_rules(&rules);
    open_stop(&stop, &rules);
    struct fl_stop_shown shown = fl_stop_text(&stop, "wordE", 5);
    cr_expect(shown.n_held == 0 && shown.n_text == 4);
    shown = fl_stop_text(&stop, "N", 1);
    cr_expect(shown.n_held == 0 && shown.n_text == 0);
    shown = fl_stop_text(&stop, "EE", 2);
    cr_expect(shown.n_held == 2 && memcmp(shown.held, "EN", 2) == 0);
    cr_expect(shown.n_text == 1 && shown.text[0] == 'E');
    fl_stop_close(&stop);
    fl_stop_rules_close(&rules);
}

Test(stop, ids_and_lengths)
{
    const int ends[] = {3, 7};
    struct fl_stop_rules rules = {.eos_ids = ends, .n_eos = 2, .n_new_max = 3};
    struct fl_stop stop;
    open_rules(&rules);
    open_stop(&stop, &rules);
    for (int round = 0; round < 2; round++) {
        fl_stop_start(&stop);
        cr_expect_eq(fl_stop_token(&stop, 5), FL_STOP_NONE);
        cr_expect_eq(fl_stop_token(&stop, 0), FL_STOP_NONE);
        cr_expect_eq(fl_stop_token(&stop, 5), FL_STOP_LENGTH);
        cr_expect_eq(stop.n_new, 3);
    }
    fl_stop_start(&stop);
    cr_expect_eq(fl_stop_token(&stop, 7), FL_STOP_EOS);
    cr_expect_eq(stop.n_new, 0, "an end is no token of the text");
    fl_stop_close(&stop);
    fl_stop_rules_close(&rules);
}

Test(stop, texts_that_cannot_stop_are_refused)
{
    static const char *const WRONG[] = {"", "\xc3", "a\xff"};
    for (int i = 0; i < 3; i++) {
        const char *const texts[] = {"fine", WRONG[i]};
        struct fl_stop_rules rules = {.n_new_max = 1, .texts = texts, .n_texts = 2};
        struct fl_error error;
        cr_expect_eq(fl_stop_rules_open(&rules, &error), FL_FAILED);
        cr_expect(strstr(error.text, "stop text 2"), "%s", error.text);
    }
}
