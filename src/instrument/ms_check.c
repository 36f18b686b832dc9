/* Nothing here trusts that the planner has checked before: a value that reaches this point is about to be
 * applied. */
#include "instrument/ms_check.h"

#include <math.h>

#define TINY_V 1e-7 /* below the instruments' resolution: rounding of sign and offset is not a violation */

struct where {
    const struct potentiostat_config *c;
    const struct program *g;
    const struct segment *s;
    int index;
    struct err *e;
};

const char *segment_kind_name(enum segment_kind kind)
{
    static const char *const name[] = {"hold", "sweep", "ramp", "galvanostatic", "open circuit"};
    return name[kind];
}

struct ms_span ms_allowed(const struct potentiostat_config *c)
{
    return (struct ms_span){fmax(c->e_limit[0], c->model->e_min), fmin(c->e_limit[1], c->model->e_max)};
}

struct ms_span ms_compliance(const struct potentiostat_config *c, const struct segment *s)
{
    struct ms_span allowed = ms_allowed(c);
    if (!(s->e_low < s->e_high))
        return allowed;
    double a = wiring_instrument_potential(&c->wiring, s->e_low);
    double b = wiring_instrument_potential(&c->wiring, s->e_high);
    return (struct ms_span){fmax(fmin(a, b), allowed.low), fmin(fmax(a, b), allowed.high)};
}

const struct current_range *ms_range(const struct potentiostat_model *m, double amperes)
{
    for (int k = 0; k < m->n_ranges; k++)
        if (m->ranges[k].full_scale >= amperes * (1 - 1e-9))
            return &m->ranges[k];
    return NULL;
}

/* All that goes for a staircase goes for both. */
static bool is_staircase(const struct segment *s)
{
    return s->kind == SEGMENT_SWEEP || s->kind == SEGMENT_RAMP;
}

static bool fail(const struct where *w, enum err_code code, const char *text)
{
    err_set(w->e, code, "%s", text);
    return err_context(w->e, "segment %d (%s)", w->index, segment_kind_name(w->s->kind));
}

static bool check_potential(const struct where *w, const char *what, double sample)
{
    struct ms_span allowed = ms_allowed(w->c);
    double applied = wiring_instrument_potential(&w->c->wiring, sample);
    if (applied >= allowed.low - TINY_V && applied <= allowed.high + TINY_V)
        return true; /* NAN fails */
    err_set(w->e, ERR_LIMIT, "%s %g V at the sample is %g V applied, outside %g V to %g V (%s and limits)",
            what, sample, applied, allowed.low, allowed.high, w->c->model->name);
    return err_context(w->e, "segment %d (%s)", w->index, segment_kind_name(w->s->kind));
}

static bool check_current(const struct where *w, const char *what, double amperes)
{
    double limit = fmin(w->c->i_limit, w->c->model->i_max);
    if (fabs(amperes) <= limit * (1 + 1e-9))
        return true;
    err_set(w->e, ERR_LIMIT, "%s %g A at the sample is %g A applied, beyond %g A (%s and limits)", what,
            amperes, wiring_instrument_current(&w->c->wiring, amperes), limit, w->c->model->name);
    return err_context(w->e, "segment %d (%s)", w->index, segment_kind_name(w->s->kind));
}

static bool check_time(const struct where *w)
{
    const struct segment *s = w->s;
    double interval = segment_interval(s);
    if (!(interval >= w->c->model->interval_min * (1 - 1e-9))) {
        err_set(w->e, ERR_LIMIT, "a sample every %g s is more than %s and its link keep up with (%g s)",
                interval, w->c->model->name, w->c->model->interval_min);
        return err_context(w->e, "segment %d (%s)", w->index, segment_kind_name(s->kind));
    }
    if (!isfinite(interval))
        return fail(w, ERR_INPUT, "needs a finite time between samples");
    bool timed = !is_staircase(s) || s->open_ended;
    if (timed && !(s->duration > 0 && isfinite(s->duration)))
        return fail(w, ERR_INPUT, "needs a finite duration, which also bounds it if the host dies");
    return true;
}

static bool check_staircase(const struct where *w)
{
    const struct segment *s = w->s;
    if (!(s->rate > 0) || !(s->step > 0))
        return fail(w, ERR_INPUT, "needs a positive rate and step");
    if (s->step >= w->c->model->e_step * (1 - 1e-9))
        return true;
    err_set(w->e, ERR_LIMIT, "a step of %g V is below the %g V of the %s", s->step, w->c->model->e_step,
            w->c->model->name);
    return err_context(w->e, "segment %d (%s)", w->index, segment_kind_name(s->kind));
}

static bool check_sweep(const struct where *w)
{
    const struct segment *s = w->s;
    if (!check_staircase(w))
        return false;
    if (s->cycles < 1 && !s->open_ended)
        return fail(w, ERR_INPUT, "needs at least one cycle");
    if (s->cycles > MS_SCANS_MAX && !s->open_ended)
        return fail(w, ERR_LIMIT, "more cycles than the device counts (65535)");
    if (!check_potential(w, "start", s->start) || !check_potential(w, "vertex", s->vertex[0]) ||
        !check_potential(w, "vertex", s->vertex[1]))
        return false;
    double width = fmax(fabs(s->vertex[0] - s->start), fabs(s->vertex[1] - s->start));
    return width >= s->step * (1 - 1e-9) || fail(w, ERR_INPUT, "the sweep is narrower than one step");
}

static bool check_ramp(const struct where *w)
{
    const struct segment *s = w->s;
    if (!check_staircase(w) || !check_potential(w, "start", s->start) ||
        !check_potential(w, "end", s->vertex[0]))
        return false;
    return fabs(s->vertex[0] - s->start) >= s->step * (1 - 1e-9) ||
           fail(w, ERR_INPUT, "the ramp is narrower than one step");
}

static bool check_galvanostatic(const struct where *w)
{
    const struct segment *s = w->s;
    if (!w->c->model->galvanostat)
        return fail(w, ERR_LIMIT, "this potentiostat has no galvanostat");
    if (!isfinite(s->current))
        return fail(w, ERR_INPUT, "needs a current");
    struct ms_span span = ms_compliance(w->c, s);
    if (!(span.low < span.high))
        return fail(w, ERR_LIMIT, "its compliance lies outside the potential limits");
    return check_current(w, "current", s->current);
}

static bool check_potential_until(const struct where *w, const struct until *u)
{
    if (w->s->kind == SEGMENT_HOLD)
        return fail(w, ERR_INPUT, "a potential can not end a segment that controls the potential");
    return w->s->kind != SEGMENT_GALVANOSTATIC || check_potential(w, "end at", u->value);
}

static bool check_charge_until(const struct where *w, const struct until *u)
{
    if (w->s->kind == SEGMENT_OPEN)
        return fail(w, ERR_INPUT, "no charge flows at open circuit that could end it");
    if (w->s->kind == SEGMENT_GALVANOSTATIC && w->s->current == 0)
        return fail(w, ERR_INPUT, "without a current no charge is ever reached");
    return u->value > 0 || fail(w, ERR_INPUT, "a charge that ends a segment must be positive");
}

static bool check_current_until(const struct where *w, const struct until *u)
{
    if (w->s->kind != SEGMENT_HOLD)
        return fail(w, ERR_INPUT, "a current can end a hold only");
    if (!(u->value > 0))
        return fail(w, ERR_INPUT, "a current that ends a hold is a magnitude and must be positive");
    return check_current(w, "end at", u->value);
}

static bool check_drift_until(const struct where *w, const struct until *u)
{
    const struct segment *s = w->s;
    if (s->kind != SEGMENT_OPEN)
        return fail(w, ERR_INPUT, "a drift of the potential can end an open circuit only");
    for (const struct until *other = s->until; other < u; other++)
        if (other->what == UNTIL_DRIFT)
            return fail(w, ERR_INPUT, "takes one condition on the drift only");
    if (!(u->value > 0))
        return fail(w, ERR_INPUT, "a drift that ends a segment must be positive");
    if (!(u->window >= s->interval * (1 - 1e-9)))
        return fail(w, ERR_INPUT, "the drift's window is shorter than one sample");
    if (u->window / s->interval <= MS_WINDOW_MAX + 0.5)
        return true;
    err_set(w->e, ERR_LIMIT, "the drift's window of %g s holds more than %d samples; sample less often",
            u->window, MS_WINDOW_MAX);
    return err_context(w->e, "segment %d (%s)", w->index, segment_kind_name(s->kind));
}

static bool check_fraction_until(const struct where *w, const struct until *u)
{
    if (w->s->kind != SEGMENT_GALVANOSTATIC)
        return fail(w, ERR_INPUT, "a fraction of an earlier charge can end a galvanostatic segment only");
    if (u->of < 0 || u->of >= w->index)
        return fail(w, ERR_INPUT, "a fraction needs an earlier segment whose charge it is of");
    const struct segment *of = &w->g->segment[u->of];
    if (of->kind != SEGMENT_GALVANOSTATIC) {
        err_set(w->e, ERR_INPUT, "a fraction of the charge of segment %d (%s), which is not galvanostatic",
                u->of, segment_kind_name(of->kind));
        return err_context(w->e, "segment %d (%s)", w->index, segment_kind_name(w->s->kind));
    }
    if (w->s->current == 0 || of->current == 0)
        return fail(w, ERR_INPUT, "a fraction needs currents that are not zero");
    return u->value > 0 || fail(w, ERR_INPUT, "a fraction that ends a segment must be positive");
}

static bool check_condition(const struct where *w, const struct until *u)
{
    if (!isfinite(u->value))
        return fail(w, ERR_INPUT, "a condition needs a finite value");
    switch (u->what) {
    case UNTIL_POTENTIAL_BELOW:
    case UNTIL_POTENTIAL_ABOVE:
        return check_potential_until(w, u);
    case UNTIL_ELAPSED:
        return u->value > 0 || fail(w, ERR_INPUT, "an elapsed time must be positive");
    case UNTIL_CHARGE:
        return check_charge_until(w, u);
    case UNTIL_CURRENT_BELOW:
    case UNTIL_CURRENT_ABOVE:
        return check_current_until(w, u);
    case UNTIL_DRIFT:
        return check_drift_until(w, u);
    case UNTIL_FRACTION:
        return check_fraction_until(w, u);
    }
    return fail(w, ERR_INPUT, "an unknown condition");
}

static bool check_until(const struct where *w)
{
    const struct segment *s = w->s;
    if (s->n_until < 0 || s->n_until > UNTIL_MAX)
        return fail(w, ERR_INPUT, "too many conditions");
    if (s->n_until > 0 && is_staircase(s))
        return fail(w, ERR_INPUT, "runs from end to end: no condition can end it");
    for (int k = 0; k < s->n_until; k++)
        if (!check_condition(w, &s->until[k]))
            return false;
    return true;
}

/* Who may be ended by the host, and what a gate is. */
static bool check_ends(const struct where *w)
{
    const struct segment *s = w->s;
    if (s->open_ended && (s->kind == SEGMENT_RAMP || s->kind == SEGMENT_GALVANOSTATIC))
        return fail(w, ERR_INPUT, "can not be open-ended");
    if (s->skips == 0)
        return true;
    if (s->skips < 0 || !s->open_ended || (s->kind != SEGMENT_HOLD && s->kind != SEGMENT_OPEN))
        return fail(w, ERR_INPUT, "only an open-ended hold or open circuit is a gate");
    if (s->n_until > 0)
        return fail(w, ERR_INPUT, "a gate takes no conditions: it is advanced or runs out");
    if (s->skips > w->g->n - 1 - w->index)
        return fail(w, ERR_INPUT, "the gate skips more segments than follow");
    return s->duration >= s->interval * (1 - 1e-9) ||
           fail(w, ERR_INPUT, "the gate is shorter than one sample");
}

static bool check_range(const struct where *w)
{
    const struct segment *s = w->s;
    if (s->kind == SEGMENT_OPEN)
        return true;
    double amperes = s->kind == SEGMENT_GALVANOSTATIC ? fmax(fabs(s->current), s->i_full) : s->i_full;
    if (!check_current(w, "expected current", amperes))
        return false;
    if (!(amperes >= 0) || !ms_range(w->c->model, amperes)) {
        err_set(w->e, ERR_LIMIT, "no current range of the %s measures %g A", w->c->model->name, amperes);
        return err_context(w->e, "segment %d (%s)", w->index, segment_kind_name(s->kind));
    }
    return true;
}

static bool check_segment(const struct where *w)
{
    switch (w->s->kind) {
    case SEGMENT_HOLD:
        if (!check_potential(w, "potential", w->s->potential))
            return false;
        break;
    case SEGMENT_SWEEP:
        if (!check_sweep(w))
            return false;
        break;
    case SEGMENT_RAMP:
        if (!check_ramp(w))
            return false;
        break;
    case SEGMENT_GALVANOSTATIC:
        if (!check_galvanostatic(w))
            return false;
        break;
    case SEGMENT_OPEN:
        break;
    }
    return check_ends(w) && check_time(w) && check_until(w) && check_range(w);
}

bool ms_check(const struct potentiostat_config *c, const struct program *g, struct err *e)
{
    if (g->n < 1 || g->n > PROGRAM_MAX)
        return err_set(e, ERR_INPUT, "a program has 1 to %d segments, not %d", PROGRAM_MAX, g->n);
    for (int k = 0; k < g->n; k++) {
        struct where w = {c, g, &g->segment[k], k, e};
        if (!check_segment(&w))
            return false;
    }
    return true;
}
