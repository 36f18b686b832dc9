/* The ledger of the sample. */
#include "sim/world_ledger.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static const double REVERSAL = 5e-3; /* V: coming back by more ends a sweep */
static const double STANDING = 2e-4; /* V: nearer to the extreme than this counts as being there */

void ledger_free(struct ledger *l)
{
    for (int i = 0; i < l->contacts; i++) {
        for (int k = 0; k < l->contact[i].sweeps; k++)
            free(l->contact[i].sweep[k].bin);
        free(l->contact[i].sweep);
        free(l->contact[i].text);
    }
    free(l->contact);
    *l = (struct ledger){0};
}

struct contact *ledger_append(struct ledger *l)
{
    if (l->contacts == l->room) {
        l->room = l->room ? 2 * l->room : 64;
        l->contact = xrealloc(l->contact, (size_t)l->room * sizeof *l->contact);
    }
    struct contact *c = &l->contact[l->contacts++];
    *c = (struct contact){.broke_t_s = NAN, .break_height = NAN, .residue = NAN};
    return c;
}

static void begin_sweep(struct ledger *l, double t, double e)
{
    l->now = (struct sweep){.t_s = t, .e_from = e, .e_to = e};
    l->extreme = e;
    l->t_extreme = t;
}

struct contact *ledger_open(struct ledger *l, double t, double e)
{
    l->open = true;
    l->direction = 0;
    l->pending = (struct cell_charge){0};
    memset(l->bin, 0, sizeof l->bin);
    begin_sweep(l, t, e);
    return ledger_append(l);
}

static void add(struct cell_charge *sum, const struct cell_charge *q)
{
    sum->stray += q->stray;
    sum->leak += q->leak;
    sum->layer += q->layer;
    sum->film += q->film;
    sum->host += q->host;
    sum->redox += q->redox;
    sum->trace += q->trace;
}

static int bin_of(double e)
{
    double b = (e - LEDGER_LOWEST) / LEDGER_BIN_WIDTH;
    return b < 0 ? 0 : b >= LEDGER_BINS ? LEDGER_BINS - 1 : (int)b;
}

/* The sweep with its bins copied to the heap, without the empty ones at either end. */
static struct sweep packed(const struct ledger *l)
{
    struct sweep s = l->now;
    int first = 0, last = LEDGER_BINS - 1;
    while (first <= last && l->bin[first] == 0)
        first++;
    while (last > first && l->bin[last] == 0)
        last--;
    s.first = first;
    s.bins = first <= last ? last - first + 1 : 0;
    s.bin = s.bins ? xmalloc((size_t)s.bins * sizeof *s.bin) : NULL;
    for (int i = 0; i < s.bins; i++)
        s.bin[i] = (float)l->bin[first + i];
    return s;
}

static void end_sweep(struct ledger *l)
{
    struct contact *c = &l->contact[l->contacts - 1];
    if (c->sweeps == c->room) {
        c->room = c->room ? 2 * c->room : 16;
        c->sweep = xrealloc(c->sweep, (size_t)c->room * sizeof *c->sweep);
    }
    c->sweep[c->sweeps++] = packed(l);
    memset(l->bin, 0, sizeof l->bin);
}

/* What waited since the extreme belongs to the sweep going on. */
static void merge_pending(struct ledger *l, double e)
{
    add(&l->now.charge, &l->pending);
    l->bin[bin_of(e)] += l->pending.film;
    l->pending = (struct cell_charge){0};
}

/* Takes note of where the potential is now; false if what flowed must wait, because the potential came back a
 * little and may turn. */
static bool follow(struct ledger *l, double e)
{
    if (l->direction == 0) {
        if (fabs(e - l->extreme) > REVERSAL) {
            l->direction = e > l->extreme ? 1 : -1;
            l->extreme = l->now.e_to = e;
        }
        return true;
    }
    double beyond = l->direction * (e - l->extreme);
    if (beyond < -REVERSAL) {
        l->direction = -l->direction;
        end_sweep(l);
        begin_sweep(l, l->t_extreme, l->extreme);
    } else if (beyond < 0) {
        return beyond > -STANDING;
    }
    l->extreme = l->now.e_to = e;
    return true;
}

void ledger_add(struct ledger *l, double t, double e, const struct cell_charge *q)
{
    add(&l->pending, q);
    if (!follow(l, e))
        return;
    l->t_extreme = t;
    merge_pending(l, e);
}

void ledger_close(struct ledger *l)
{
    merge_pending(l, l->extreme);
    end_sweep(l);
    l->open = false;
}

void ledger_current(const struct ledger *l, struct sweep *out)
{
    *out = packed(l);
    add(&out->charge, &l->pending);
}

double sweep_film_window(const struct sweep *s, double lo, double hi)
{
    double sum = 0;
    for (int i = 0; i < s->bins; i++) {
        double from = LEDGER_LOWEST + (s->first + i) * LEDGER_BIN_WIDTH, to = from + LEDGER_BIN_WIDTH;
        double part = (fmin(to, hi) - fmax(from, lo)) / LEDGER_BIN_WIDTH;
        if (part > 0)
            sum += (double)s->bin[i] * part;
    }
    return sum;
}
