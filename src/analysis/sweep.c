/* A voltammogram cut into legs. */
#include "analysis/sweep.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "analysis/baseline.h"
#include "base/buf.h"

#define TURN_WINDOW 8

int sweep_turns(const double *e, int n, int window, int *turn, int max)
{
    int count = 0, extreme = 0, direction = 0;
    /* An extremum counts once the potential has left it for good: after `window` samples, by more than the
     * largest change that a single sample makes. */
    double jump = 0;
    for (int k = 1; k < n; k++)
        jump = fmax(jump, fabs(e[k] - e[k - 1]));
    for (int k = 1; k < n; k++) {
        if (direction == 0) {
            if (fabs(e[k] - e[0]) > jump * window / 2)
                direction = e[k] > e[0] ? 1 : -1;
            extreme = k;
        } else if (direction * (e[k] - e[extreme]) >= 0) {
            extreme = k;
        } else if (k - extreme >= window && direction * (e[extreme] - e[k]) > jump * window / 4) {
            if (count < max)
                turn[count] = extreme;
            count++;
            direction = -direction;
            extreme = k;
        }
    }
    return count;
}

static struct leg leg_of(const double *t, const double *e, int first, int n, int cycle)
{
    struct leg g = {.first = first, .n = n, .cycle = cycle};
    if (n < 2)
        return g;
    struct baseline line;
    double span = e[first + n - 1] - e[first], time = t[first + n - 1] - t[first];
    g.rate = time > 0 ? span / time : 0;
    if (baseline_fit(t + first, e + first, n, -INFINITY, INFINITY, &line))
        g.rate = line.slope;
    g.step = span / (n - 1);
    g.direction = g.rate > 0 ? 1 : g.rate < 0 ? -1 : 0;
    return g;
}

static int legs_by_turns(const double *t, const double *e, int n, struct leg *out, int max)
{
    int count = sweep_turns(e, n, TURN_WINDOW, NULL, 0), first = 0, cycle = 1, found = 0, direction = 0;
    int *turn = xcalloc((size_t)count + 1, sizeof *turn);
    sweep_turns(e, n, TURN_WINDOW, turn, count);
    for (int k = 0; k <= count; k++) {
        int end = k < count ? turn[k] + 1 : n;
        struct leg g = leg_of(t, e, first, end - first, cycle);
        if (found > 0 && g.direction == direction)
            g.cycle = ++cycle;
        if (found == 0)
            direction = g.direction;
        if (found < max)
            out[found] = g;
        found++;
        first = end;
    }
    free(turn);
    return found;
}

int sweep_legs(const double *t, const double *e, const int32_t *cycle, const int16_t *sweep, int n,
               struct leg *out, int max)
{
    if (n < 1)
        return 0;
    bool labelled = cycle[0] != cycle[n - 1] || sweep[0] != sweep[n - 1];
    int turn[1];
    if (!labelled && sweep_turns(e, n, TURN_WINDOW, turn, 1) > 0)
        return legs_by_turns(t, e, n, out, max);
    int found = 0;
    for (int first = 0; first < n;) {
        int end = first + 1;
        while (end < n && cycle[end] == cycle[first] && sweep[end] == sweep[first])
            end++;
        if (found < max)
            out[found] = leg_of(t, e, first, end - first, cycle[first]);
        found++;
        first = end;
    }
    return found;
}

void sweep_rates(const struct leg *legs, int n_legs, const double *e, int n, double start, double *dedt)
{
    for (int k = 0; k < n; k++)
        dedt[k] = 0;
    for (int g = 0; g < n_legs; g++) {
        const struct leg *l = &legs[g];
        for (int k = l->first; k < l->first + l->n && k < n; k++)
            dedt[k] = l->rate;
        double before = l->first > 0 ? e[l->first - 1] : start;
        if (l->first < n && fabs(e[l->first] - before) < fabs(l->step) / 4)
            dedt[l->first] = 0;
    }
}
