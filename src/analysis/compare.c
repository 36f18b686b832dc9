/* Does a factor change the film, or only how much of the surface is wet? */
#include "analysis/compare.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare_area.h"
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

/* Adjusts all p values together and keeps, of the measures of the area, the one that differs most. */
static void adjust(struct comparison *r, const struct compare_test *area, int n_areas)
{
    double p[1 + FEATURE_PARTNERS + COMPARE_AREAS];
    int m = 0;
    p[m++] = r->feature.p_holm;
    for (int k = 0; k < r->n_partners; k++)
        p[m++] = r->partner[k].p_holm;
    for (int k = 0; k < n_areas; k++)
        p[m++] = area[k].p_holm;
    holm_adjust(p, m);
    m = 0;
    r->feature.p_holm = p[m++];
    for (int k = 0; k < r->n_partners; k++)
        r->partner[k].p_holm = p[m++];
    for (int k = 0; k < n_areas; k++, m++)
        if (k == 0 || p[m] < r->area.p_holm || !r->area.done) {
            r->area = area[k];
            r->area.p_holm = p[m];
        }
    r->feature.shown = r->feature.p_holm < COMPARE_ALPHA;
    r->area.shown = r->area.p_holm < COMPARE_ALPHA;
    for (int k = 0; k < r->n_partners; k++)
        r->partner[k].shown = r->partner[k].p_holm < COMPARE_ALPHA;
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
    if (agree == r->n_partners && agree > 0 && (r->separate || !r->area.shown)) {
        r->verdict = COMPARE_EFFECT;
        sentence(r, "So does it with the growth of the wetted area taken out, in the same direction: ");
        list_partners(r);
        if (r->area.shown)
            sentence(r, ". The wetted area differs too (%s, p = %.2g), but by less than it would take",
                     r->area.name, r->area.p_holm);
        /* Levels are mixed over the run; probes are not. */
        sentence(r, strcmp(factor, "probe") == 0
                        ? ". Probes follow one another, so this can be a drift in time as well."
                        : ". It is an effect on the film.");
        return;
    }
    r->verdict = COMPARE_CONFOUNDED_WITH_WETTING;
    if (agree == r->n_partners && agree > 0) {
        sentence(r, "So does it with the growth of the wetted area taken out: ");
        list_partners(r);
        sentence(
            r,
            ". But the wetted area differs too (%s, p = %.2g), by enough to make such a difference if the "
            "levels grew at different times. No effect on the film is shown apart from wetting.",
            r->area.name, r->area.p_holm);
        return;
    }
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
    } else if (d->is_area) {
        judge_area_itself(r, factor);
    } else if (d->extensive || d->partner[0]) {
        judge_with_partners(r, factor);
    } else if (d->uses_area) {
        judge_on_area(r, factor);
    } else {
        judge_plain(r, factor);
    }
}

/* Do the brackets of levels low and high lie apart? Each site has one, from the feature as measured to its
 * corrected forms; the near ends of both levels are compared. */
static bool brackets_apart(const struct selection *s, const struct companions *c, int low, int high,
                           double delta)
{
    int upper = delta > 0 ? high : low, lower = delta > 0 ? low : high, n_upper = 0, n_lower = 0;
    double *above = xcalloc(2 * (size_t)s->n + 1, sizeof *above), *below = above + s->n;
    for (int k = 0; k < s->n; k++) {
        double least = c->inner[k], most = c->inner[k];
        for (int j = 0; j < c->n_partners; j++) {
            double end = c->partner[j][k]; /* NAN leaves the site out */
            least = end < least || isnan(end) ? end : least;
            most = end > most || isnan(end) ? end : most;
        }
        if (s->level[k] == upper)
            above[n_upper++] = least;
        if (s->level[k] == lower)
            below[n_lower++] = most;
    }
    struct mann_whitney m;
    bool apart = mann_whitney(above, n_upper, below, n_lower, &m) && m.delta > 0 && m.p < COMPARE_ALPHA;
    free(above);
    return apart;
}

static void run_tests(const struct selection *s, const struct companions *c, struct comparison *r)
{
    struct compare_test area[COMPARE_AREAS] = {0};
    widest(s->value, s, &r->low, &r->high);
    r->feature.delta = delta_of(s->value, s->level, s->n, r->low, r->high);
    r->n_partners = c->n_partners;
    for (int k = 0; k < c->n_partners; k++) {
        test(&r->partner[k], c->partner_name[k], c->partner[k], s);
        r->partner[k].delta = delta_of(c->partner[k], s->level, s->n, r->low, r->high);
    }
    r->has_area = c->n_areas > 0;
    r->area.p_holm = r->area.delta = NAN;
    for (int k = 0; k < c->n_areas; k++) {
        test(&area[k], c->area_name[k], c->area[k], s);
        area[k].delta = delta_of(c->area[k], s->level, s->n, r->low, r->high);
    }
    adjust(r, area, c->n_areas);
    r->separate = c->n_partners > 0 && brackets_apart(s, c, r->low, r->high, r->feature.delta);
}

/* A corrected form stands for the quantity that it belongs to. */
static const struct feature_def *compared(const struct feature_def *def)
{
    return def->base ? feature_find(def->base) : def;
}

void compare_names(const struct feature_def *def, const char *names[COMPARE_NAMES])
{
    const struct feature_def *d = compared(def);
    int n = companions_names(names);
    names[n++] = def->name;
    if (d != def)
        names[n++] = d->name;
    for (int k = 0; k < FEATURE_PARTNERS && d->partner[k]; k++)
        names[n++] = d->partner[k];
    names[n] = NULL;
}

bool compare_feature(const struct results_sites *sites, const struct results_feature *rows, int n_rows,
                     const struct feature_ref *ref, int factor, const char *factor_name,
                     enum unverified unverified, struct comparison *out, struct err *e)
{
    struct compare_query q = {sites, rows, n_rows, factor, unverified};
    struct feature_ref asked = *ref;
    asked.def = compared(ref->def);
    struct selection s;
    if (!select_feature(sites, rows, n_rows, &asked, factor, unverified, &s, e))
        return false;
    struct comparison r = {0};
    struct companions c;
    char name[128];
    bool ok = companions_make(&q, &s, &asked, &c, e);
    if (ok) {
        test(&r.feature, feature_ref_text(&asked, name, sizeof name), s.value, &s);
        run_tests(&s, &c, &r);
        judge(&r, asked.def, factor_name);
        *out = r;
        companions_free(&c);
    }
    select_free(&s);
    return ok;
}
