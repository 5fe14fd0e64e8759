/* cmd_lab_figure.c - a lab's figure, in characters for the terminal and by gnuplot as SVG. */
#include "bench/labs/cmd_lab_print.h"

#include "reports/escape.h"
#include "reports/gnuplot.h"
#include "reports/table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct fl_lab_table *table_of(const struct fl_lab_view *view)
{
    const struct fl_lab_result *result = &view->run->result;
    return &result->tables[result->figure.table];
}

/* A sum would dwarf its parts. */
static bool is_drawn(const struct fl_lab_row *row, int column)
{
    return row->label.string != FL_LAB_TEXT_SUM && isfinite(row->values[column]) &&
           row->values[column] >= 0;
}

static double largest(const struct fl_lab_table *table, int column)
{
    double most = 0;
    for (int i = 0; i < table->n_rows; i++)
        if (is_drawn(&table->rows[i], column) && table->rows[i].values[column] > most)
            most = table->rows[i].values[column];
    return most;
}

static const char *heading_of(const struct fl_lab_view *view, int column)
{
    return fl_lab_text(view->language, table_of(view)->columns[column].heading);
}

/* ---- bars ---- */

enum { BAR_COLUMNS = 48 };

/* A bar of eighths of a column; something that is not nothing shows. */
static void print_bar(double share, FILE *out)
{
    static const char *const EIGHTHS[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int eighths = (int)lround(share * BAR_COLUMNS * 8);
    if (eighths == 0 && share > 0)
        eighths = 1;
    for (; eighths >= 8; eighths -= 8)
        fputs("█", out);
    fputs(EIGHTHS[eighths], out);
}

static void print_bars(const struct fl_lab_view *view, int column, FILE *out)
{
    const struct fl_lab_table *table = table_of(view);
    const double most = largest(table, column);
    char label[256], value[FL_LAB_FIGURE];
    int width = 0;
    for (int i = 0; i < table->n_rows; i++) {
        const int w = fl_text_width(
            fl_lab_label_text(view->language, &table->rows[i].label, label, sizeof label));
        width = w > width ? w : width;
    }
    fprintf(out, "%s\n", heading_of(view, column));
    for (int i = 0; i < table->n_rows; i++) {
        const struct fl_lab_row *row = &table->rows[i];
        if (!is_drawn(row, column))
            continue;
        fputs("  ", out);
        fl_lab_print_padded(fl_lab_label_text(view->language, &row->label, label, sizeof label),
                            width, out);
        fputs("  ", out);
        print_bar(most > 0 ? row->values[column] / most : 0, out);
        fprintf(out, " %s\n",
                fl_lab_quantity_text(row->values[column], table->columns[column].unit, value));
    }
}

/* ---- the roofline ---- */

enum { GRID_COLUMNS = 64, GRID_LINES = 16 };

/* Both axes logarithmic; from a little below the smallest to a little above the largest. */
struct grid {
    double x_low, x_high, y_low, y_high; /* logarithms */
    char cells[GRID_LINES][GRID_COLUMNS + 1];
};

static double roof(const struct fl_lab_figure *figure, double intensity)
{
    return fmin(figure->flops_per_s, intensity * figure->bytes_per_s);
}

static void put_cell(struct grid *grid, double x, double y, char mark)
{
    const double across = (log2(x) - grid->x_low) / (grid->x_high - grid->x_low);
    const double up = (log2(y) - grid->y_low) / (grid->y_high - grid->y_low);
    const int column = (int)lround(across * (GRID_COLUMNS - 1));
    const int line = GRID_LINES - 1 - (int)lround(up * (GRID_LINES - 1));
    if (column >= 0 && column < GRID_COLUMNS && line >= 0 && line < GRID_LINES)
        grid->cells[line][column] = mark;
}

static void lay_out_grid(struct grid *grid, const struct fl_lab_table *table,
                         const struct fl_lab_figure *figure)
{
    *grid = (struct grid){INFINITY, -INFINITY, INFINITY, log2(figure->flops_per_s) + 0.5, {{0}}};
    for (int i = 0; i < table->n_rows; i++) {
        const double x = log2(table->rows[i].values[figure->x]);
        const double y = log2(table->rows[i].values[figure->y[0]]);
        grid->x_low = fmin(grid->x_low, x - 0.5);
        grid->x_high = fmax(grid->x_high, x + 0.5);
        grid->y_low = fmin(grid->y_low, y - 0.5);
        grid->y_high = fmax(grid->y_high, y + 0.5);
    }
    for (int line = 0; line < GRID_LINES; line++)
        memset(grid->cells[line], ' ', GRID_COLUMNS);
    for (int column = 0; column < GRID_COLUMNS; column++) {
        const double x =
            exp2(grid->x_low + (grid->x_high - grid->x_low) * column / (GRID_COLUMNS - 1));
        put_cell(grid, x, roof(figure, x), '.');
    }
    for (int i = 0; i < table->n_rows; i++)
        put_cell(grid, table->rows[i].values[figure->x], table->rows[i].values[figure->y[0]], 'o');
}

static void print_roofline(const struct fl_lab_view *view, FILE *out)
{
    const struct fl_lab_figure *figure = &view->run->result.figure;
    const struct fl_lab_table *table = table_of(view);
    static struct grid grid;
    char value[FL_LAB_FIGURE];
    lay_out_grid(&grid, table, figure);
    fprintf(out, "%s (o), %s (.)\n", heading_of(view, figure->y[0]),
            fl_lab_text(view->language, FL_LAB_TEXT_ROOF));
    for (int line = 0; line < GRID_LINES; line++) {
        const double y = exp2(grid.y_high - (grid.y_high - grid.y_low) * line / (GRID_LINES - 1));
        fl_lab_print_padded(
            line % 5 == 0 ? fl_lab_quantity_text(y, table->columns[figure->y[0]].unit, value) : "",
            -14, out);
        size_t length = GRID_COLUMNS;
        while (length > 0 && grid.cells[line][length - 1] == ' ')
            length--;
        fprintf(out, " |%.*s\n", (int)length, grid.cells[line]);
    }
    fprintf(out, "%15s+", "");
    for (int i = 0; i < GRID_COLUMNS; i++)
        fputc('-', out);
    fprintf(out, "\n%16s", "");
    fl_lab_print_padded(fl_lab_quantity_text(exp2(grid.x_low), FL_LAB_FLOP_PER_BYTE, value),
                        GRID_COLUMNS - 24, out);
    fl_lab_print_padded(fl_lab_quantity_text(exp2(grid.x_high), FL_LAB_FLOP_PER_BYTE, value), -24,
                        out);
    fprintf(out, "\n%16s%s\n", "", heading_of(view, figure->x));
}

void fl_lab_print_figure(const struct fl_lab_view *view, FILE *out)
{
    const struct fl_lab_figure *figure = &view->run->result.figure;
    if (figure->kind == FL_LAB_ROOFLINE) {
        print_roofline(view, out);
        return;
    }
    for (int i = 0; i < figure->n_y; i++) {
        if (i > 0)
            fputc('\n', out);
        print_bars(view, figure->y[i], out);
    }
}

/* ---- gnuplot ---- */

enum { PLOT_WIDTH = 860, PLOT_HEIGHT = 420, ROW_HEIGHT = 34 };

/* The axis' unit, and what a figure in base units is divided by. */
static double axis_scale(double most, enum fl_lab_unit unit, char name[FL_LAB_FIGURE])
{
    static const struct {
        enum fl_lab_unit unit;
        const char *name;
        double step;
        const char *prefixes[5];
    } AXES[] = {
        {FL_LAB_FLOP, "FLOP", 1000, {"", "k", "M", "G", "T"}},
        {FL_LAB_FLOP_PER_S, "FLOP/s", 1000, {"", "k", "M", "G", "T"}},
        {FL_LAB_BYTES, "B", 1024, {"", "Ki", "Mi", "Gi", "Ti"}},
        {FL_LAB_BYTES_PER_S, "B/s", 1000, {"", "k", "M", "G", "T"}},
        {FL_LAB_TIME, "s", 1000, {"n", "µ", "m", "", "k"}},
    };
    name[0] = '\0';
    for (size_t i = 0; i < sizeof AXES / sizeof *AXES; i++) {
        if (AXES[i].unit != unit)
            continue;
        double divisor = 1;
        int prefix = 0;
        for (; prefix < 4 && most / divisor >= AXES[i].step; prefix++)
            divisor *= AXES[i].step;
        snprintf(name, FL_LAB_FIGURE, " (%s%s)", AXES[i].prefixes[prefix], AXES[i].name);
        return divisor;
    }
    if (unit == FL_LAB_PERCENT)
        snprintf(name, FL_LAB_FIGURE, " (%%)");
    if (unit == FL_LAB_FLOP_PER_BYTE)
        snprintf(name, FL_LAB_FIGURE, " (FLOP/B)");
    if (unit == FL_LAB_TOKENS_PER_S)
        snprintf(name, FL_LAB_FIGURE, " (1/s)");
    return 1;
}

/* "set xlabel 'time (ms)'" */
static void put_axis(struct fl_gnuplot *plot, const struct fl_lab_view *view, const char *axis,
                     int column, const char *unit)
{
    char text[256];
    snprintf(text, sizeof text, "%s%s", heading_of(view, column), unit);
    fprintf(plot->script, "set %s ", axis);
    fl_escape_gnuplot(plot->script, text);
    fputc('\n', plot->script);
}

/* Horizontal bars, the table's first row on top, a panel a column. */
static void plot_bars(struct fl_gnuplot *plot, const struct fl_lab_view *view)
{
    const struct fl_lab_figure *figure = &view->run->result.figure;
    const struct fl_lab_table *table = table_of(view);
    fprintf(plot->script,
            "set multiplot layout 1,%d\nset style fill solid\nset yrange [] reverse\n"
            "set xrange [0:*]\nset grid x\nunset grid\nset offsets 0,0,0.6,0.6\n",
            figure->n_y);
    for (int k = 0; k < figure->n_y; k++) {
        const int column = figure->y[k];
        char unit[FL_LAB_FIGURE];
        const double divisor =
            axis_scale(largest(table, column), table->columns[column].unit, unit);
        put_axis(plot, view, "xlabel", column, unit);
        fputs("set ytics (", plot->script);
        for (int i = 0, n = 0; i < table->n_rows; i++) {
            char label[256];
            if (!is_drawn(&table->rows[i], column))
                continue;
            fputs(n > 0 ? ", " : "", plot->script);
            fl_escape_gnuplot(plot->script, fl_lab_label_text(view->language, &table->rows[i].label,
                                                              label, sizeof label));
            fprintf(plot->script, " %d", n);
            fprintf(plot->data, "%d %.9g\n", n++, table->rows[i].values[column] / divisor);
        }
        fprintf(plot->script,
                ")\nplot 'data' index %d using (0):1:(0):2:($1-0.35):($1+0.35) with boxxyerror "
                "linetype %d\n",
                fl_gnuplot_block(plot), k + 1);
    }
    fputs("unset multiplot\n", plot->script);
}

/* "s = 64" once, behind that only the number. */
static const char *short_label(const char *label, int i)
{
    const char *number = strstr(label, "= ");
    return i > 0 && number ? number + 2 : label;
}

static void plot_roofline(struct fl_gnuplot *plot, const struct fl_lab_view *view)
{
    const struct fl_lab_figure *figure = &view->run->result.figure;
    const struct fl_lab_table *table = table_of(view);
    double low = INFINITY, high = 0;
    for (int i = 0; i < table->n_rows; i++) {
        char label[256];
        const double x = table->rows[i].values[figure->x];
        fl_lab_label_text(view->language, &table->rows[i].label, label, sizeof label);
        fprintf(plot->data, "%.9g %.9g ", x, table->rows[i].values[figure->y[0]] / 1e9);
        fl_escape_gnuplot(plot->data, short_label(label, i));
        fputc('\n', plot->data);
        low = fmin(low, x);
        high = fmax(high, x);
    }
    const int block = fl_gnuplot_block(plot);
    put_axis(plot, view, "xlabel", figure->x, " (FLOP/B)");
    put_axis(plot, view, "ylabel", figure->y[0], " (GFLOP/s)");
    fputs("set title ", plot->script);
    fl_escape_gnuplot(plot->script, fl_lab_text(view->language, figure->title));
    fprintf(plot->script,
            "\nset logscale xy 2\nset xrange [%.9g:%.9g]\nset samples 500\n"
            "set offsets 0, 0, graph 0.1, graph 0.08\n"
            "roof(x) = x * %.9g < %.9g ? x * %.9g : %.9g\n"
            "plot roof(x) with lines linetype 8, 'data' index %d using 1:2 with points "
            "linetype 1 pointsize 1.2, '' index %d using 1:2:3 with labels offset 0,-1.1 center\n",
            low / 1.5, high * 1.5, figure->bytes_per_s / 1e9, figure->flops_per_s / 1e9,
            figure->bytes_per_s / 1e9, figure->flops_per_s / 1e9, block, block);
}

int fl_lab_plot(const struct fl_lab_view *view, const char *path, struct fl_error *error)
{
    const struct fl_lab_result *result = &view->run->result;
    const bool bars = result->figure.kind == FL_LAB_BARS;
    struct fl_gnuplot plot;
    char *svg = NULL;
    if (fl_gnuplot_open(&plot, "lab", PLOT_WIDTH,
                        bars ? 120 + ROW_HEIGHT * table_of(view)->n_rows : PLOT_HEIGHT,
                        error) != FL_OK)
        return FL_FAILED;
    if (bars)
        plot_bars(&plot, view);
    else
        plot_roofline(&plot, view);
    int status = fl_gnuplot_run(&plot, &svg, error);
    fl_gnuplot_close(&plot);
    if (status != FL_OK)
        return FL_FAILED;
    FILE *out = fopen(path, "we");
    const bool bad = !out || fputs(svg, out) < 0;
    free(svg);
    if ((out && fclose(out) != 0) || bad)
        return fl_fail(error, "%s: cannot write the figure: %s", path, strerror(errno));
    return FL_OK;
}
