/* The programmed values of a stored step, which analysis reads back from the results file.
 *
 * One segment tells its own numbers. A step of several segments is told as the step that it is: a
 * voltammogram of ramps by its vertices and the rate of each cycle, pulses and reversed currents by their
 * levels. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "run/segments.h"

static void number(struct buf *b, const char *key, double value)
{
    buf_printf(b, "%s\"%s\":%.12g", b->n > 1 ? "," : "", key, value);
}

/* One segment. */
static void plain(const struct segment *g, struct buf *b)
{
    switch (g->kind) {
    case SEGMENT_HOLD:
        number(b, "potential", g->potential);
        break;
    case SEGMENT_SWEEP:
        number(b, "start", g->start);
        number(b, "vertex0", g->vertex[0]);
        number(b, "vertex1", g->vertex[1]);
        break;
    case SEGMENT_RAMP:
        number(b, "start", g->start);
        number(b, "end", g->vertex[0]);
        break;
    case SEGMENT_GALVANOSTATIC:
        number(b, "current", g->current);
        break;
    case SEGMENT_OPEN:
        break;
    }
    if (g->kind == SEGMENT_SWEEP || g->kind == SEGMENT_RAMP) {
        number(b, "rate", g->rate);
        number(b, "step", g->step);
    }
    if (g->kind == SEGMENT_SWEEP)
        number(b, "cycles", g->cycles);
    number(b, "interval", g->interval);
    if (g->kind == SEGMENT_GALVANOSTATIC || g->kind == SEGMENT_OPEN)
        number(b, "duration", g->duration);
}

/* The segments of a step of several. */
struct legs {
    const struct site_program *s;
    int first, end;
    int per_cycle; /* in the first cycle */
    int cycles;
};

static struct legs legs_of(const struct site_program *s, int first)
{
    struct legs l = {.s = s, .first = first, .end = site_program_end(s, first)};
    while (first + l.per_cycle < l.end && s->cycle[first + l.per_cycle] == s->cycle[first])
        l.per_cycle++;
    l.cycles = s->cycle[l.end - 1] - s->cycle[first] + 1;
    return l;
}

static const struct segment *leg(const struct legs *l, int k)
{
    return &l->s->program.segment[l->first + k];
}

static double rate_of(const struct segment *g)
{
    return g->rate;
}

static double interval_of(const struct segment *g)
{
    return g->interval;
}

static double level_of(const struct segment *g)
{
    return g->kind == SEGMENT_GALVANOSTATIC ? g->current : g->potential;
}

static double end_of(const struct segment *g)
{
    return g->kind == SEGMENT_SWEEP ? g->vertex[1] : g->vertex[0];
}

static double duration_of(const struct segment *g)
{
    return g->duration;
}

/* The values of the legs of the first cycle. */
static void list(const struct legs *l, const char *key, double (*of)(const struct segment *g), struct buf *b)
{
    buf_printf(b, "%s\"%s\":[", b->n > 1 ? "," : "", key);
    for (int k = 0; k < l->per_cycle; k++)
        buf_printf(b, "%s%.12g", k ? "," : "", of(leg(l, k)));
    buf_char(b, ']');
}

/* The rate of each cycle. */
static void rates(const struct legs *l, struct buf *b)
{
    buf_printf(b, "%s\"rates\":[", b->n > 1 ? "," : "");
    for (int k = 0; k < l->end - l->first; k++)
        if (k == 0 || l->s->cycle[l->first + k] != l->s->cycle[l->first + k - 1])
            buf_printf(b, "%s%.12g", k ? "," : "", leg(l, k)->rate);
    buf_char(b, ']');
}

static bool all_equal(const struct legs *l, double (*of)(const struct segment *g))
{
    for (int k = 1; k < l->end - l->first; k++)
        if (of(leg(l, k)) != of(leg(l, 0)))
            return false;
    return true;
}

static void ramps(const struct legs *l, bool lists, struct buf *b)
{
    int n = l->end - l->first;
    number(b, "start", leg(l, 0)->start);
    /* Behind the last of several cycles there may be a way to another end. */
    bool other_end = l->cycles > 1 && l->s->sweep[l->end - 1] >= l->per_cycle;
    if (lists)
        list(l, "vertices", end_of, b);
    if (other_end)
        number(b, "end", end_of(leg(l, n - 1)));
    number(b, "rate", leg(l, 0)->rate);
    if (lists && !all_equal(l, rate_of))
        rates(l, b);
    number(b, "step", leg(l, 0)->step);
}

static void levels(const struct legs *l, bool lists, struct buf *b)
{
    bool current = leg(l, 0)->kind == SEGMENT_GALVANOSTATIC;
    if (!lists)
        number(b, current ? "current" : "potential", level_of(leg(l, 0)));
    else
        list(l, current ? "currents" : "potentials", level_of, b);
    if (all_equal(l, duration_of))
        number(b, "duration", leg(l, 0)->duration);
    else if (lists)
        list(l, "durations", duration_of, b);
}

static void several(const struct legs *l, bool lists, struct buf *b)
{
    enum segment_kind kind = leg(l, 0)->kind;
    if (kind == SEGMENT_RAMP || kind == SEGMENT_SWEEP)
        ramps(l, lists, b);
    else
        levels(l, lists, b);
    number(b, "cycles", l->cycles);
    if (all_equal(l, interval_of)) /* without it times are those of the instrument or the host */
        number(b, "interval", leg(l, 0)->interval);
}

void segment_settings(const struct site_program *s, int segment, char *json, size_t n)
{
    struct legs l = legs_of(s, segment);
    for (int lists = 1; lists >= 0; lists--) {
        struct buf b = {0};
        buf_char(&b, '{');
        if (l.end - l.first == 1)
            plain(&s->program.segment[segment], &b);
        else
            several(&l, lists, &b);
        if (s->role[segment] == ROLE_STEP && s->repeated[segment])
            number(&b, "first_cycle", s->cycle[segment]);
        buf_char(&b, '}');
        bool fits = b.n < n;
        if (fits)
            memcpy(json, b.p, b.n + 1);
        else if (lists == 0 && n > 2)
            memcpy(json, "{}", 3);
        buf_free(&b);
        if (fits)
            return;
    }
}
