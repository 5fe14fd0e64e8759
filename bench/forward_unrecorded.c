/* forward_unrecorded.c - the forward pass once more, its regions compiled out, under another name:
 * bench_engine runs both in one process on the same memory, so that what the ledger costs is the
 * only difference between them. */
#define FL_NO_LEDGER
#define fl_forward       fl_forward_unrecorded
#define fl_pass_linear   fl_pass_linear_unrecorded
#define fl_pass_activate fl_pass_activate_unrecorded
#include "engine/forward.c" /* the same source, built another way */
