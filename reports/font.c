#include "reports/font.h"

#include <stdio.h>
#include <string.h>

const char fl_font_stack[] =
    "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', 'PingFang SC', 'Hiragino Sans GB', "
    "'Microsoft YaHei', 'Noto Sans CJK SC', 'Noto Sans SC', 'Source Han Sans SC', "
    "'WenQuanYi Micro Hei', 'WenQuanYi Zen Hei', 'Droid Sans Fallback', sans-serif";

bool fl_font_for(enum fl_language language, char font[FL_FONT])
{
    /* Chinese by characters of the plots: to fontconfig a font speaks zh-cn only when it has some
     * 6,800 of them, and ones that lack a few would do. */
    static const char *const QUERIES[FL_N_LANGUAGES] = {
        [FL_EN] = "fc-list -f '%{family[0]}\\n' :lang=en 2>/dev/null",
        [FL_ZH] = "fc-list -f '%{family[0]}\\n' "
                  "':charset=6d6e 70b9 8fd0 7b97 6ce8 610f 529b 7f13 5b58' 2>/dev/null",
    };
    font[0] = '\0';
    FILE *answer = popen(QUERIES[language], "r");
    if (!answer)
        return false;
    if (!fgets(font, FL_FONT, answer))
        font[0] = '\0';
    font[strcspn(font, "\n")] = '\0';
    while (fgetc(answer) != EOF)
        ;
    pclose(answer);
    return font[0] != '\0';
}
