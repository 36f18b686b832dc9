/* Runs a plan on a bench into a results file and tells how it ended. */
#include "cli/session.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/options.h"
#include "cli/store_plan.h"

static volatile sig_atomic_t stop_wanted;

/* Flags only; the run looks at them in defined places. A second signal changes nothing: the retraction is not
 * skipped. */
static void on_signal(int number)
{
    (void)number;
    stop_wanted = 1;
}

static void catch_signals(void)
{
    struct sigaction a = {.sa_handler = on_signal};
    sigemptyset(&a.sa_mask);
    const int which[] = {SIGINT, SIGTERM, SIGHUP};
    for (int k = 0; k < 3; k++)
        sigaction(which[k], &a, NULL);
}

char *session_sample_path(const char *results_path)
{
    struct buf b = {0};
    size_t n = strlen(results_path);
    const char *tail = ".seccm";
    bool ours = n > strlen(tail) && !strcmp(results_path + n - strlen(tail), tail);
    buf_add(&b, results_path, ours ? n - strlen(tail) : n);
    buf_str(&b, ".sample");
    return b.p;
}

/* The protocol's potential limits as applied instrument volts, inside the rig's. */
void session_limits(const struct plan *plan, double e_limit[2], double *i_limit)
{
    const struct protocol *p = plan->protocol;
    struct wiring w = {p->rig->potential_sign, p->rig->current_sign, p->offset};
    double a = wiring_instrument_potential(&w, p->e_limit[0]),
           b = wiring_instrument_potential(&w, p->e_limit[1]);
    e_limit[0] = fmax(fmin(a, b), p->rig->e_limit[0]);
    e_limit[1] = fmin(fmax(a, b), p->rig->e_limit[1]);
    *i_limit = fmin(p->i_limit, p->rig->i_limit);
}

static bool open_bench(struct bench *b, const struct plan *plan, const struct session_options *o,
                       struct err *e)
{
    double e_limit[2], i_limit;
    session_limits(plan, e_limit, &i_limit);
    if (!bench_open(b, plan->protocol->rig, &o->bench, plan->protocol->offset, e_limit, i_limit, e))
        return false;
    struct err ignored = ERR_INIT;
    if (bench_verified(b, e))
        return true;
    bench_close(b, &ignored);
    return false;
}

static void store_counters(const struct bench *b, struct writer *w)
{
    if (!b->sim)
        return;
    struct world_counters c = world_counters(sim_rig_world(b->sim));
    const struct {
        const char *key;
        uint64_t value;
    } all[] = {{"sim.contacts", c.contacts},
               {"sim.crashes", c.crashes},
               {"sim.drags", c.drags},
               {"sim.wet_travel", c.wet_travel},
               {"sim.envelope", c.envelope},
               {"sim.cell_left_on", c.cell_left_on},
               {"sim.open_circuit", c.open_circuit},
               {"sim.revisited", c.revisited}};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        char text[24];
        snprintf(text, sizeof text, "%llu", (unsigned long long)all[k].value);
        writer_info(w, all[k].key, text);
    }
}

static int status_of(enum run_end end, const struct run_counts *c, const struct err *e)
{
    switch (end) {
    case RUN_FINISHED: /* nothing measured: the experiment says no */
        return c->visited && !c->by_outcome[OUTCOME_MEASURED] ? 1 : 0;
    case RUN_PAUSED:
        return 1;
    case RUN_INTERRUPTED:
        return 130;
    case RUN_FAULT:
        return err_exit_status(e->code);
    }
    return 3;
}

static void tell_end(enum run_end end, const struct run_counts *c, const char *path, const struct err *e)
{
    log_line(LOG_INFO, "%s: %d of %d sites measured, %d visited%s%s", run_end_name(end),
             c->by_outcome[OUTCOME_MEASURED], c->planned, c->visited, end == RUN_FINISHED ? "" : ": ",
             end == RUN_FINISHED ? "" : e->text);
    if (end != RUN_FINISHED)
        log_line(LOG_INFO, "rig %s; go on with: seccm resume %s",
                 c->safe ? "verified safe (retracted, cell open)" : "NOT verified safe", path);
}

/* From an open bench and file to the exit status; closes both. */
static int go(struct bench *b, struct results *file, const struct plan *plan, const char *path,
              const struct session_options *o, const struct run_before *before)
{
    struct err e = ERR_INIT, closing = ERR_INIT;
    struct run_counts counts = {0};
    enum run_end end = RUN_FAULT;
    struct run_options ro = {
        .only_first = o->only_first, .quiet = o->quiet, .before = before, .stop = &stop_wanted};
    catch_signals();
    struct writer *w = bench_journal(b, &e) ? writer_start(file, b->loop, &e) : NULL;
    if (!w) {
        int status = options_fail(&e);
        results_close(file, &closing);
        b->sample_state = NULL;
        bench_close(b, &closing);
        return status;
    }
    bool began = run_grid(b->rig, plan, w, &ro, &end, &counts, &e);
    store_counters(b, w);
    bool stored = writer_stop(w, &closing);
    bool clean = bench_counters(b, !o->quiet, counts.safe_states);
    if (began)
        tell_end(end, &counts, path, &e);
    else
        options_fail(&e);
    struct err state = ERR_INIT;
    if (!bench_close(b, &state))
        options_fail(&state);
    if (!stored)
        return options_fail(&closing);
    int status = began ? status_of(end, &counts, &e) : err_exit_status(e.code);
    if (!clean)
        log_line(LOG_ERROR, "the simulated sample saw what must never happen");
    return clean || status ? status : 1;
}

int session_run(const struct plan *plan, const char *path, const struct session_options *o)
{
    struct err e = ERR_INIT;
    struct bench b;
    if (!open_bench(&b, plan, o, &e))
        return options_fail(&e);
    struct results *file = store_plan_create(path, plan, &b, &e);
    if (!file) {
        int status = options_fail(&e);
        b.sample_state = NULL;
        bench_close(&b, &e);
        return status;
    }
    return go(&b, file, plan, path, o, NULL);
}

/* What the file says of each site of the plan, by number. */
static bool read_before(struct results *file, const struct plan *plan, struct run_before *before,
                        struct err *e)
{
    struct results_sites s;
    int n = plan->n_sites + plan->n_spares;
    if (!results_sites(file, &s, e))
        return false;
    bool ok = s.n == n || err_set(e, ERR_INPUT, "the file has %d sites, the plan %d", s.n, n);
    for (int k = 0; ok && k < n; k++) {
        const struct results_site *site = &s.site[k];
        int at = site->site - 1;
        bool cut_short = site->outcome == OUTCOME_ABORTED || site->outcome == OUTCOME_FAULT;
        before[at] = (struct run_before){.outcome = site->outcome,
                                         .attempts = site->attempts,
                                         .replaces = site->replaces,
                                         .x = site->x,
                                         .y = site->y,
                                         .t = site->start_s,
                                         .contact_z = site->contact_z,
                                         .again = cut_short && site->touched == TOUCHED_NO};
    }
    results_sites_free(&s);
    return ok;
}

/* When a run was begun, and at what experiment time it was left. */
static bool begin_of(struct results *file, struct bench_options *o, char **utc, struct err *e)
{
    struct results_event *ev;
    int n;
    if (!results_events(file, &ev, &n, e))
        return false;
    for (int k = 0; k < n; k++)
        o->begin_s = fmax(o->begin_s, ev[k].t_s);
    free(ev);
    *utc = results_info(file, "utc");
    o->begun_utc = *utc;
    return true;
}

int session_resume(const struct plan *plan, const char *path, const struct session_options *o)
{
    struct err e = ERR_INIT;
    struct bench b;
    size_t n = (size_t)(plan->n_sites + plan->n_spares);
    struct results *file = results_open_write(path, &e);
    if (!file)
        return options_fail(&e);
    struct run_before *before = xcalloc(n, sizeof *before);
    struct session_options so = *o;
    char *utc = NULL;
    int status;
    if (!results_close_open_attempts(file, &e) || !read_before(file, plan, before, &e) ||
        !begin_of(file, &so.bench, &utc, &e) || !open_bench(&b, plan, &so, &e)) {
        status = options_fail(&e);
        results_close(file, &e);
    } else {
        status = go(&b, file, plan, path, o, before);
    }
    free(before);
    free(utc);
    return status;
}
