/* The protocol's steps, which the potentiostat runs by itself; the host watches status and limits, and that
 * the probe stays where it is (stand.c). */
#include "run/hop.h"

bool hop_measure(struct run *r, struct err *e)
{
    hop_enter(r, HOP_MEASURE);
    if (!stream_advance(r, e))
        return false;
    struct potentiostat_item item;
    while (r->program.role[r->stream.segment] != ROLE_RELAX) {
        if (!stream_wait(r, &item, 0, e) || !gate_take(r, &item, e))
            return false;
        if (r->stream.done)
            return potentiostat_fault(e, ERR_MISMATCH,
                                      "the potentiostat's program ended in the middle of the steps");
    }
    return true;
}
