/* strings_page.h - rows of the page itself, of the Markdown and of what the command prints:
 * X(ID, "English", "Chinese"); see strings.h. */
/* clang-format off */

X(DEFAULT_TITLE, "Where the FLOPs go", "浮点运算花在哪里")
X(LANGUAGE_NAME, "English", "中文")
X(SKIP_TO_CONTENT, "Skip to the findings", "跳到结论")
X(CONTENTS, "Contents", "目录")
X(THEME_SYSTEM, "Theme: as the system", "主题：跟随系统")
X(THEME_LIGHT, "Theme: light", "主题：浅色")
X(THEME_DARK, "Theme: dark", "主题：深色")
X(PRINT, "Print", "打印")
X(MISSING, "Missing: ", "缺少：")
X(ATTENTION, "Attention:", "注意：")
X(SORT_HINT, "Tables with more than one row can be sorted by their headings.", "多行表格可点击表头排序。")

/* what the command prints */
X(PRINT_UNAVAILABLE, "measured: unavailable: %s", "实测：不可用：%s")
X(PRINT_WRITTEN, "report: %s", "报告：%s")

/* clang-format on */
