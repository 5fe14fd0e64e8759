/* store_schema.h - the text of the schema and what marks a file as ours. */
#ifndef FL_STORE_STORE_SCHEMA_H
#define FL_STORE_STORE_SCHEMA_H

/* PRAGMA application_id: "FLLG" */
enum { FL_STORE_APPLICATION_ID = 0x464C4C47 };

/* The statements that create every table and view of schema FL_STORE_SCHEMA in an empty database,
 * in order; NULL-terminated. */
extern const char *const fl_store_schema[];

#endif
