/* file.h - reading whole files, mapping them, replacing them so that nothing is half written. */
#ifndef FL_BASE_FILE_H
#define FL_BASE_FILE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A read-only view of a file's bytes. data is NULL for an empty file. */
struct fl_mapping {
    const unsigned char *data;
    size_t size;
};

int fl_file_map(struct fl_mapping *mapping, const char *path, struct fl_error *error);
void fl_file_unmap(struct fl_mapping *mapping);

/* The whole file as a NUL-terminated buffer the caller frees; refuses more than max_bytes.
 * "-" reads standard input. */
int fl_file_read(char **text, size_t *size, const char *path, size_t max_bytes,
                 struct fl_error *error);

/* Writing: everything goes to PATH.partial beside the target; commit flushes, checks every write
 * and renames. Without commit, fl_output_abandon() removes it, and so does a signal that
 * ends the process. A link's target is what is replaced; a device or a pipe is written to as it
 * is. Path "-" is standard output. */
struct fl_output {
    FILE *stream;
    char path[4096];
    char partial[4096]; /* "" where there is none */
};

int fl_output_open(struct fl_output *output, const char *path, struct fl_error *error);
int fl_output_commit(struct fl_output *output, struct fl_error *error);
void fl_output_abandon(struct fl_output *output);

bool fl_file_exists(const char *path);
bool fl_file_is_directory(const char *path);

/* mkdir -p */
int fl_directory_make(const char *path, struct fl_error *error);

/* directory/name into out (size bytes); FL_FAILED when it does not fit. */
int fl_path_join(char *out, size_t size, const char *directory, const char *name,
                 struct fl_error *error);

#endif
