/* The test of a landing: the open-circuit potential says what the drop stands on (bare metal, an oxide, an
 * inclusion) before anything is done to it. A contact outside of the accepted interval is left as it is and
 * the site goes to a spare. */
#include <math.h>

#include "run/hop.h"

struct open_circuit {
    double sum, sum_squares;
    int n;
};

/* Mean of the second half, in which the stray capacitance of the rig no longer counts. */
static bool read_open_circuit(struct run *r, struct open_circuit *v, struct err *e)
{
    int landing = site_program_find(&r->program, ROLE_LANDING, 0), seen = 0;
    const struct segment *g = &r->program.program.segment[landing];
    while (r->stream.segment <= landing) {
        struct potentiostat_item item;
        if (!stream_wait(r, &item, 0, e))
            return false;
        if (r->stream.done)
            return potentiostat_fault(e, ERR_MISMATCH,
                                      "the potentiostat's program ended in the test of the landing");
        if (item.kind != PSTAT_SAMPLE || item.segment != landing || ++seen <= g->duration / g->interval / 2)
            continue;
        if (item.sample.status & ~SAMPLE_TIMING)
            continue;
        v->sum += item.sample.e;
        v->sum_squares += item.sample.e * item.sample.e;
        v->n++;
    }
    return true;
}

bool hop_landing(struct run *r, struct err *e)
{
    const struct landing *l = &r->p->landing;
    struct open_circuit v = {0};
    if (!landing_wanted(l))
        return true;
    hop_enter(r, HOP_LANDING);
    if (!stream_advance(r, e) || !read_open_circuit(r, &v, e) || !stream_until(r, ROLE_JUDGE, e))
        return false;
    if (v.n == 0)
        return attempt_outcome(r, OUTCOME_LANDING_REJECTED, "no open-circuit potential could be read");
    double mean = v.sum / v.n, sd = sqrt(fmax(0, v.sum_squares / v.n - mean * mean));
    if (mean >= l->ocp[0] && mean <= l->ocp[1])
        return true;
    return attempt_outcome(r, OUTCOME_LANDING_REJECTED,
                           "open circuit at %.4f V (SD %.4f V), accepted are %.4g V to %.4g V", mean, sd,
                           l->ocp[0], l->ocp[1]);
}
