/* What a condition on a feature comes to. */
#include "run/verdict.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/registry.h"
#include "base/clocale.h"
#include "base/quantity.h"

/* A number with its unit, to so many significant digits. */
static void quantity(char *text, size_t n, const struct feature_def *def, double value, int digits)
{
    char number[32];
    c_print_double(number, sizeof number, digits, value);
    quantity_format(c_strtod(number, NULL), def->dim, text, n);
}

/* "formation.q_sei@3", with the cycle that was looked at where the newest one is asked for. */
static void name_of(const struct condition *c, const struct features *list, char *text, size_t n)
{
    struct feature_ref ref = {.def = feature_find(c->feature), .cycle = c->cycle};
    if (ref.cycle == 0 && ref.def->scope != FEATURE_SITE)
        ref.cycle = features_newest(list, c->step);
    snprintf(ref.step, sizeof ref.step, "%s", c->step);
    feature_ref_text(&ref, text, n);
}

static void bounds(const struct condition *c, const struct feature_def *def, char *text, size_t n)
{
    char low[48] = "", high[48] = "";
    if (!isnan(c->above))
        quantity(low, sizeof low, def, c->above, 6);
    if (!isnan(c->below))
        quantity(high, sizeof high, def, c->below, 6);
    snprintf(text, n, "%s%s%s%s%s", *low ? "above " : "", low, *low && *high ? " and " : "",
             *high ? "below " : "", high);
}

static void compare(const struct condition *c, const struct feature_def *def,
                    const struct results_feature *row, const char *name, struct verdict *out)
{
    char value[48], sd[56] = "", range[128];
    /* A comparison with NAN, no bound, is never true. */
    bool met = !(row->value <= c->above) && !(row->value >= c->below);
    quantity(value, sizeof value, def, row->value, 4);
    if (isfinite(row->uncertainty)) {
        char number[48];
        quantity(number, sizeof number, def, row->uncertainty, 2);
        snprintf(sd, sizeof sd, " +- %s", number);
    }
    bounds(c, def, range, sizeof range);
    out->kind = met ? VERDICT_MET : VERDICT_NOT_MET;
    snprintf(out->text, sizeof out->text, "%s = %s%s, %s%s", name, value, sd, met ? "" : "not ", range);
}

void verdict_make(const struct condition *c, const struct features *list, struct verdict *out)
{
    const struct feature_def *def = feature_find(c->feature);
    const struct results_feature *row = features_find(list, c->step, c->feature, c->cycle);
    char name[128];
    if (!def) { /* the protocol was checked: it would be ours */
        *out = (struct verdict){.kind = VERDICT_MISSING};
        snprintf(out->text, sizeof out->text, "there is no feature %s", c->feature);
        return;
    }
    name_of(c, list, name, sizeof name);
    if (row && isfinite(row->value)) {
        compare(c, def, row, name, out);
        return;
    }
    out->kind = VERDICT_MISSING;
    snprintf(out->text, sizeof out->text, "%s is missing: %s", name,
             row && *row->missing                       ? row->missing
             : *c->step && !features_has(list, c->step) ? "the step was not played"
                                                        : "this cycle has none");
}
