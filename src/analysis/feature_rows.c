/* A growing list of feature rows. */
#include "analysis/feature_rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/registry.h"
#include "base/buf.h"
#include "base/intern.h"

void features_free(struct features *f)
{
    free(f->row);
    *f = (struct features){0};
}

static struct results_feature *append(struct features *f, const struct feature_place *p, const char *name)
{
    if (f->n == f->cap) {
        f->cap = f->cap ? 2 * f->cap : 64;
        f->row = xrealloc(f->row, (size_t)f->cap * sizeof *f->row);
    }
    struct results_feature *row = &f->row[f->n++];
    *row = (struct results_feature){
        .site = p->site,
        .attempt = p->attempt,
        .step = p->step,
        .cycle = p->cycle,
        .value = NAN,
        .uncertainty = NAN,
    };
    const struct feature_def *def = feature_find(name);
    row->step_name = intern(p->step_name);
    row->name = def ? def->name : intern(name);
    row->unit = def ? def->unit : "1";
    row->method = def ? def->method : "";
    row->missing = "";
    return row;
}

void features_value(struct features *f, const struct feature_place *p, const char *name, double value,
                    double sd, const char *note)
{
    if (!isfinite(value)) {
        features_missing(f, p, name, "no finite number came out");
        return;
    }
    struct results_feature *row = append(f, p, name);
    row->value = value;
    row->uncertainty = isfinite(sd) ? sd : NAN;
    if (note && *note) {
        struct buf method = {0};
        buf_printf(&method, "%s; %s", row->method, note);
        row->method = intern(method.p);
        buf_free(&method);
    }
}

void features_missing(struct features *f, const struct feature_place *p, const char *name, const char *reason)
{
    struct results_feature *row = append(f, p, name);
    row->missing = intern(reason);
}

void features_method(struct features *f, const char *method)
{
    if (f->n > 0)
        f->row[f->n - 1].method = intern(method);
}

bool features_has(const struct features *f, const char *step)
{
    for (int k = 0; k < f->n; k++)
        if (strcmp(f->row[k].step_name, step) == 0)
            return true;
    return false;
}

int features_newest(const struct features *f, const char *step)
{
    int newest = 0;
    for (int k = 0; k < f->n; k++)
        if (strcmp(f->row[k].step_name, step) == 0 && f->row[k].cycle > newest)
            newest = f->row[k].cycle;
    return newest;
}

const struct results_feature *features_find(const struct features *f, const char *step, const char *name,
                                            int cycle)
{
    int wanted = features_newest(f, step);
    wanted = cycle > 0 && wanted > 0 ? cycle : wanted;
    if (cycle > 1 && wanted == 0)
        return NULL;
    for (int k = f->n - 1; k >= 0; k--)
        if (f->row[k].cycle == wanted && strcmp(f->row[k].step_name, step) == 0 &&
            strcmp(f->row[k].name, name) == 0)
            return &f->row[k];
    return NULL;
}
