/* Does a factor change the film, or only how much of the surface is wet? */
#include "analysis/compare.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/area.h"
#include "base/buf.h"

const char *compare_verdict_name(enum compare_verdict v)
{
    static const char *const name[] = {
#define X(id, text) text,
        COMPARE_TABLE(X)
#undef X
    };
    return name[v];
}

struct query {
    const struct results_sites *sites;
    const struct results_feature *rows;
    int n_rows;
    int factor;
    enum unverified unverified;
};

static bool fetch(const struct query *q, const struct feature_ref *ref, struct selection *out, struct err *e)
{
    return select_feature(q->sites, q->rows, q->n_rows, ref, q->factor, q->unverified, out, e);
}

/* Cliff's delta of level b over level a. */
static double delta_of(const double *x, const int *level, int n, int a, int b)
{
    double *first = xcalloc(2 * (size_t)(n > 0 ? n : 1), sizeof *first), *second = first + n;
    int na = 0, nb = 0;
    for (int k = 0; k < n; k++) {
        if (level[k] == a)
            first[na++] = x[k];
        if (level[k] == b)
            second[nb++] = x[k];
    }
    struct mann_whitney m;
    double delta = mann_whitney(second, nb, first, na, &m) ? m.delta : NAN;
    free(first);
    return delta;
}

/* The test of x[n], which belongs to the sites of `s`. */
static void test(struct compare_test *t, const char *name, const double *x, const struct selection *s)
{
    snprintf(t->name, sizeof t->name, "%s", name);
    t->done = kruskal_wallis(x, s->level, s->n, s->n_levels, &t->kw);
    t->p_holm = t->done ? t->kw.p : NAN;
    t->delta = NAN;
}

/* The two levels between which x differs most. */
static void widest(const double *x, const struct selection *s, int *low, int *high)
{
    double most = -1;
    *low = 0;
    *high = s->n_levels > 1 ? 1 : 0;
    for (int a = 0; a < s->n_levels; a++)
        for (int b = a + 1; b < s->n_levels; b++) {
            double d = fabs(delta_of(x, s->level, s->n, a, b));
            if (d > most) {
                most = d;
                *low = a;
                *high = b;
            }
        }
}

/* Values of `other` at the sites of `s` (NAN where it has none). */
static void align(const struct selection *s, const struct selection *other, double *out)
{
    int j = 0;
    for (int k = 0; k < s->n; k++) {
        /* Both are in visiting order: one pass, but start over where the order of numbers is not monotone. */
        out[k] = NAN;
        for (int tried = 0; tried < other->n; tried++) {
            int at = (j + tried) % other->n;
            if (other->site[at] == s->site[k]) {
                out[k] = other->value[at];
                j = (at + 1) % other->n;
                break;
            }
        }
    }
}

static bool fetch_aligned(const struct query *q, const struct selection *s, const char *name,
                          const char *step, int cycle, double *out, struct err *e)
{
    struct feature_ref ref = {.def = feature_find(name), .cycle = cycle};
    snprintf(ref.step, sizeof ref.step, "%s", step);
    struct selection other;
    if (!fetch(q, &ref, &other, e))
        return false;
    align(s, &other, out);
    select_free(&other);
    return true;
}

/* Highest cycle in which any row of the file has c_dl_pass, and the step it belongs to. */
static int last_pass(const struct query *q, char step[64])
{
    int cycle = 0;
    for (int k = 0; k < q->n_rows; k++)
        if (q->rows[k].cycle > cycle && strcmp(q->rows[k].name, "c_dl_pass") == 0) {
            cycle = q->rows[k].cycle;
            snprintf(step, 64, "%s", q->rows[k].step_name);
        }
    return cycle;
}

/* Charge per capacitance of an extensive feature in both limits, from the series over cycles 1..k. */
static bool corrected_series(const struct query *q, const struct selection *s, const struct feature_ref *ref,
                             double *fresh, double *passivated, struct err *e)
{
    int n = ref->cycle;
    size_t room = (size_t)(s->n > 0 ? s->n : 1) * (size_t)n;
    double *charge = xcalloc(2 * room, sizeof *charge), *area = charge + room;
    double *one = xcalloc(4 * (size_t)n, sizeof *one), *series = one + n, *fresh_r = one + 2 * n,
           *per_r = one + 3 * n;
    bool ok = true;
    for (int c = 1; c <= n && ok; c++)
        ok = fetch_aligned(q, s, ref->def->name, s->step, c, charge + (c - 1) * s->n, e) &&
             fetch_aligned(q, s, "c_dl_pass", s->step, c, area + (c - 1) * s->n, e);
    for (int k = 0; k < s->n && ok; k++) {
        for (int c = 0; c < n; c++) {
            one[c] = charge[c * s->n + k];
            series[c] = area[c * s->n + k];
        }
        area_deconvolve(one, series, n, fresh_r);
        area_ratio(one, series, n, per_r);
        fresh[k] = fresh_r[n - 1] * one[0] / series[0];
        passivated[k] = per_r[n - 1] * one[0] / series[0];
    }
    free(charge);
    free(one);
    return ok;
}

/* Makes the corrected forms of the feature and the area at the same sites. */
static bool companions(const struct query *q, const struct selection *s, const struct feature_ref *ref,
                       struct comparison *r, double *partner[FEATURE_PARTNERS], double *area, struct err *e)
{
    const struct feature_def *d = ref->def;
    char step[64] = "", name[128];
    bool cycle = d->scope == FEATURE_CYCLE;
    int pass = cycle ? ref->cycle : last_pass(q, step);
    bool is_area = strncmp(d->name, "c_dl", 4) == 0;
    r->has_area = (d->extensive || d->uses_area || d->partner[0]) && !is_area && pass > 0;
    if (!r->has_area)
        return true;
    snprintf(name, sizeof name, "c_dl_pass@%d", pass);
    if (!fetch_aligned(q, s, "c_dl_pass", cycle ? s->step : step, pass, area, e))
        return false;
    test(&r->area, name, area, s);
    for (int k = 0; k < FEATURE_PARTNERS && d->partner[k]; k++, r->n_partners++) {
        if (!fetch_aligned(q, s, d->partner[k], s->step, ref->cycle, partner[k], e))
            return false;
        test(&r->partner[k], d->partner[k], partner[k], s);
    }
    if (!d->extensive || is_area)
        return true;
    if (cycle && !corrected_series(q, s, ref, partner[0], partner[1], e))
        return false;
    for (int k = 0; k < s->n && !cycle; k++)
        partner[0][k] = s->value[k] / area[k];
    snprintf(name, sizeof name, cycle ? "%s per c_dl_pass, new area fresh" : "%s per c_dl_pass", d->name);
    test(&r->partner[0], name, partner[0], s);
    r->n_partners = 1;
    if (cycle && ref->cycle > 1) {
        snprintf(name, sizeof name, "%s per c_dl_pass, new area passivated", d->name);
        test(&r->partner[1], name, partner[1], s);
        r->n_partners = 2;
    }
    return true;
}

static void adjust(struct comparison *r)
{
    double p[2 + FEATURE_PARTNERS] = {r->feature.p_holm, r->has_area ? r->area.p_holm : NAN, NAN, NAN};
    for (int k = 0; k < r->n_partners; k++)
        p[2 + k] = r->partner[k].p_holm;
    holm_adjust(p, 2 + FEATURE_PARTNERS);
    r->feature.p_holm = p[0];
    r->area.p_holm = p[1];
    for (int k = 0; k < r->n_partners; k++)
        r->partner[k].p_holm = p[2 + k];
    r->feature.shown = p[0] < COMPARE_ALPHA;
    r->area.shown = p[1] < COMPARE_ALPHA;
    for (int k = 0; k < r->n_partners; k++)
        r->partner[k].shown = p[2 + k] < COMPARE_ALPHA;
}

static void sentence(struct comparison *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void sentence(struct comparison *r, const char *fmt, ...)
{
    size_t used = strlen(r->text);
    va_list args;
    va_start(args, fmt);
    vsnprintf(r->text + used, sizeof r->text - used, fmt, args);
    va_end(args);
}

/* "a (p = 0.2), b (p = 0.003)" */
static void list_partners(struct comparison *r)
{
    for (int k = 0; k < r->n_partners; k++) {
        const struct compare_test *t = &r->partner[k];
        if (t->done)
            sentence(r, "%s%s (p = %.2g, Cliff's delta %+.2f)", k ? ", " : "", t->name, t->p_holm, t->delta);
        else
            sentence(r, "%s%s (too few values)", k ? ", " : "", t->name);
    }
}

/* How many of the corrected forms show a difference in the direction `sign` (0: in one and the same
 * direction). */
static int partners_showing(const struct comparison *r, int sign)
{
    int count = 0;
    for (int k = 0; k < r->n_partners; k++) {
        int its = r->partner[k].delta > 0 ? 1 : -1;
        sign = sign ? sign : its;
        count += r->partner[k].shown && its == sign;
    }
    return count;
}

static void judge_area_itself(struct comparison *r, const char *factor)
{
    r->verdict = COMPARE_CONFOUNDED_WITH_WETTING;
    sentence(
        r,
        "%s differs between the levels of %s (p = %.2g): the wetted area, or the capacitance of what is wet, "
        "depends on it. This says nothing about the film.",
        r->feature.name, factor, r->feature.p_holm);
}

static void judge_plain(struct comparison *r, const char *factor)
{
    r->verdict = COMPARE_EFFECT;
    sentence(r, "%s differs between the levels of %s (p = %.2g, Cliff's delta %+.2f).", r->feature.name,
             factor, r->feature.p_holm, r->feature.delta);
}

/* Intensive, but resting on the area: an effect only if the area does not differ. */
static void judge_on_area(struct comparison *r, const char *factor)
{
    bool known = r->has_area && r->area.done;
    r->verdict = known && !r->area.shown ? COMPARE_EFFECT : COMPARE_CONFOUNDED_WITH_WETTING;
    sentence(r, "%s differs between the levels of %s (p = %.2g, Cliff's delta %+.2f). ", r->feature.name,
             factor, r->feature.p_holm, r->feature.delta);
    if (!known)
        sentence(r,
                 "It rests on the wetted area, of which no measure is there: wetting can not be excluded.");
    else if (r->area.shown)
        sentence(
            r,
            "It rests on the wetted area, which differs too (%s, p = %.2g): the two can not be told apart.",
            r->area.name, r->area.p_holm);
    else
        sentence(r, "The wetted area, on which it rests, shows no difference (%s, p = %.2g).", r->area.name,
                 r->area.p_holm);
}

static void judge_with_partners(struct comparison *r, const char *factor)
{
    int agree = partners_showing(r, r->feature.delta > 0 ? 1 : -1);
    sentence(r, "%s differs between the levels of %s (p = %.2g, Cliff's delta %+.2f). ", r->feature.name,
             factor, r->feature.p_holm, r->feature.delta);
    if (agree == r->n_partners && agree > 0) {
        r->verdict = COMPARE_EFFECT;
        sentence(r, "So does it with the growth of the wetted area taken out, in the same direction: ");
        list_partners(r);
        sentence(r, ". It is an effect on the film.");
        return;
    }
    r->verdict = COMPARE_CONFOUNDED_WITH_WETTING;
    if (r->n_partners == 0) {
        sentence(
            r, "It scales with the wetted area, of which no measure is there: wetting can not be excluded.");
        return;
    }
    sentence(r, "With the growth of the wetted area taken out this does not hold in every form: ");
    list_partners(r);
    sentence(r, ". The wetted area %s (%s, p = %.2g). No effect on the film is shown apart from wetting.",
             r->area.shown ? "differs too"
                           : "is not seen to differ, but it may hide in the noise of its measure",
             r->area.name, r->area.p_holm);
}

static void judge_not_shown(struct comparison *r, const char *factor)
{
    if (r->n_partners > 0 && partners_showing(r, 0) == r->n_partners) {
        r->verdict = COMPARE_CONFOUNDED_WITH_WETTING;
        sentence(r,
                 "%s shows no difference between the levels of %s (p = %.2g), but with the growth of the "
                 "wetted area "
                 "taken out it does: ",
                 r->feature.name, factor, r->feature.p_holm);
        list_partners(r);
        sentence(r, ". An effect on the film may be hidden by wetting, or be made by the correction.");
        return;
    }
    r->verdict = COMPARE_NO_EFFECT_SHOWN;
    sentence(r, "%s shows no difference between the levels of %s (p = %.2g, n = %d).", r->feature.name,
             factor, r->feature.p_holm, r->feature.kw.n);
}

static void judge(struct comparison *r, const struct feature_def *d, const char *factor)
{
    if (!r->feature.done) {
        r->verdict = COMPARE_NO_EFFECT_SHOWN;
        sentence(r, "%s has too few values in at least two levels of %s to compare them.", r->feature.name,
                 factor);
    } else if (!r->feature.shown) {
        judge_not_shown(r, factor);
    } else if (strncmp(d->name, "c_dl", 4) == 0) {
        judge_area_itself(r, factor);
    } else if (d->extensive || d->partner[0]) {
        judge_with_partners(r, factor);
    } else if (d->uses_area) {
        judge_on_area(r, factor);
    } else {
        judge_plain(r, factor);
    }
}

bool compare_feature(const struct results_sites *sites, const struct results_feature *rows, int n_rows,
                     const struct feature_ref *ref, int factor, const char *factor_name,
                     enum unverified unverified, struct comparison *out, struct err *e)
{
    struct query q = {sites, rows, n_rows, factor, unverified};
    struct feature_ref asked = *ref;
    if (asked.def->base)
        asked.def = feature_find(asked.def->base);
    struct selection s;
    if (!fetch(&q, &asked, &s, e))
        return false;
    struct comparison r = {0};
    char name[128];
    size_t room = (size_t)(s.n > 0 ? s.n : 1);
    double *scratch = xcalloc((FEATURE_PARTNERS + 1) * room, sizeof *scratch);
    double *partner[FEATURE_PARTNERS] = {scratch + room, scratch + 2 * room};
    test(&r.feature, feature_ref_text(&asked, name, sizeof name), s.value, &s);
    bool ok = companions(&q, &s, &asked, &r, partner, scratch, e);
    if (ok) {
        widest(s.value, &s, &r.low, &r.high);
        r.feature.delta = delta_of(s.value, s.level, s.n, r.low, r.high);
        r.area.delta = r.has_area ? delta_of(scratch, s.level, s.n, r.low, r.high) : NAN;
        for (int k = 0; k < r.n_partners; k++)
            r.partner[k].delta = delta_of(partner[k], s.level, s.n, r.low, r.high);
        adjust(&r);
        judge(&r, asked.def, factor_name);
        *out = r;
    }
    free(scratch);
    select_free(&s);
    return ok;
}
