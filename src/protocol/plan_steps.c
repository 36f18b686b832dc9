/* Tells of the steps. What a gap is comes from the play of the first combination of levels: levels change
 * numbers, and only seldom how a step is played. */
#include "protocol/plan_steps.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "protocol/check.h"
#include "protocol/play.h"

struct teller {
    const struct plan *p;
    struct play play;
    struct step_list list;
    int width; /* of the longest name, with what it is indented by */
    struct buf *out;
};

/* --- settings --------------------------------------------------------------------------------------------
 */

/* A value as it stands in the file: "50 mV" or "$cutoff". */
static void add_value(struct buf *out, const struct value *v, enum dim dim)
{
    if (v->factor[0])
        buf_printf(out, "$%s", v->factor);
    else
        buf_str(out, show(v->si, dim));
}

static void add_list(struct buf *out, const struct values *list, const char *between, enum dim dim)
{
    for (int i = 0; i < list->n; i++) {
        buf_str(out, i ? between : "");
        add_value(out, &list->v[i], dim);
    }
}

static void add_condition(const struct until_value *u, struct buf *out)
{
    switch (u->what) {
    case UNTIL_POTENTIAL_BELOW:
        buf_str(out, "< ");
        break;
    case UNTIL_POTENTIAL_ABOVE:
        buf_str(out, "> ");
        break;
    case UNTIL_CURRENT_BELOW:
        buf_str(out, "|i| < ");
        break;
    case UNTIL_CURRENT_ABOVE:
        buf_str(out, "|i| > ");
        break;
    case UNTIL_ELAPSED:
    case UNTIL_CHARGE:
    case UNTIL_FRACTION:
    case UNTIL_DRIFT:
        break;
    }
    if (u->what == UNTIL_FRACTION && !u->value.factor[0])
        buf_printf(out, "%.6g %%", u->value.si * 100);
    else
        add_value(out, &u->value, until_field(u->what)->dim);
    if (u->what == UNTIL_FRACTION)
        buf_str(out, " of the charge before");
}

/* " until < 50 mV or 20 s or (5 s and 10 pC)" */
static void add_until(const struct until_list *list, struct buf *out)
{
    int n = 0, together = 0;
    for (int i = 0; i < list->n; i++)
        if (!list->v[i].all) {
            buf_str(out, n++ ? " or " : " until ");
            add_condition(&list->v[i], out);
        }
    for (int i = 0; i < list->n; i++)
        if (list->v[i].all) {
            buf_str(out, together++ ? " and " : n ? " or (" : " until (");
            add_condition(&list->v[i], out);
        }
    buf_str(out, together ? ")" : "");
}

static void add_sweep(const struct step *s, struct buf *out)
{
    add_value(out, &s->start, DIM_POTENTIAL);
    for (int i = 0; i < s->vertices.n; i++) {
        buf_str(out, " to ");
        add_value(out, &s->vertices.v[i], DIM_POTENTIAL);
    }
    if (s->finish.given) {
        buf_str(out, s->kind == STEP_CV ? ", then to " : " to ");
        add_value(out, &s->finish, DIM_POTENTIAL);
    }
    buf_str(out, " at ");
    if (s->kind == STEP_LSV)
        add_value(out, &s->rate, DIM_SCAN_RATE);
    else
        add_list(out, &s->rates, ", ", DIM_SCAN_RATE);
}

static void add_times(const struct value *n, const char *what, struct buf *out)
{
    add_value(out, n, DIM_NONE);
    buf_printf(out, " %s%s", what, !n->factor[0] && n->si == 1 ? "" : "s");
}

static void add_current(const struct value *current, const struct value *density, struct buf *out)
{
    if (density->given)
        add_value(out, density, DIM_CURRENT_DENSITY);
    else
        add_value(out, current, DIM_CURRENT);
}

static void add_galvanostatic(const struct step *s, struct buf *out)
{
    add_current(&s->current, &s->density, out);
    add_until(&s->until, out);
    if (!s->has_reverse)
        return;
    buf_str(out, ", then ");
    add_current(&s->reverse_current, &s->reverse_density, out);
    add_until(&s->reverse_until, out);
    buf_str(out, ", ");
    add_times(&s->cycles, "cycle", out);
}

static void add_feature(const struct step_condition *c, struct buf *out)
{
    buf_str(out, c->feature);
    if (c->above.given) {
        buf_str(out, " > ");
        add_value(out, &c->above, c->dim);
    }
    if (c->below.given) {
        buf_str(out, c->above.given ? " and < " : " < ");
        add_value(out, &c->below, c->dim);
    }
}

static void add_pulse(const struct step *s, struct buf *out)
{
    bool currents = s->currents.n > 0;
    add_list(out, currents ? &s->currents : &s->potentials, ", ", currents ? DIM_CURRENT : DIM_POTENTIAL);
    buf_str(out, " for ");
    add_list(out, &s->durations, ", ", DIM_TIME);
    buf_str(out, s->durations.n == 1 ? " each, " : ", ");
    add_times(&s->count, "pulse", out);
}

static void add_hold(const struct step *s, struct buf *out)
{
    if (s->kind == STEP_HOLD) {
        add_value(out, &s->potential, DIM_POTENTIAL);
        buf_char(out, ' ');
    }
    buf_str(out, "for ");
    add_value(out, &s->duration, DIM_TIME);
    if (s->until.n) {
        buf_str(out, " or");
        add_until(&s->until, out);
    }
    if (s->drift.given) {
        buf_str(out, " or until the drift over ");
        add_value(out, &s->over, DIM_TIME);
        buf_str(out, " is below ");
        add_value(out, &s->drift, DIM_DRIFT_POTENTIAL);
    }
    if (s->kind == STEP_REST)
        buf_str(out, s->cell == REST_HOLD ? ", cell held at the potential before" : ", cell open");
}

static void add_settings(const struct step *s, struct buf *out)
{
    switch (s->kind) {
    case STEP_CV:
        add_sweep(s, out);
        buf_str(out, ", ");
        add_times(&s->cycles, "cycle", out);
        return;
    case STEP_LSV:
        add_sweep(s, out);
        return;
    case STEP_GALVANOSTATIC:
        add_galvanostatic(s, out);
        return;
    case STEP_PULSE:
        add_pulse(s, out);
        return;
    case STEP_HOLD:
    case STEP_OCP:
    case STEP_REST:
        add_hold(s, out);
        return;
    case STEP_REPEAT:
        add_times(&s->count, "time", out);
        if (s->condition.feature) {
            buf_str(out, " at most, until ");
            add_feature(&s->condition, out);
        }
        return;
    case STEP_WHEN:
        buf_str(out, "if ");
        add_feature(&s->condition, out);
        buf_str(out, s->condition.missing == MISSING_GO ? ", or if it has no value" : "");
        return;
    }
}

/* --- how it is played ------------------------------------------------------------------------------------
 */

/* First leg of a step, or the first gate of a block; -1 = none. */
static int first_leg(const struct teller *t, int step)
{
    for (int k = 0; k < t->play.n; k++)
        if (t->play.leg[k].step == step)
            return k;
    return -1;
}

/* Where the cell is while the condition is looked at: "held at 3 V", "open"; "" without a gate. */
static const char *gate_state(const struct teller *t, int step)
{
    int k = first_leg(t, step);
    if (k < 0 || !t->play.leg[k].gate)
        return "";
    return t->play.leg[k].segment.kind == SEGMENT_HOLD ? "held" : "open";
}

static bool gap_of(const struct teller *t, int step)
{
    int k = step_is_block(&t->p->protocol->step[step]) ? -1 : first_leg(t, step);
    return k >= 0 && play_gap_before(&t->play, k);
}

static int depth_of(const struct protocol *p, int step)
{
    int n = 0;
    for (int i = p->step[step].parent; i >= 0; i = p->step[i].parent)
        n++;
    return n;
}

static int width_of(const struct protocol *p, struct step_list list)
{
    int most = 12;
    for (int i = list.first; i < list.end; i++) {
        int n = (int)strlen(p->step[i].name) + 2 * depth_of(p, i);
        most = n > most ? n : most;
    }
    return most < 32 ? most : 32;
}

static void begin(struct teller *t, const struct plan *p, bool control, struct buf *out)
{
    *t = (struct teller){.p = p, .list = play_list(p->protocol, control), .out = out};
    t->width = width_of(p->protocol, t->list);
    play_make(p, p->combination[0].level, control, &t->play);
}

/* --- text ------------------------------------------------------------------------------------------------
 */

static void print_step(const struct teller *t, int i)
{
    const struct step *s = &t->p->protocol->step[i];
    const char *gate = gate_state(t, i);
    int depth = depth_of(t->p->protocol, i), width = t->width - 2 * depth;
    buf_printf(t->out, "  %*s%-*s %-14s ", 2 * depth, "", width > 0 ? width : 0, s->name,
               step_kind_name(s->kind));
    add_settings(s, t->out);
    if (gap_of(t, i))
        buf_str(t->out, "; gap before it: cell open");
    if (gate[0])
        buf_printf(t->out, "; asked %s: cell %s for at most %s",
                   s->kind == STEP_WHEN ? "once" : "behind each pass", gate, show(GATE_SECONDS, DIM_TIME));
    buf_char(t->out, '\n');
}

/* The test of the contact stands before its steps. */
static void print_landing(const struct teller *t)
{
    const struct landing *l = &t->p->protocol->landing;
    if (!landing_wanted(l))
        return;
    buf_printf(t->out, "  %-*s %-14s ", t->width, "landing", "test");
    buf_printf(t->out, "open circuit between %s and %s, watched for %s; rejected otherwise\n",
               show(l->ocp[0], DIM_POTENTIAL), show(l->ocp[1], DIM_POTENTIAL), show(l->duration, DIM_TIME));
}

static void print_all(const struct plan *p, bool control, struct buf *out)
{
    struct teller t;
    begin(&t, p, control, out);
    buf_printf(out, "\nat each %ssite:\n", control ? "control " : "");
    print_landing(&t);
    for (int i = t.list.first; i < t.list.end; i++)
        print_step(&t, i);
    play_free(&t.play);
}

static bool has_control(const struct plan *p)
{
    return p->protocol->control.end > p->protocol->control.first;
}

void plan_print_steps(const struct plan *p, struct buf *out)
{
    print_all(p, false, out);
    if (has_control(p))
        print_all(p, true, out);
}

/* --- JSON ------------------------------------------------------------------------------------------------
 */

/* Seconds of all legs of the step, or of all within a block. */
static double seconds_of(const struct teller *t, int first, int end)
{
    double s = 0;
    for (int k = 0; k < t->play.n; k++)
        if (t->play.leg[k].step >= first && t->play.leg[k].step < end)
            s += play_at_most(&t->play, k);
    return s;
}

static int legs_of(const struct teller *t, int first, int end)
{
    int n = 0;
    for (int k = 0; k < t->play.n; k++)
        n += t->play.leg[k].step >= first && t->play.leg[k].step < end;
    return n;
}

static void json_list(const struct teller *t, int first, int end);

static void json_step(const struct teller *t, int i)
{
    const struct step *s = &t->p->protocol->step[i];
    struct buf text = {0};
    add_settings(s, &text);
    buf_str(t->out, "{\"name\": ");
    buf_json_string(t->out, s->name);
    buf_printf(t->out, ", \"kind\": \"%s\", \"settings\": ", step_kind_name(s->kind));
    buf_json_string(t->out, text.p);
    buf_printf(t->out, ", \"gap_before\": %s, \"gate\": ", gap_of(t, i) ? "\"open\"" : "null");
    const char *gate = gate_state(t, i);
    buf_printf(t->out, gate[0] ? "\"%s\"" : "null%s", gate);
    buf_printf(t->out, ", \"parts\": %d, \"longest_s\": ", legs_of(t, i, s->end));
    buf_json_number(t->out, rint(seconds_of(t, i, s->end) * 1e6) / 1e6);
    if (step_is_block(s)) {
        buf_str(t->out, ", \"steps\": [");
        json_list(t, i + 1, s->end);
        buf_str(t->out, "]");
    }
    buf_str(t->out, "}");
    buf_free(&text);
}

static void json_list(const struct teller *t, int first, int end)
{
    const struct step *step = t->p->protocol->step;
    for (int i = first; i < end; i = step[i].end) {
        buf_str(t->out, i > first ? ", " : "");
        json_step(t, i);
    }
}

static void json_all(const struct plan *p, bool control, struct buf *out)
{
    struct teller t;
    begin(&t, p, control, out);
    buf_printf(out, "  \"%ssteps\": [", control ? "control_" : "");
    json_list(&t, t.list.first, t.list.end);
    buf_str(out, "],\n");
    play_free(&t.play);
}

static void json_landing(const struct landing *l, struct buf *out)
{
    buf_printf(out, "  \"landing\": {\"ocp_V\": [%.9g, %.9g], \"for_s\": %.9g},\n", l->ocp[0], l->ocp[1],
               l->duration);
}

void plan_json_steps(const struct plan *p, struct buf *out)
{
    if (landing_wanted(&p->protocol->landing))
        json_landing(&p->protocol->landing, out);
    json_all(p, false, out);
    if (has_control(p))
        json_all(p, true, out);
}
