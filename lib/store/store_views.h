/* store_views.h - views for whoever reads a results file with SQL: rows that need no join, under
 * names that stay. They are no part of the schema's version, and a file without them is complete:
 * whoever opens a file for writing gets them there, who only reads never touches it.
 *
 * docs/results.md describes the columns. A column keeps its name and its meaning; new ones come at
 * the end. */
#ifndef FL_STORE_STORE_VIEWS_H
#define FL_STORE_STORE_VIEWS_H

#include "store/store.h"

/* Creates the views that are missing and replaces those an older program made, in one transaction;
 * writes nothing when there is nothing to do. Something else under one of the names is left alone,
 * and *taken is then that name, otherwise NULL. */
int fl_store_add_views(struct fl_store *store, const char **taken, struct fl_error *error);

#endif
