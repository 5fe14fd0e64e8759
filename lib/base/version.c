#include "base/version.h"

#ifndef FL_COMMIT /* the Makefile defines it, for this file alone */
#define FL_COMMIT "unknown"
#endif

const char fl_version_commit[] = FL_COMMIT;
