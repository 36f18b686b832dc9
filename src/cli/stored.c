/* The stored input files are put on a shelf, and protocol, grid and rig are read from there. */
#include "cli/stored.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"

#define LATER "#resume"

/* --- reading ------------------------------------------------------------------------------------------- */

static struct stored_file *find(const struct stored *s, const char *role)
{
    for (int k = 0; k < s->n_files; k++)
        if (strcmp(s->file[k].role, role) == 0)
            return &s->file[k];
    return NULL;
}

const struct stored_file *stored_find(const struct stored *s, const char *role)
{
    return find(s, role);
}

/* In the order of storing, so that of several versions the last one stays. */
static void take_file(void *ctx, const char *role, const char *path, const void *bytes, size_t n)
{
    struct stored *s = ctx;
    char *base = xstrdup(role), *later = strstr(base, LATER);
    if (later)
        *later = '\0';
    struct stored_file *f = find(s, base);
    if (f) {
        free(base);
        buf_clear(&f->bytes);
    } else {
        s->file = xrealloc(s->file, (size_t)(s->n_files + 1) * sizeof *s->file);
        f = &s->file[s->n_files++];
        *f = (struct stored_file){.role = base, .path = xstrdup(path)};
        buf_reserve(&f->bytes, 0);
    }
    if (n)
        buf_add(&f->bytes, bytes, n);
}

/* What was accepted last, or else what the run was begun with. */
static char *in_force(struct results *r, const char *key)
{
    char name[64], *text;
    snprintf(name, sizeof name, "resumed.%s", key);
    text = results_info(r, name);
    if (*text)
        return text;
    free(text);
    return results_info(r, key);
}

static int64_t whole_info(struct results *r, const char *key)
{
    char *text = results_info(r, key);
    int64_t value = strtoll(text, NULL, 10);
    free(text);
    return value;
}

static bool read_last_attempt(struct results *r, struct stored *s, struct err *e)
{
    struct results_sites sites;
    if (!results_sites(r, &sites, e))
        return false;
    for (int k = 0; k < sites.n; k++)
        if (sites.site[k].last_attempt > s->last_attempt)
            s->last_attempt = sites.site[k].last_attempt;
    results_sites_free(&sites);
    return true;
}

bool stored_read(struct results *r, struct stored *out, struct err *e)
{
    *out = (struct stored){.program = in_force(r, "program"),
                           .stage_id = in_force(r, "stage_id"),
                           .pstat_id = in_force(r, "pstat_id"),
                           .resumes = (int)whole_info(r, "resumes"),
                           .seed = whole_info(r, "seed")};
    if (!results_inputs_each(r, take_file, out, e) || !read_last_attempt(r, out, e))
        return false;
    if (!find(out, "protocol") || !find(out, "rig"))
        return err_set(e, ERR_INPUT, "%s: it holds no protocol: nothing was run for it, so nothing can go on",
                       results_path(r));
    out->n_probes = probes_read(r, out->probe, e);
    return out->n_probes > 0;
}

void stored_free(struct stored *s)
{
    for (int k = 0; k < s->n_files; k++) {
        free(s->file[k].role);
        free(s->file[k].path);
        source_free(s->file[k].now);
        buf_free(&s->file[k].bytes);
    }
    free(s->file);
    free(s->program);
    free(s->stage_id);
    free(s->pstat_id);
    *s = (struct stored){0};
}

/* --- the plan ------------------------------------------------------------------------------------------ */

struct shelf *stored_shelf(const struct stored *s)
{
    struct shelf *shelf = shelf_new();
    for (int k = 0; k < s->n_files; k++)
        shelf_put(shelf, s->file[k].path, s->file[k].bytes.p, s->file[k].bytes.n);
    return shelf;
}

bool stored_plan(const struct stored *s, double aperture, struct loaded *out, int *status)
{
    const struct protocol_options o = {.rig_path = find(s, "rig")->path,
                                       .has_seed = true,
                                       .seed = s->seed,
                                       .include_outside = true,
                                       .aperture = aperture};
    struct shelf *shelf = stored_shelf(s);
    shelf_use(shelf);
    bool ok = load_plan(find(s, "protocol")->path, &o, out, status);
    shelf_use(NULL);
    shelf_free(shelf);
    return ok;
}

static bool same_levels(const struct plan *p, const struct plan_site *s, const struct results_sites *f,
                        int at)
{
    for (int k = 0; k < p->protocol->n_factors && !s->spare && !s->control; k++)
        if (strcmp(p->protocol->factor[k].text[s->level[k]], f->level[at * f->n_factors + k]) != 0)
            return false;
    return true;
}

static bool same_site(const struct plan *p, const struct results_sites *f, int at)
{
    const struct results_site *is = &f->site[at];
    if (is->site < 1 || is->site > plan_places(p))
        return false;
    const struct plan_site *s = &p->site[is->site - 1];
    enum site_role role = s->control ? SITE_CONTROL : s->spare ? SITE_SPARE : SITE_MEASURED;
    return s->site == is->site && s->order == is->order && s->x == is->x && s->y == is->y &&
           role == is->role && same_levels(p, s, f, at);
}

bool stored_same_sites(struct results *r, const struct plan *p, struct err *e)
{
    struct results_sites f;
    if (!results_sites(r, &f, e))
        return false;
    int bad = -1;
    bool number = f.n == plan_places(p) && f.n_factors == p->protocol->n_factors;
    for (int k = 0; number && bad < 0 && k < f.n; k++)
        if (!same_site(p, &f, k))
            bad = f.site[k].site;
    results_sites_free(&f);
    if (number && bad < 0)
        return true;
    char which[64] = "the number of sites or factors is another one";
    if (number)
        snprintf(which, sizeof which, "first at site %d", bad);
    return err_set(
        e, ERR_INPUT,
        "%s: this program makes another plan of the run's files (%s), so it can not go on with it: "
        "use the program that began it, or start a new run with `avoid: [%s]`",
        results_path(r), which, results_path(r));
}
