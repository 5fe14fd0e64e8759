/* store_schema.h - the text of the schema and what marks a file as ours. */
#ifndef FL_STORE_STORE_SCHEMA_H
#define FL_STORE_STORE_SCHEMA_H

#include "store/store.h"

/* PRAGMA application_id: "FLLG" */
enum { FL_STORE_APPLICATION_ID = 0x464C4C47 };

/* fl_store_schema[v] are the statements that take a file from version v to v + 1, in order and
 * NULL-terminated; version 0 is an empty database. */
extern const char *const *const fl_store_schema[FL_STORE_SCHEMA];

#endif
