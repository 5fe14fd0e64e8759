#include "reports/svg.h"

#include "reports/escape.h"
#include "reports/font.h"

#include <string.h>

/* Inside tags only; text between them stays as it is. %s is the drawing's name. */
static const struct {
    const char *from, *to;
} CHANGES[] = {
    {"rgb( 26,  26,  26)", "currentColor"}, /* stroke of the ink */
    {"rgb(26,26,26)", "currentColor"},      /* fill of the ink */
    {" color=\"black\"", ""},               /* would reset currentColor */
    /* rings around points would be white on a dark page, so there are none */
    {" color=\"white\"", " color=\"transparent\""},
    {" color='white'", " color='transparent'"},
    {" id=\"gnuplot_canvas\"", ""},
    {"xlink:href", "href"},
    {"'gp", "'%s-gp"}, /* ids of the point symbols */
    {"'#gp", "'#%s-gp"},
    {"'textbox'", "'%s-textbox'"},
    {"'greybox'", "'%s-greybox'"},
};

/* What gnuplot says about itself and its curves; browsers would show it as tool tips. */
static const char *const DROPPED[] = {"title", "desc"};

static const char *change_at(FILE *out, const char *at, const char *name)
{
    for (size_t i = 0; i < sizeof CHANGES / sizeof *CHANGES; i++) {
        size_t length = strlen(CHANGES[i].from);
        if (strncmp(at, CHANGES[i].from, length) != 0)
            continue;
        const char *to = CHANGES[i].to, *hole = strstr(to, "%s");
        if (hole)
            fprintf(out, "%.*s%s%s", (int)(hole - to), to, name, hole + 2);
        else
            fputs(to, out);
        return at + length;
    }
    return NULL;
}

/* Behind the element that starts at `at` when it is one to drop; otherwise NULL. */
static const char *skip_dropped(const char *at)
{
    for (size_t i = 0; i < sizeof DROPPED / sizeof *DROPPED; i++) {
        size_t length = strlen(DROPPED[i]);
        if (strncmp(at + 1, DROPPED[i], length) != 0 || at[length + 1] != '>')
            continue;
        char end[16];
        snprintf(end, sizeof end, "</%s>", DROPPED[i]);
        const char *behind = strstr(at, end);
        return behind ? behind + strlen(end) : at + strlen(at);
    }
    return NULL;
}

/* Everything inside the root element. */
static void put_body(FILE *out, const struct fl_drawing *drawing)
{
    const char *at = strstr(drawing->svg, "<svg");
    at = at ? strchr(at, '>') : NULL;
    if (!at)
        return;
    int in_tag = 0;
    for (at++; *at && strncmp(at, "</svg>", 6) != 0;) {
        const char *behind = NULL;
        if (!in_tag && *at == '<')
            behind = skip_dropped(at);
        else if (in_tag)
            behind = change_at(out, at, drawing->name);
        if (behind) {
            at = behind;
            continue;
        }
        in_tag = *at == '<' ? 1 : *at == '>' ? 0 : in_tag;
        fputc(*at++, out);
    }
}

static void put_drawing(FILE *out, const struct fl_drawing *drawing, const char *attributes,
                        const char *style)
{
    fprintf(out, "<svg %sviewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", attributes,
            drawing->width, drawing->height);
    fl_escape_html(out, drawing->title);
    fprintf(out, "\">\n%s", style);
    put_body(out, drawing);
    fputs("</svg>\n", out);
}

void fl_drawing_inline(FILE *out, const struct fl_drawing *drawing)
{
    put_drawing(out, drawing, "", "");
}

void fl_drawing_file(FILE *out, const struct fl_drawing *drawing)
{
    char attributes[128], style[768];
    snprintf(attributes, sizeof attributes,
             "xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" color=\"#1f2328\" ",
             drawing->width, drawing->height);
    snprintf(style, sizeof style,
             "<style>text, tspan { font-family: %s }\n"
             "@media (prefers-color-scheme: dark) { svg { color: #e6edf3 } }</style>\n",
             fl_font_stack);
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
    put_drawing(out, drawing, attributes, style);
}
