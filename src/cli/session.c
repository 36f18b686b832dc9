/* Runs a plan on a bench into a results file and tells how it ended. */
#include "cli/session.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clocale.h"
#include "base/log.h"
#include "base/wallclock.h"
#include "cli/command_socket.h"
#include "cli/left.h"
#include "cli/options.h"
#include "cli/store_plan.h"
#include "cli/stranded.h"
#include "output/status.h"

static volatile sig_atomic_t stop_wanted;
static struct loop *volatile waiting_loop; /* of the run: woken by a signal */

/* Flags only; the run looks at them in defined places. A second signal changes nothing: the retraction is not
 * skipped. */
static void on_signal(int number)
{
    if (!stop_wanted)
        stop_wanted = number;
    if (waiting_loop)
        loop_post(waiting_loop);
}

/* The three that ask a program to end stop the run safely; but for who started it with nohup a terminal may
 * close. What may go astray (SIGUSR1, SIGUSR2, SIGALRM) is not the end of a night. SIGQUIT stays what it is:
 * an end at once, with a core; the guardian makes the rig safe. */
static void catch_signals(bool guarded)
{
    struct sigaction a = {.sa_handler = on_signal}, before;
    sigemptyset(&a.sa_mask);
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &a, NULL);
    static const int astray[] = {SIGUSR1, SIGUSR2, SIGALRM};
    for (int k = 0; k < 3; k++)
        signal(astray[k], SIG_IGN);
    /* A run that sleeps would be ended by its guardian. */
    static const int sleep[] = {SIGTSTP, SIGTTIN, SIGTTOU};
    for (int k = 0; guarded && k < 3; k++)
        signal(sleep[k], SIG_IGN);
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

bool session_until_check(const char *until, struct err *e)
{
    struct wallclock w;
    struct err why = ERR_INIT;
    return !until || wallclock_parse(until, &w, &why) || err_set(e, ERR_USAGE, "--until: %.900s", why.text);
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
    case RUN_PAUSED: /* by a rule, or by the policy for a fault of an instrument */
    case RUN_ABORTED:
        return err_exit_status(e->code) ? err_exit_status(e->code) : 1;
    case RUN_INTERRUPTED:
        return 130;
    case RUN_FAULT: /* also where the experiment said no and the rig did not obey */
        return err_exit_status(e->code) > 1 ? err_exit_status(e->code) : 3;
    }
    return 3;
}

/* "; faults: 2 potentiostat-silent, 1 noise" */
static void add_faults(const struct run_counts *c, struct buf *out)
{
    const char *before = "; faults: ";
    for (int k = FAULT_NONE + 1; k < FAULT_COUNT; k++)
        if (c->by_fault[k]) {
            buf_printf(out, "%s%d %s", before, c->by_fault[k], fault_name((enum fault_class)k));
            before = ", ";
        }
}

static void tell_end(enum run_end end, const struct run_counts *c, const char *path, const struct err *e)
{
    const char *why = end == RUN_FINISHED ? c->why : e->text;
    char controls[64] = "";
    if (c->controls)
        snprintf(controls, sizeof controls, ", %d controls (%d failed)", c->controls, c->controls_failed);
    struct buf faults = {0};
    add_faults(c, &faults);
    log_line(LOG_INFO, "%s: %d of %d sites measured, %d visited%s%s%s%s", run_end_name(end),
             c->by_outcome[OUTCOME_MEASURED], c->planned, c->visited, controls, faults.n ? faults.p : "",
             *why ? ": " : "", why);
    buf_free(&faults);
    if (end == RUN_FINISHED)
        return;
    char safe[96] = "NOT verified safe";
    if (c->safe)
        snprintf(safe, sizeof safe, "verified safe (%s, cell open)", c->up ? c->up : "retracted");
    log_line(LOG_INFO, "rig %s; go on with: seccm resume %s%s", safe, end == RUN_ABORTED ? "--accept " : "",
             path);
}

/* The guardian's watch begins when what its predecessor wrote is durable: its log is overwritten. */
static bool begin_watch(const struct session_options *o, struct bench *b, struct writer *w, const char *path,
                        struct err *e)
{
    if (!o->guardian)
        return true;
    if (!writer_barrier(w, e) || !guardian_protect(o->guardian, b->rig, path, e))
        return false;
    log_line(LOG_INFO,
             "guardian: process %ld is on watch; should this run die, or give no sign of life for %g s, "
             "it ends it and makes the rig safe",
             guardian_pid(o->guardian), guardian_patience(o->guardian));
    return true;
}

static void end_watch(const struct session_options *o, struct writer *w)
{
    char text[24];
    if (!o->guardian)
        return;
    snprintf(text, sizeof text, "%.3f", guardian_longest_silence(o->guardian));
    writer_info(w, "guardian.longest_silence_s", text);
    snprintf(text, sizeof text, "%g", guardian_patience(o->guardian));
    writer_info(w, "guardian.patience_s", text);
    guardian_dismiss(o->guardian);
}

/* `seccm status` says where the page is, as long as it is there. */
static void tell_page(struct writer *w, const char *url, const char *socket, bool there)
{
    if (*url)
        writer_info(w, "live_page", there ? url : "");
    if (*socket)
        writer_info(w, COMMAND_SOCKET_INFO, there ? socket : "");
}

/* The clock of the loop: in virtual time it shows universal time from the epoch on. */
static bool read_until(const char *text, const struct loop *l, double *until, struct err *e)
{
    struct wallclock w;
    if (!text)
        return true;
    if (!wallclock_parse(text, &w, e))
        return err_context(e, "--until");
    *until = wallclock_next(&w, loop_epoch(l), loop_mode(l) == LOOP_VIRTUAL);
    return true;
}

/* What goes before, of a run that is resumed. */
struct past {
    struct run_before *site;   /* NULL: a new run */
    const struct probe *probe; /* NULL: the first one */
    struct tip_health *health;
    struct run_air air;
    struct left left;
    bool looked;        /* `left` is known: no guardian is at work any more */
    double begin_s;     /* experiment time at which it was left */
    double clock_set_s; /* by which the machine's clock was set while it ran */
    struct status told; /* faults, by class */
};

/* Sites are counted over all parts of a run, and so are faults. */
static void add_told(const struct status *told, struct run_counts *c)
{
    for (int k = 0; k < told->n_classes; k++)
        c->by_fault[fault_from_name(told->by_class[k].name)] += told->by_class[k].n;
}

/* From an open bench and file to the exit status; closes both. */
static int go(struct bench *b, struct live *live, struct results *file, const struct plan *plan,
              const char *path, const struct session_options *o, const struct past *past)
{
    struct err e = ERR_INIT, closing = ERR_INIT;
    struct run_counts counts = {0};
    enum run_end end = RUN_FAULT;
    struct run_options ro = {.only_first = o->only_first,
                             .quiet = o->quiet,
                             .before = past->site,
                             .probe = past->probe,
                             .health = past->health,
                             .air = past->air,
                             .stop = &stop_wanted,
                             .guardian = o->guardian,
                             .path = path,
                             .clock_set_s = past->clock_set_s};
    waiting_loop = b->loop;
    catch_signals(o->guardian != NULL);
    live_open(live, file, &ro);
    bool ready = read_until(o->until, b->loop, &ro.until, &e) && bench_journal(b, &e);
    struct writer *w = ready ? writer_start(file, b->loop, &e) : NULL;
    if (!w) {
        int status = options_fail(&e);
        results_close(file, &closing);
        b->sample_state = NULL;
        waiting_loop = NULL;
        live_close(live);
        bench_close(b, &closing);
        return status;
    }
    left_store(&past->left, w, past->begin_s);
    tell_page(w, live_url(live), live_socket(live), true);
    bool began = begin_watch(o, b, w, path, &e);
    if (began)
        run_grid(b->rig, plan, w, &ro, &end, &counts, &e);
    add_told(&past->told, &counts);
    end_watch(o, w);
    store_counters(b, w);
    tell_page(w, live_url(live), live_socket(live), false);
    bool stored = writer_stop(w, &closing);
    if (stored && !o->guardian)
        left_clear(&past->left, path);
    char harm[200];
    bool clean = bench_counters(b, !o->quiet, counts.safe_states, harm);
    if (began)
        tell_end(end, &counts, path, &e);
    else
        options_fail(&e);
    if (!stored) {
        log_line(LOG_ERROR, "%s", closing.text);
        live_not_stored(live, &closing);
    }
    live_close(live);
    waiting_loop = NULL;
    struct err state = ERR_INIT;
    if (!bench_close(b, &state))
        options_fail(&state);
    if (!stored)
        return err_exit_status(closing.code);
    int status = began ? status_of(end, &counts, &e) : err_exit_status(e.code);
    if (!clean)
        log_line(LOG_ERROR, "the simulated sample saw what must never happen%s", harm);
    return clean || status ? status : 1;
}

int session_run(const struct plan *plan, const char *path, const struct session_options *o)
{
    struct err e = ERR_INIT;
    struct bench b;
    if (!open_bench(&b, plan, o, &e)) {
        int status = options_fail(&e);
        stranded_tell(plan->protocol->rig, &o->bench);
        return status;
    }
    struct live *live = live_start(plan, &b, path, &o->live, &stop_wanted, &e);
    struct results *file = live ? store_plan_create(path, plan, &b, &e) : NULL;
    int status;
    if (!file) {
        status = options_fail(&e);
        b.sample_state = NULL;
        bench_close(&b, &e);
    } else {
        status = go(&b, live, file, plan, path, o, &(struct past){0});
    }
    live_free(live);
    return status;
}

/* When a run was begun, at what experiment time it was left, and the faults it told. */
static bool begin_of(struct results *file, struct bench_options *o, char **utc, struct status *told,
                     struct err *e)
{
    struct results_event *ev;
    int n;
    if (!results_events(file, &ev, &n, e))
        return false;
    for (int k = 0; k < n; k++) {
        o->begin_s = fmax(o->begin_s, ev[k].t_s);
        status_count_class(&ev[k], told);
    }
    free(ev);
    char *set = results_info(file, "clock.set_by_s");
    o->clock_set_s = set && *set ? c_strtod(set, NULL) : 0;
    free(set);
    *utc = results_info(file, "utc");
    o->begun_utc = *utc;
    return true;
}

/* Where a resumption can not begin, a probe that was left down stays there no longer than it must. A rig that
 * was left safe is left alone, and so is one that a guardian may have in its hands. */
static void see_to_rig(const struct plan *plan, struct results *file, const struct session_options *o,
                       const struct past *past, const struct resumption *x)
{
    if (!past->looked)
        stranded_tell(plan->protocol->rig, &o->bench);
    else if (!stranded_was_safe(file, &past->left))
        stranded_bring_up(plan->protocol->rig, &o->bench, x->stored->stage_id);
}

/* All that must hold before anything moves: the file is ours alone and as it was looked at, the instruments
 * are those of the run, every place can be reached. The bench is open behind it, or *e says why not. */
static bool prepare(const struct plan *plan, struct results *file, struct session_options *o, char **utc,
                    struct past *past, struct resumption *x, struct bench *b, struct err *e)
{
    struct err ignored = ERR_INIT;
    if (!resumption_is_current(x, file, e) || !left_read(file, &past->left, e))
        return false;
    past->looked = true;
    if (!results_close_open_attempts(file, e) || !run_before_read(file, plan, o->accept, past->site, e) ||
        !begin_of(file, &o->bench, utc, &past->told, e) ||
        (x->probe.number > 1 && !new_probe_reaches(&x->probe, plan, past->site, e)))
        return false;
    if (!o->accept) /* who accepts has looked at the probe */
        run_air_read(file, &past->air);
    past->begin_s = o->bench.begin_s;
    past->clock_set_s = o->bench.clock_set_s;
    o->bench.sim_probe = x->probe.number;
    for (int k = 0; k < 3; k++)
        o->bench.sim_shift[k] = isfinite(x->probe.simulated[k]) ? x->probe.simulated[k] : 0;
    if (!open_bench(b, plan, o, e))
        return false;
    /* The charts are read behind the event of a new probe, which has none yet. */
    if (resumption_same_rig(x, b->rig, results_path(file), e) &&
        resumption_store(x, file, b, past->begin_s, e) && tip_health_read(file, &past->health, e))
        return true;
    b->sample_state = NULL;
    bench_close(b, &ignored);
    return false;
}

int session_resume(const struct plan *plan, const char *path, const struct session_options *o,
                   struct resumption *x)
{
    struct err e = ERR_INIT;
    struct bench b;
    size_t n = (size_t)plan_places(plan);
    struct results *file = results_open_write(path, &e);
    if (!file)
        return options_fail(&e);
    struct past past = {.site = xcalloc(n, sizeof *past.site), .probe = &x->probe};
    struct session_options so = *o;
    struct live *live = NULL;
    char *utc = NULL;
    int status;
    if (!prepare(plan, file, &so, &utc, &past, x, &b, &e)) {
        status = options_fail(&e);
        see_to_rig(plan, file, &so, &past, x);
        results_close(file, &e);
    } else if (!(live = live_start(plan, &b, path, &o->live, &stop_wanted, &e)) ||
               !live_recall(live, file, &e)) {
        status = options_fail(&e);
        b.sample_state = NULL;
        results_close(file, &e);
        bench_close(&b, &e);
    } else {
        status = go(&b, live, file, plan, path, o, &past);
    }
    live_free(live);
    left_free(&past.left);
    free(past.site);
    tip_health_free(past.health);
    free(utc);
    return status;
}
