/* flopledger.h - the library, for programs of one's own: `pkg-config --cflags --libs flopledger`.
 *
 *     base/error.h         how a call fails: FL_OK or FL_FAILED, and one sentence
 *     model/weights.h      a model: preset, GGUF, safetensors, llama2.c
 *     engine/session.h     a model being run; its ledger
 *     engine/export_sde.h  the ledger as events that PAPI tools read
 *     ledger/ledger.h      regions around operators, and what they cost: also without our engine
 *     ledger/analytic.h    what a forward pass costs by formula
 *     reports/trace.h      when every operator ran, for Perfetto
 *
 * docs/library.md is the manual, docs/examples has programs that are built and run by the tests.
 * The headers that these include are installed beside them; what is in no header here may change.
 */
#ifndef FL_FLOPLEDGER_H
#define FL_FLOPLEDGER_H

#include "base/error.h"
#include "base/version.h"
#include "engine/export_sde.h"
#include "engine/session.h"
#include "ledger/analytic.h"
#include "ledger/ledger.h"
#include "model/weights.h"
#include "reports/trace.h"

#endif
