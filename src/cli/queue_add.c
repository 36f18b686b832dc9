/* seccm queue add: everything that can be wrong with a protocol is found now, not at night. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/loop.h"
#include "cli/cmd_queue.h"
#include "cli/load.h"
#include "cli/put.h"
#include "cli/session.h"
#include "cli/store_plan.h"
#include "cli/window.h"
#include "protocol/plan_parts.h"
#include "results/place.h"
#include "results/sha256.h"

struct add_options {
    const char *queue, *protocol, *output, *rig, *stage, *potentiostat, *not_before, *not_after, *after;
    long seed, sim_seed;
    bool outside;
};

static bool read_after(const char *text, enum agenda_after *out, struct err *e)
{
    for (int k = 0; k < AGENDA_AFTER_COUNT; k++)
        if (!text || !strcmp(text, agenda_after_name((enum agenda_after)k))) {
            *out = (enum agenda_after)k;
            return true;
        }
    return err_set(e, ERR_USAGE, "queue add: --after-failure is stop, continue or retry, not `%s`", text);
}

/* Where the results will lie, as an absolute path; by default PROTOCOL.seccm in the present folder, as `seccm
 * run` has it. */
static bool place_output(const struct add_options *o, struct buf *out, struct err *e)
{
    char real[PATH_MAX];
    struct buf name = {0}, folder = {0};
    const char *slash = strrchr(o->protocol, '/'), *base = slash ? slash + 1 : o->protocol;
    const char *dot = strrchr(base, '.');
    if (o->output) {
        buf_str(&name, o->output);
    } else {
        buf_add(&name, base, dot ? (size_t)(dot - base) : strlen(base));
        buf_str(&name, ".seccm");
    }
    const char *last = strrchr(name.p, '/');
    buf_add(&folder, last ? name.p : "./", last ? (size_t)(last - name.p) + 1 : 2);
    bool ok = realpath(folder.p, real) != NULL || err_errno(e, ERR_USAGE, errno, "folder `%s`", folder.p);
    if (ok)
        buf_printf(out, "%s/%s", strcmp(real, "/") ? real : "", last ? last + 1 : name.p);
    if (ok && access(out->p, F_OK) == 0)
        ok = err_set(e, ERR_USAGE, "%s exists already and nothing is overwritten: name another file with -o",
                     out->p);
    buf_free(&folder);
    buf_free(&name);
    return ok;
}

/* The files as they are now, by SHA-256; caller frees what the list gets. */
static void note_inputs(const struct protocol *p, struct agenda_entry *en)
{
    struct store_inputs all;
    store_inputs_make(p, &all);
    en->n_inputs = all.n;
    en->input = xcalloc((size_t)en->n_inputs + 1, sizeof *en->input);
    for (int k = 0; k < en->n_inputs; k++) {
        const struct results_input *in = &all.in[k];
        en->input[k] = (struct agenda_input){.role = xstrdup(in->role), .path = xstrdup(in->path)};
        sha256_hex(in->bytes, in->n, en->input[k].sha256);
    }
    store_inputs_free(&all);
}

/* What it will take, and how that fits into its window. */
static void tell(const struct agenda_entry *en, const struct window *w, double now)
{
    char clock[40];
    struct buf out = {0};
    struct window_now at = window_look(w, now);
    double length = at.closes - (at.state == WINDOW_BEFORE ? at.opens : now);
    buf_printf(&out, "entry %lld: %s -> %s: %d sites, about ", (long long)en->id, en->protocol, en->output,
               en->sites);
    plan_add_duration(&out, en->seconds);
    buf_str(&out, " (+- ");
    plan_add_duration(&out, en->uncertainty);
    buf_str(&out, ")\n");
    if (at.state == WINDOW_BEFORE)
        buf_printf(&out, "not before %s\n", wallclock_show(at.opens, now, false, clock));
    if (isfinite(at.closes)) {
        bool fits = en->seconds + en->uncertainty <= length;
        buf_printf(&out, "not after %s: ", wallclock_show(at.closes, now, false, clock));
        if (fits)
            buf_str(&out, "it fits into its window of ");
        else
            buf_printf(&out, "about %.0f of %d sites fit into its window of ",
                       floor(fmin(1, length / en->seconds) * en->sites), en->sites);
        plan_add_duration(&out, length);
        buf_str(&out, fits ? "\n" : ", if it has that to itself\n");
    }
    fputs(out.p, stdout);
    buf_free(&out);
}

static bool check_window(const struct agenda_entry *en, struct window *w, struct err *e)
{
    if (!window_read(en->not_before, en->not_after, en->added, false, w, e))
        return false;
    struct window_now at = window_look(w, en->added);
    double site = en->seconds / en->sites;
    if (at.state == WINDOW_OVER)
        return err_set(e, ERR_INPUT, "--not-after %s is past", en->not_after);
    double opens = w->daily ? wallclock_next(&w->from, en->added, false) : fmax(at.opens, en->added);
    double closes = w->daily ? wallclock_next(&w->to, opens, false) : at.closes;
    if (closes - opens < site)
        return err_set(e, ERR_INPUT, "a site takes about %.3g min, and the window is %.3g min long",
                       site / 60, (closes - opens) / 60);
    return true;
}

/* As `seccm run` would refuse it. */
static bool sample_is_fresh(const struct plan *plan, const char *output, struct err *e)
{
    char *sample = session_sample_path(output);
    bool ok = !plan->protocol->rig->simulate || access(sample, F_OK) != 0 ||
              err_set(e, ERR_USAGE,
                      "%s is left from an earlier run of this name: remove it for a fresh simulated sample",
                      sample);
    free(sample);
    return ok;
}

static int add_planned(const struct add_options *o, enum agenda_after after, const struct plan *plan,
                       struct buf *output)
{
    struct err e = ERR_INIT;
    char protocol[PATH_MAX], rig[PATH_MAX];
    struct window w;
    struct agenda *a = NULL;
    struct agenda_entry en = {.protocol = protocol,
                              .output = output->p,
                              .stage = (char *)o->stage,
                              .potentiostat = (char *)o->potentiostat,
                              .has_seed = o->seed >= 0,
                              .seed = o->seed,
                              .sim_seed = o->sim_seed,
                              .include_outside = o->outside,
                              .not_before = (char *)o->not_before,
                              .not_after = (char *)o->not_after,
                              .after = after,
                              .seconds = plan->seconds.total,
                              .uncertainty = plan->seconds.uncertainty,
                              .sites = plan->n_sites,
                              .added = clock_epoch()};
    bool ok = (realpath(o->protocol, protocol) && (!o->rig || (en.rig = realpath(o->rig, rig)))) ||
              err_errno(&e, ERR_INPUT, errno, "%s", o->protocol);
    ok = ok && check_window(&en, &w, &e) && sample_is_fresh(plan, output->p, &e) &&
         place_check(output->p, plan->bytes, &e) && (a = queue_open(o->queue, true, &e));
    if (ok) {
        note_inputs(plan->protocol, &en);
        ok = agenda_add(a, &en, &e);
    }
    if (ok)
        tell(&en, &w, en.added);
    for (int k = 0; k < en.n_inputs; k++) {
        free(en.input[k].role);
        free(en.input[k].path);
    }
    free(en.input);
    agenda_close(a);
    return ok ? 0 : options_fail(&e);
}

static int add(const struct add_options *o)
{
    struct err e = ERR_INIT;
    struct loaded l;
    struct buf output = {0};
    enum agenda_after after = AGENDA_STOP;
    int status = 0;
    const struct protocol_options po = {
        .rig_path = o->rig, .has_seed = o->seed >= 0, .seed = o->seed, .include_outside = o->outside};
    if (!read_after(o->after, &after, &e) || !place_output(o, &output, &e)) {
        status = options_fail(&e);
    } else if (load_plan(o->protocol, &po, &l, &status)) {
        status = add_planned(o, after, l.plan, &output);
        load_free(&l);
    }
    buf_free(&output);
    return status;
}

int queue_add(const struct command *self, int argc, char **argv)
{
    const char *words[1];
    bool help;
    int n;
    struct add_options o = {.seed = -1};
    const struct option options[] = {
        {"output", 'o', OPTION_TEXT, &o.output, "FILE.seccm", "results file; it must not exist"},
        {"not-before", 0, OPTION_TEXT, &o.not_before, "TIME",
         "begin no earlier: \"22:00\" or \"2026-11-23 22:00\", local time"},
        {"not-after", 0, OPTION_TEXT, &o.not_after, "TIME", "begin no site that would end later"},
        {"after-failure", 0, OPTION_TEXT, &o.after, "WORD", "stop (default), continue or retry"},
        {"rig", 0, OPTION_TEXT, &o.rig, "RIG.yaml", "use this rig instead of the protocol's"},
        {"seed", 0, OPTION_INT, &o.seed, "N", "another seed for the design"},
        {"include-outside", 0, OPTION_FLAG, &o.outside, NULL,
         "steps may be included from files outside the protocol's folder"},
        {"stage", 0, OPTION_TEXT, &o.stage, "LINK", "another link, e.g. pty:/dev/pts/4"},
        {"potentiostat", 0, OPTION_TEXT, &o.potentiostat, "LINK", "another link"},
        {"sim-seed", 0, OPTION_INT, &o.sim_seed, "N", "simulated rig only: another sample and noise"},
        QUEUE_OPTION(o.queue),
    };
    struct err e = ERR_INIT;
    if (!options_parse(self, options, sizeof options / sizeof options[0], argc, argv, words, 1, &n, &help,
                       &e))
        return options_fail(&e);
    if (help)
        return 0;
    if (n == 0)
        return put_usage(self, "which protocol");
    if (o.sim_seed < 0) {
        err_set(&e, ERR_USAGE, "queue add: --sim-seed wants a positive number");
        return options_fail(&e);
    }
    o.protocol = words[0];
    return add(&o);
}
