/* assets.h - files that go into every page as they are, linked into the program. NUL-terminated. */
#ifndef FL_REPORTS_ASSETS_H
#define FL_REPORTS_ASSETS_H

extern const char fl_asset_page_css[], fl_asset_page_js[], fl_asset_calculator_js[];

#endif
