/* export_sde.h - a ledger as PAPI software-defined events, so that any PAPI tool in the process
 * reads what the engine counted beside what the processor did.
 *
 *     sde:::flopledger::flops          of all operators: counted FLOPs
 *     sde:::flopledger::bytes_read     compulsory traffic
 *     sde:::flopledger::bytes_written
 *     sde:::flopledger::time_ns        time inside operators
 *     sde:::flopledger::calls          operator calls
 *     sde:::flopledger::qkv_flops      and so on, by operator: qkv_bytes_read, ...
 *
 * Sums are made when a tool reads; nothing is added to a forward pass. Read between passes: a
 * pass that runs in another thread meanwhile is seen in part. */
#ifndef FL_ENGINE_EXPORT_SDE_H
#define FL_ENGINE_EXPORT_SDE_H

#include "base/error.h"
#include "ledger/ledger.h"

/* ledger must live until fl_sde_export_end(). The events are the process's: one ledger at a time,
 * or it fails; so it does, with the reason, where there is no libsde. */
int fl_sde_export_begin(const struct fl_ledger *ledger, struct fl_error *error);

/* The events stay, and read 0. No PAPI tool may be counting them meanwhile. */
void fl_sde_export_end(void);

#endif
