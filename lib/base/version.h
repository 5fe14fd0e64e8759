/* version.h - what this build is. The version number is here and nowhere else. */
#ifndef FL_BASE_VERSION_H
#define FL_BASE_VERSION_H

#define FL_VERSION "0.1.0"

/* The commit it was built from, "-dirty" appended when files had been changed; "unknown" when
 * there was no repository. */
extern const char fl_version_commit[];

#endif
