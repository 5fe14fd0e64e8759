/* trace_shapes.h - what an operator worked on, in words: "[16, 768] x [768, 2304]". */
#ifndef FL_REPORTS_TRACE_SHAPES_H
#define FL_REPORTS_TRACE_SHAPES_H

#include "ledger/event_log.h"
#include "model/config.h"

#include <stdbool.h>

enum { FL_TRACE_SHAPE_TEXT = 96 };

/* Rows and pairs follow from the work that was counted, so they are those that ran. False where the
 * work does not tell. */
bool fl_trace_shape(char out[FL_TRACE_SHAPE_TEXT], const struct fl_event *event,
                    const struct fl_config *config);

#endif
