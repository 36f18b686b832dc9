/* seccm stats: one feature over all sites, by the levels of a factor. */
#include <string.h>

#include "cli/commands.h"
#include "cli/put.h"
#include "output/summary.h"

struct wish {
    const char *feature, *by, *unverified, *role;
    bool json;
    long seed, resamples;
};

/* With and without the sites whose meniscus or probe is not verified, as far as wanted and different. */
static bool print_both(const struct data *d, const struct feature_ref *ref, struct summary_options *o,
                       const struct wish *w, struct buf *out, struct err *e)
{
    struct summary s;
    bool only_without = w->unverified && strcmp(w->unverified, "without") == 0;
    bool only_with = w->unverified && strcmp(w->unverified, "with") == 0;
    o->unverified = only_without ? UNVERIFIED_WITHOUT : UNVERIFIED_WITH;
    if (!summary_make(d, ref, o, &s, e))
        return false;
    bool both = s.n_unverified > 0 && !only_with && !only_without;
    if (w->json)
        buf_str(out, "[");
    (w->json ? summary_json : summary_print)(d, &s, out);
    summary_free(&s);
    if (both) {
        o->unverified = UNVERIFIED_WITHOUT;
        if (!summary_make(d, ref, o, &s, e))
            return false;
        buf_str(out, w->json ? ",\n" : "\n\n");
        (w->json ? summary_json : summary_print)(d, &s, out);
        summary_free(&s);
    }
    buf_str(out, w->json ? "]\n" : "");
    return true;
}

/* The sites that are asked for, and the column of the factor that they are grouped by. `--by role` compares
 * controls with the others, so it has all of them. */
static bool choose(struct data *d, const struct wish *w, int *factor, struct err *e)
{
    enum data_roles roles = DATA_SITES;
    bool by_role = w->by && strcmp(w->by, "role") == 0;
    if (w->role && !data_roles_parse(w->role, &roles, e))
        return false;
    data_keep(d, by_role && !w->role ? DATA_ALL : roles);
    if (by_role)
        *factor = data_role_factor(d);
    else if (w->by && strcmp(w->by, "region") == 0)
        data_region_factor(d);
    else if (w->by && strcmp(w->by, "probe") == 0)
        data_probe_factor(d);
    return by_role || !w->by || data_factor(d, w->by, factor, e);
}

static bool print(struct data *d, const struct wish *w, struct buf *out, struct err *e)
{
    struct feature_ref ref;
    struct summary_options o = {.factor = -1, .seed = (uint64_t)w->seed, .resamples = (int)w->resamples};
    return feature_ref_parse(w->feature, &ref, e) && choose(d, w, &o.factor, e) &&
           print_both(d, &ref, &o, w, out, e);
}

static bool check(const struct wish *w, struct err *e)
{
    if (w->unverified && strcmp(w->unverified, "with") != 0 && strcmp(w->unverified, "without") != 0 &&
        strcmp(w->unverified, "both") != 0)
        return err_set(e, ERR_USAGE, "stats: --unverified is with, without or both, not `%s`", w->unverified);
    if (w->seed < 0 || w->resamples < 100 || w->resamples > 1000000)
        return err_set(e, ERR_USAGE, "stats: --seed is not negative, --resamples is 100 to 1000000");
    return true;
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *words[1];
    bool help;
    struct wish w = {.seed = 1, .resamples = BOOTSTRAP_RESAMPLES};
    const struct option options[] = {
        {"feature", 0, OPTION_TEXT, &w.feature, "NAME", "contact_z, step.feature or step.feature@cycle"},
        {"by", 0, OPTION_TEXT, &w.by, "FACTOR",
         "one row per level of this factor, per role, region or probe, and whether they differ"},
        {"unverified", 0, OPTION_TEXT, &w.unverified, "WORD",
         "sites with unverified meniscus or probe: with, without, both"},
        {"role", 0, OPTION_TEXT, &w.role, "WORD",
         "measured (sites and spares, the default), control (reference spots) or all; `--by role` compares "
         "them"},
        {"seed", 0, OPTION_INT, &w.seed, "N", "of the bootstrap (1)"},
        {"resamples", 0, OPTION_INT, &w.resamples, "N", "of the bootstrap (10000)"},
        {"json", 0, OPTION_FLAG, &w.json, NULL, "for machines"},
    };
    struct err e = ERR_INIT;
    int n;
    if (!options_parse(self, options, sizeof options / sizeof options[0], argc, argv, words, 1, &n, &help,
                       &e))
        return options_fail(&e);
    if (help)
        return 0;
    if (n == 0)
        return put_usage(self, "which results file");
    if (!w.feature)
        return put_usage(self, "which --feature");
    if (!check(&w, &e))
        return options_fail(&e);
    struct data *d = data_open(words[0], &e);
    struct buf text = {0};
    bool ok = d && print(d, &w, &text, &e);
    data_close(d);
    if (ok)
        return put_stdout(&text);
    buf_free(&text);
    return options_fail(&e);
}

const struct command command_stats = {
    .name = "stats",
    .usage = "FILE.seccm --feature NAME [--by FACTOR] [--unverified with|without|both] [--json]",
    .summary = "Describe one feature over all sites, tell whether levels differ and whether it drifts.",
    .example = "  seccm stats night.seccm --feature formation.sei_charge_ratio@2 --by cutoff",
    .run = run,
};
