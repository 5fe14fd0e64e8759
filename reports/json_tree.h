/* json_tree.h - what cJSON leaves to its users: integers with all their digits, and printing. For
 * output that is built as a tree and then printed. Numbers that are not finite are null: cJSON does
 * that. */
#ifndef FL_REPORTS_JSON_TREE_H
#define FL_REPORTS_JSON_TREE_H

#include "base/error.h"
#include "base/units.h"

#include <cJSON.h>
#include <stdio.h>

/* All digits: cJSON's own numbers are doubles. */
void fl_json_add_wide(cJSON *object, const char *name, fl_wide value);

/* A new object at the end of an array. */
cJSON *fl_json_append_object(cJSON *array);

/* Prints the tree with a line end behind it, and deletes it either way. Bytes that are no UTF-8
 * become U+FFFD, as fl_json_text() has them. Fails for want of memory. */
int fl_json_print(cJSON *root, FILE *out, struct fl_error *error);

#endif
