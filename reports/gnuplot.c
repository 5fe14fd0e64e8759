#include "reports/gnuplot.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SVG_BYTES_MAX = 64 << 20, COMPLAINT = 256, NOT_FOUND = 127 };

static const char SCRIPT[] = "script", DATA[] = "data", DRAWING[] = "drawing.svg",
                  COMPLAINTS[] = "complaints";

/* rgb(26,26,26) is the ink: svg.c turns it into the colour of the text around the drawing. */
static const char STYLE[] =
    "set encoding utf8\n"
    "set output 'drawing.svg'\n"
    "set border 3 lc rgb '#1a1a1a' lw 1\n"
    "set tics nomirror out scale 0.6 tc rgb '#1a1a1a'\n"
    "set grid y lt 1 lc rgb '#b0808080' lw 1\n"
    "set title offset 0,-0.4 tc rgb '#1a1a1a'\n"
    "set xlabel tc rgb '#1a1a1a'\n"
    "set ylabel tc rgb '#1a1a1a'\n"
    "set key tc rgb '#1a1a1a' spacing 1.25 samplen 2.2 noopaque noautotitle\n"
    "unset key\n"
    "set bars 0.6\n"
    "set pointintervalbox 0\n"
    "set style fill solid 1.0 noborder\n"
    "set style data linespoints\n";

static const char *const PALETTE[FL_PLOT_COLOURS] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                     "#e69f00", "#56b4e9", "#8a6d3b", "#8c8c8c"};

static int open_stream(FILE **stream, const struct fl_gnuplot *plot, const char *name,
                       struct fl_error *error)
{
    char path[1024];
    if (fl_path_join(path, sizeof path, plot->directory, name, error) != FL_OK)
        return FL_FAILED;
    *stream = fopen(path, "wbe");
    return *stream ? FL_OK : fl_fail(error, "%s: cannot create: %s", path, strerror(errno));
}

static int make_directory(struct fl_gnuplot *plot, struct fl_error *error)
{
    const char *parent = getenv("TMPDIR");
    if (!parent || !parent[0])
        parent = "/tmp";
    if (fl_path_join(plot->directory, sizeof plot->directory, parent, "flopledger-XXXXXX", error) !=
        FL_OK) {
        plot->directory[0] = '\0';
        return FL_FAILED;
    }
    if (mkdtemp(plot->directory))
        return FL_OK;
    int status =
        fl_fail(error, "%s: cannot create a temporary directory: %s", parent, strerror(errno));
    plot->directory[0] = '\0';
    return status;
}

int fl_gnuplot_open(struct fl_gnuplot *plot, const char *name, int width, int height,
                    struct fl_error *error)
{
    *plot = (struct fl_gnuplot){.width = width, .height = height};
    if (make_directory(plot, error) != FL_OK ||
        open_stream(&plot->script, plot, SCRIPT, error) != FL_OK ||
        open_stream(&plot->data, plot, DATA, error) != FL_OK) {
        fl_gnuplot_close(plot);
        return FL_FAILED;
    }
    fprintf(plot->script,
            "set terminal svg size %d,%d dynamic noenhanced font 'sans-serif,13' name '%s'\n%s",
            width, height, name, STYLE);
    for (int i = 0; i < FL_PLOT_COLOURS; i++)
        fprintf(plot->script, "set linetype %d lc rgb '%s' lw 2 pt 7 ps 0.6\n", i + 1, PALETTE[i]);
    fprintf(plot->script, "set linetype cycle %d\n", FL_PLOT_COLOURS);
    return FL_OK;
}

int fl_gnuplot_block(struct fl_gnuplot *plot)
{
    fputs("\n\n", plot->data);
    return plot->n_blocks++;
}

void fl_gnuplot_powers_of_two(struct fl_gnuplot *plot, double low, double high)
{
    int first = 1;
    fputs("set logscale x 2\nset xtics (", plot->script);
    for (double s = 1; s <= high * 1.01; s *= 2)
        if (s >= low * 0.99) {
            fprintf(plot->script, "%s\"%.0f\" %.0f", first ? "" : ", ", s, s);
            first = 0;
        }
    fputs(")\n", plot->script);
    /* room for the outermost points; a single context still gets an axis */
    fprintf(plot->script, "set xrange [%.9g:%.9g]\n", low / 1.15, high * 1.15);
}

/* Between fork and exec: nothing but system calls. */
static void become_gnuplot(const char *directory)
{
    char command[] = "gnuplot", option[] = "-d", script[] = "script";
    char *const arguments[] = {command, option, script, NULL};
    int nothing = open("/dev/null", O_RDWR);
    if (nothing < 0 || chdir(directory) != 0)
        _exit(1);
    int complaints = open(COMPLAINTS, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (complaints < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0 ||
        dup2(complaints, STDERR_FILENO) < 0)
        _exit(1);
    execvp("gnuplot", arguments);
    _exit(errno == ENOENT ? NOT_FOUND : 1);
}

/* The last thing gnuplot said, in one line; "" when nothing. */
static void read_complaint(const struct fl_gnuplot *plot, char out[COMPLAINT])
{
    char path[1024], *text = NULL;
    struct fl_error ignored;
    out[0] = '\0';
    if (fl_path_join(path, sizeof path, plot->directory, COMPLAINTS, &ignored) != FL_OK ||
        fl_file_read(&text, NULL, path, 1 << 16, &ignored) != FL_OK)
        return;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (line[strspn(line, " \t^")] != '\0')
            snprintf(out, COMPLAINT, "%.200s", line + strspn(line, " \t"));
    free(text);
}

static int close_stream(FILE **stream)
{
    FILE *closing = *stream;
    *stream = NULL;
    if (!closing)
        return 0;
    int bad = ferror(closing);
    return fclose(closing) != 0 || bad;
}

int fl_gnuplot_run(struct fl_gnuplot *plot, char **svg, struct fl_error *error)
{
    int bad = close_stream(&plot->script);
    bad = close_stream(&plot->data) || bad;
    if (bad)
        return fl_fail(error, "%s: cannot write: %s", plot->directory, strerror(errno));

    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        return fl_fail(error, "gnuplot: cannot start a process: %s", strerror(errno));
    if (child == 0)
        become_gnuplot(plot->directory);
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return fl_fail(error, "gnuplot: cannot wait for it: %s", strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND)
        return fl_fail(error, "gnuplot: not found; plots need it (Debian: gnuplot-nox)");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        char complaint[COMPLAINT];
        read_complaint(plot, complaint);
        return fl_fail(error, "gnuplot: failed: %s", complaint[0] ? complaint : "no reason given");
    }
    char path[1024];
    if (fl_path_join(path, sizeof path, plot->directory, DRAWING, error) != FL_OK)
        return FL_FAILED;
    return fl_file_read(svg, NULL, path, SVG_BYTES_MAX, error);
}

void fl_gnuplot_close(struct fl_gnuplot *plot)
{
    static const char *const NAMES[] = {SCRIPT, DATA, DRAWING, COMPLAINTS};
    close_stream(&plot->script);
    close_stream(&plot->data);
    for (size_t i = 0; plot->directory[0] && i < sizeof NAMES / sizeof *NAMES; i++) {
        char path[1024];
        if (fl_path_join(path, sizeof path, plot->directory, NAMES[i], NULL) == FL_OK)
            unlink(path);
    }
    if (plot->directory[0])
        rmdir(plot->directory);
    *plot = (struct fl_gnuplot){0};
}
