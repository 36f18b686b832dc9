/* How long a segment takes: the planner's estimate and the instrument's bound come from the same formula. */
#include "instrument/program.h"

/* One cycle runs start -> vertex[0] -> vertex[1] -> start. */
static double sweep_seconds(const struct segment *s)
{
    double path =
        fabs(s->vertex[0] - s->start) + fabs(s->vertex[1] - s->vertex[0]) + fabs(s->start - s->vertex[1]);
    return s->cycles * path / s->rate;
}

/* The start is sampled, then every step. */
static double ramp_seconds(const struct segment *s)
{
    double steps = floor(fabs(s->vertex[0] - s->start) / s->step + 1e-6);
    return (steps + 1) * s->step / s->rate;
}

double segment_seconds(const struct segment *s)
{
    if (s->kind == SEGMENT_SWEEP && !s->open_ended)
        return sweep_seconds(s);
    if (s->kind == SEGMENT_RAMP)
        return ramp_seconds(s);
    double seconds = s->duration;
    for (int k = 0; k < s->n_until; k++) {
        const struct until *u = &s->until[k];
        if (u->all)
            continue; /* the others of its group may never be true */
        if (u->what == UNTIL_ELAPSED)
            seconds = fmin(seconds, u->value);
        if (u->what == UNTIL_CHARGE && s->kind == SEGMENT_GALVANOSTATIC && s->current != 0)
            seconds = fmin(seconds, u->value / fabs(s->current));
    }
    return seconds;
}

double segment_interval(const struct segment *s)
{
    return s->kind == SEGMENT_SWEEP || s->kind == SEGMENT_RAMP ? s->step / s->rate : s->interval;
}
