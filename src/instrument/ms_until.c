/* Conditions of a program as comparisons of MethodSCRIPT. */
#include "instrument/ms_until.h"

#include <stdio.h>

#include "instrument/ms_number.h"
#include "instrument/ms_script.h"

/* Counts are written to 1e-3, ratios and slopes finer. */
enum { QUANTUM_COUNT = -3, QUANTUM_RATIO = -9, QUANTUM_DRIFT = -9, QUANTUM_CHARGE = -18 };

/* Ends at a number of samples that is known beforehand. */
static bool is_timed(const struct segment *s, const struct until *u)
{
    return u->what == UNTIL_ELAPSED || (u->what == UNTIL_CHARGE && s->kind == SEGMENT_GALVANOSTATIC);
}

/* The loop's own running time is the bound. */
static bool is_bound(const struct segment *s, const struct until *u)
{
    return is_timed(s, u) && !u->all;
}

double ms_window(const struct segment *s, const struct until *u)
{
    return round(u->window / s->interval);
}

struct ms_needs ms_needs_of(const struct ms_writer *w, int segment)
{
    const struct segment *s = &w->g->segment[segment];
    struct ms_needs n = {.count = ms_is_gate(s) || w->flow->segment[segment].kept >= 0};
    for (int k = 0; k < s->n_until; k++) {
        const struct until *u = &s->until[k];
        bool timed = is_timed(s, u) && u->all;
        n.count |= timed || u->what == UNTIL_DRIFT || u->what == UNTIL_FRACTION;
        n.charge |= u->what == UNTIL_CHARGE && !is_timed(s, u);
        n.magnitude |= u->what == UNTIL_CURRENT_BELOW || u->what == UNTIL_CURRENT_ABOVE;
        if (u->what == UNTIL_DRIFT)
            n.window = (int)ms_window(s, u);
    }
    return n;
}

static bool has_fraction(const struct program *g)
{
    for (int k = 0; k < g->n; k++)
        for (int u = 0; u < g->segment[k].n_until; u++)
            if (g->segment[k].until[u].what == UNTIL_FRACTION)
                return true;
    return false;
}

void ms_write_variables(struct ms_writer *w)
{
    struct ms_needs all = {0};
    for (int k = 0; k < w->g->n; k++) {
        struct ms_needs n = ms_needs_of(w, k);
        all.count |= n.count;
        all.charge |= n.charge;
        all.magnitude |= n.magnitude;
        all.window = n.window > all.window ? n.window : all.window;
    }
    if (all.count)
        buf_str(w->b, "var n\n");
    if (all.charge)
        buf_str(w->b, "var q\nvar b\n");
    if (all.magnitude)
        buf_str(w->b, "var a\n");
    if (all.window)
        buf_printf(w->b, "var d\nvar i\narray h %di\n", all.window);
    if (all.charge || has_fraction(w->g))
        buf_str(w->b, "var x\n");
    for (int k = 0; k < w->flow->n_kept; k++)
        buf_printf(w->b, "var f%d\nstore_var f%d 0 ja\n", k, k);
}

void ms_write_reset(struct ms_writer *w, int segment)
{
    struct ms_needs n = ms_needs_of(w, segment);
    if (n.count)
        buf_str(w->b, "store_var n 0 ja\n");
    if (n.charge)
        buf_str(w->b, "store_var q 0 ja\n");
    if (n.window)
        buf_str(w->b, "store_var i 0i ja\n");
}

static void write_magnitude(struct ms_writer *w, char of, char into)
{
    buf_printf(w->b, "copy_var %c %c\nif %c < 0\nmul_var %c -1\nendif\n", of, into, into, into);
}

static void write_charge(struct ms_writer *w, const struct segment *s)
{
    buf_str(w->b, "copy_var c x\nmul_var x ");
    ms_second(w, s->interval);
    buf_str(w->b, "\nadd_var q x\n");
    write_magnitude(w, 'q', 'b');
}

/* `h` is a ring: the place to be written holds the sample of one window ago, once there is one. Before that
 * the change counts as large. */
static void write_drift(struct ms_writer *w, int window)
{
    buf_printf(w->b, "if n > %d\narray_get h i d\nsub_var d p\n", window);
    buf_str(w->b, "if d < 0\nmul_var d -1\nendif\nelse\nstore_var d 1M ja\nendif\n");
    buf_printf(w->b, "array_set h i p\nadd_var i 1i\nif i >= %di\nstore_var i 0i ja\nendif\n", window);
}

static void write_if(struct ms_writer *w, const char *variable, const char *op, double value, int quantum)
{
    buf_printf(w->b, "if %s %s ", variable, op);
    ms_number(w->b, value, quantum);
    buf_char(w->b, '\n');
}

/* Samples at a constant current until its charge is u->value times that of the earlier segment. */
static void write_fraction(struct ms_writer *w, const struct segment *s, const struct until *u)
{
    const struct segment *of = &w->g->segment[u->of];
    double ratio = u->value * fabs(of->current) * of->interval / (fabs(s->current) * s->interval);
    buf_printf(w->b, "copy_var f%d x\nmul_var x ", w->flow->segment[u->of].kept);
    ms_number(w->b, ratio, QUANTUM_RATIO);
    buf_str(w->b, "\nif n >= x\n");
}

static void write_samples(struct ms_writer *w, const struct segment *s, double seconds)
{
    write_if(w, "n", ">=", ceil(seconds / s->interval - 1e-6), QUANTUM_COUNT);
}

/* Opens an `if` that is true when the condition is. The sample's potential falls when an inverted
 * instrument's rises, so that comparison turns round with the sign. */
static void open_condition(struct ms_writer *w, const struct segment *s, const struct until *u)
{
    bool upright = w->c->wiring.potential_sign > 0;
    switch (u->what) {
    case UNTIL_POTENTIAL_BELOW:
        write_if(w, "p", upright ? "<" : ">", ms_instrument_volts(w, u->value), MS_QUANTUM_VOLT);
        return;
    case UNTIL_POTENTIAL_ABOVE:
        write_if(w, "p", upright ? ">" : "<", ms_instrument_volts(w, u->value), MS_QUANTUM_VOLT);
        return;
    case UNTIL_ELAPSED:
        write_samples(w, s, u->value);
        return;
    case UNTIL_CHARGE:
        if (s->kind == SEGMENT_GALVANOSTATIC)
            write_samples(w, s, u->value / fabs(s->current));
        else
            write_if(w, "b", ">=", u->value, QUANTUM_CHARGE);
        return;
    case UNTIL_CURRENT_BELOW:
        write_if(w, "a", "<", u->value, MS_QUANTUM_AMPERE);
        return;
    case UNTIL_CURRENT_ABOVE:
        write_if(w, "a", ">", u->value, MS_QUANTUM_AMPERE);
        return;
    case UNTIL_DRIFT:
        write_if(w, "d", "<", u->value * ms_window(s, u) * s->interval, QUANTUM_DRIFT);
        return;
    case UNTIL_FRACTION:
        write_fraction(w, s, u);
        return;
    }
}

static void say_and_leave(struct ms_writer *w, int index)
{
    buf_printf(w->b, "send_string \"" MS_SAY_UNTIL "%d\"\nbreakloop\n", index);
}

static void write_all(struct ms_writer *w, const struct segment *s)
{
    int first = -1, open = 0;
    for (int k = 0; k < s->n_until; k++) {
        if (!s->until[k].all)
            continue;
        first = first < 0 ? k : first;
        open_condition(w, s, &s->until[k]);
        open++;
    }
    if (open)
        say_and_leave(w, first);
    while (open-- > 0)
        buf_str(w->b, "endif\n");
}

void ms_write_until(struct ms_writer *w, int segment)
{
    const struct segment *s = &w->g->segment[segment];
    struct ms_needs n = ms_needs_of(w, segment);
    if (n.count)
        buf_str(w->b, "add_var n 1\n");
    if (n.charge)
        write_charge(w, s);
    if (n.magnitude)
        write_magnitude(w, 'c', 'a');
    if (n.window)
        write_drift(w, n.window);
    for (int k = 0; k < s->n_until; k++) {
        const struct until *u = &s->until[k];
        if (u->all || is_bound(s, u))
            continue;
        open_condition(w, s, u);
        say_and_leave(w, k);
        buf_str(w->b, "endif\n");
    }
    write_all(w, s);
}

void ms_write_guard(struct ms_writer *w, char variable, const char *op, double value, int quantum,
                    const char *text, const char *command)
{
    char name[2] = {variable, '\0'};
    write_if(w, name, op, value, quantum);
    buf_printf(w->b, "send_string \"%s\"\n%s\nendif\n", text, command);
}
