/* strings_rows.h - every row of the table of strings, by area; included with X defined. */
#include "reports/strings_calculator.h"
#include "reports/strings_page.h"
#include "reports/strings_plots.h"
#include "reports/strings_report.h"
#include "reports/strings_roofline.h"
#include "reports/strings_statistics.h"
#include "reports/strings_words.h"
