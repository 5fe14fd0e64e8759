/* cmd_peaks.c - `flopledger peaks`: what this machine can do at most, measured and kept. */
#include "bench/hostinfo.h"
#include "bench/peaks.h"
#include "bench/peaks_cache.h"
#include "commands.h"
#include "reports/peaks_render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const FORMATS[] = {"table", "json", "csv", "md", NULL};
enum { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV, FORMAT_MD };

struct arguments {
    const char *threads, *out;
    int format;
    bool quick, refresh, show, quiet;
};

/* What one call of the command works on. */
struct session {
    const struct arguments *args;
    struct fl_run run;
    struct fl_cache_levels caches;
    struct fl_peaks peaks;
    char path[FL_PEAKS_PATH];
    bool has_path;
    int64_t *threads; /* asked for, rising */
    int n_threads;
};

/* Given, or 1, 2, 4, ... and all. */
static int choose_threads(struct session *session, struct fl_error *error)
{
    enum { MOST = 1024 };
    char all[128];
    if (session->args->threads)
        return fl_cli_axis(session->args->threads, "--threads", 1, MOST, &session->threads,
                           &session->n_threads, error);
    size_t used = 0;
    for (int n = 1; n < session->run.n_cores && n < MOST; n *= 2)
        used += (size_t)snprintf(all + used, sizeof all - used, "%d,", n);
    snprintf(all + used, sizeof all - used, "%d",
             session->run.n_cores > MOST ? MOST
             : session->run.n_cores > 0  ? session->run.n_cores
                                         : 1);
    return fl_cli_axis(all, "--threads", 1, MOST, &session->threads, &session->n_threads, error);
}

/* What is kept of this machine; a file that cannot be believed is as good as none, but said. */
static int read_kept(struct session *session, struct fl_error *error)
{
    char key[FL_PEAKS_KEY];
    bool found = false;
    fl_peaks_name(key, &session->run, &session->caches);
    session->has_path = fl_peaks_cache_path(session->path, key, error) == FL_OK;
    int status = session->has_path ? FL_OK : FL_FAILED;
    if (status == FL_OK)
        status = fl_peaks_cache_read(&session->peaks, &found, session->path, key, error);
    if (status != FL_OK && session->args->show)
        return FL_FAILED;
    if (status != FL_OK)
        fprintf(stderr, "flopledger peaks: warning: %s\n", error->text);
    memcpy(session->peaks.key, key, sizeof session->peaks.key);
    if (session->args->show && !found)
        return fl_fail(error,
                       "%s: the ceilings of this machine are not measured yet; 'flopledger peaks' "
                       "does it",
                       session->path);
    return FL_OK;
}

/* Measures what was asked for and is not kept. Returns FL_OK or FL_FAILED; *measured: anything. */
static int measure(struct session *session, bool *measured, struct fl_error *error)
{
    const struct arguments *args = session->args;
    struct fl_peaks_options options = {.quick = args->quick, .quiet = args->quiet};
    int64_t *missing = calloc((size_t)session->n_threads, sizeof *missing);
    if (!missing)
        return fl_fail(error, "--threads: no memory");
    for (int i = 0; i < session->n_threads; i++)
        if (args->refresh ||
            !fl_peaks_have(&session->peaks, (int)session->threads[i], !args->quick))
            missing[options.n_threads++] = session->threads[i];
    options.threads = missing;
    *measured = options.n_threads > 0;
    int status = FL_OK;
    const char *warning;
    for (int i = 0; *measured && (warning = fl_hostinfo_warning(i)); i++)
        fprintf(stderr, "flopledger peaks: warning: %s\n", warning);
    if (*measured)
        status =
            fl_peaks_measure(&session->peaks, &session->run, &session->caches, &options, error);
    else if (!args->quiet)
        fprintf(stderr, "flopledger peaks: from %s; --refresh measures anew\n", session->path);
    free(missing);
    return status;
}

static int store(struct session *session, struct fl_error *error)
{
    struct fl_store *results = NULL;
    int status = fl_store_create(&results, session->args->out, error);
    if (status == FL_OK)
        status = fl_store_add_run(results, &session->run, error);
    if (status == FL_OK)
        status = fl_store_set_ceilings(results, session->peaks.rows, session->peaks.n, error);
    fl_store_close(results);
    return status;
}

static int print(const struct session *session, struct fl_error *error)
{
    static const enum fl_table_style STYLES[] = {[FORMAT_TABLE] = FL_TABLE_TEXT,
                                                 [FORMAT_CSV] = FL_TABLE_CSV,
                                                 [FORMAT_MD] = FL_TABLE_MARKDOWN};
    const struct fl_peaks *peaks = &session->peaks;
    if (session->args->format == FORMAT_JSON) {
        fl_peaks_print_json(peaks->key, peaks->rows, peaks->n, stdout);
        return FL_OK;
    }
    return fl_peaks_print(peaks->key, peaks->rows, peaks->n, STYLES[session->args->format], stdout,
                          error);
}

/* What was measured is printed even if it cannot be kept, which is then the reason to fail. */
static int peaks(struct session *session, struct fl_error *error)
{
    bool measured = false;
    struct fl_error kept;
    if (read_kept(session, error) != FL_OK)
        return FL_FAILED;
    if (!session->args->show && measure(session, &measured, error) != FL_OK)
        return FL_FAILED;
    int status = FL_OK;
    if (measured && session->has_path)
        status = fl_peaks_cache_write(&session->peaks, session->path, &kept);
    if (print(session, error) != FL_OK || (session->args->out && store(session, error) != FL_OK))
        return FL_FAILED;
    return status == FL_OK ? FL_OK : fl_fail(error, "%s", kept.text);
}

static int run(int argc, char **argv)
{
    struct arguments args = {0};
    const struct fl_option options[] = {
        {"Measuring", "threads", 't', FL_OPTION_STRING, &args.threads, "LIST",
         "numbers of threads, as 1,2 or 1-8*2", "1, 2, 4, ... and all cores", 0, 0, NULL},
        {NULL, "quick", 0, FL_OPTION_FLAG, &args.quick, NULL,
         "few and short samples: some seconds instead of a minute", NULL, 0, 0, NULL},
        {NULL, "refresh", 0, FL_OPTION_FLAG, &args.refresh, NULL,
         "measure anew, whatever is kept of this machine", NULL, 0, 0, NULL},
        {NULL, "show", 0, FL_OPTION_FLAG, &args.show, NULL,
         "print what is kept of this machine, measure nothing", NULL, 0, 0, NULL},
        {"Output", "out", 'o', FL_OPTION_STRING, &args.out, "FILE",
         "store them in this results file, too", NULL, 0, 0, NULL},
        {NULL, "format", 'f', FL_OPTION_CHOICE, &args.format, "F", "table, json, csv or md",
         "table", 0, 0, FORMATS},
        {NULL, "quiet", 'q', FL_OPTION_FLAG, &args.quiet, NULL, "no progress, only warnings", NULL,
         0, 0, NULL},
        {0},
    };
    int first;
    enum fl_cli_outcome outcome = fl_cli_parse(&fl_command_peaks, options, argc, argv, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    if (first < argc)
        return fl_cli_misuse(&fl_command_peaks, "%s: expected options only", argv[first]);
    if (args.show && (args.refresh || args.quick || args.threads))
        return fl_cli_misuse(&fl_command_peaks,
                             "--show measures nothing: expected no --refresh, --quick or "
                             "--threads beside it");

    struct fl_error error = {""};
    struct session *session = calloc(1, sizeof *session);
    if (!session) {
        fl_fail(&error, "no memory");
        return fl_cli_failed(&fl_command_peaks, &error);
    }
    session->args = &args;
    fl_hostinfo_fill(&session->run);
    fl_hostinfo_command_line(&session->run, argc, argv);
    fl_cache_levels_read(&session->caches, "", session->run.n_cores);
    int status;
    if (choose_threads(session, &error) != FL_OK)
        status = fl_cli_misuse(&fl_command_peaks, "%s", error.text);
    else
        status = peaks(session, &error) == FL_OK ? FL_EXIT_DONE
                                                 : fl_cli_failed(&fl_command_peaks, &error);
    fl_peaks_free(&session->peaks);
    free(session->threads);
    free(session);
    return status;
}

const struct fl_command fl_command_peaks = {
    .name = "peaks",
    .summary = "measure this machine's ceilings: FLOP/s, and bandwidth by cache level",
    .usage = "[--quick | --refresh | --show] [--threads LIST] [-o RESULTS.db]",
    .examples =
        "  flopledger peaks                      # measured once, then kept for this machine\n"
        "  flopledger peaks --refresh --threads 2 --format csv\n"
        "  flopledger peaks --show\n"
        "  flopledger peaks --quick -o results.db\n",
    .run = run,
};
