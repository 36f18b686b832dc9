/* Noticing that the clock was set or the run was away, and what follows from it. */
#include "run/machine.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "run/hop.h"

/* Real time between two looks at the clocks, however long the run waits. */
#define LOOK_EVERY (500 * NS_MS)

/* --- looking ------------------------------------------------------------------------------------------- */

ns_t machine_look(struct machine *m, const struct clocks *now)
{
    ns_t gap = now->boot - m->seen.boot;
    ns_t asleep = gap - (now->awake - m->seen.awake);
    ns_t set = (now->wall - m->seen.wall) - gap;
    asleep = asleep > MACHINE_STEP ? asleep : 0;
    m->seen = *now;
    if (asleep || gap > m->longest) {
        m->away += gap;
        m->asleep += asleep;
        m->away_sum += gap;
    }
    if (set > MACHINE_STEP || set < -MACHINE_STEP) {
        m->set_by += set;
        m->set_sum += set;
    }
    return asleep;
}

static void wake_up(void *ctx)
{
    (void)ctx; /* the hook runs whenever the loop is awake */
}

static void look(void *ctx)
{
    struct machine *m = ctx;
    struct clocks now = loop_clocks(m->loop);
    ns_t asleep = machine_look(m, &now);
    if (asleep)
        loop_skip(m->loop, (ns_t)((double)asleep * loop_speed(m->loop)));
    if (m->longest != NS_NEVER && !m->wake.slot)
        timer_set(m->loop, &m->wake, loop_now(m->loop) + (ns_t)((double)LOOK_EVERY * loop_speed(m->loop)),
                  wake_up, m);
}

void machine_start(struct run *r)
{
    struct machine *m = &r->machine;
    m->loop = r->loop;
    m->seen = loop_clocks(m->loop);
    m->set_sum = ns_from_s(r->options->clock_set_s);
    m->longest = loop_mode(m->loop) == LOOP_VIRTUAL ? NS_NEVER : MACHINE_STOPPED;
    loop_on_pump(m->loop, look, m);
}

void machine_stop(struct run *r)
{
    struct machine *m = &r->machine;
    if (!m->loop)
        return;
    timer_cancel(m->loop, &m->wake);
    loop_off_pump(m->loop, look, m);
    m->loop = NULL;
}

/* --- telling ------------------------------------------------------------------------------------------- */

const char *machine_duration(ns_t t, char text[32])
{
    int64_t s = t / NS_S;
    if (s >= 3600)
        snprintf(text, 32, "%" PRId64 " h %02d min", s / 3600, (int)(s % 3600 / 60));
    else if (s >= 60)
        snprintf(text, 32, "%" PRId64 " min %02d s", s / 60, (int)(s % 60));
    else
        snprintf(text, 32, "%.1f s", ns_to_s(t));
    return text;
}

static void store_seconds(struct run *r, const char *key, ns_t t)
{
    char text[32];
    snprintf(text, sizeof text, "%.3f", ns_to_s(t));
    writer_info(r->w, key, text);
}

/* "[clock-stepped] the machine's clock was set back by 3 h 00 min: it says 18:00, and said 21:00 before" */
static void tell_step(struct run *r, ns_t by)
{
    char amount[32], now[40], before[40], stop[120] = "";
    double t = loop_epoch(r->loop), told = t - ns_to_s(by);
    bool utc = loop_mode(r->loop) == LOOP_VIRTUAL;
    rules_clock_set(r, stop, sizeof stop);
    wallclock_show(t, t, utc, now);
    wallclock_show(told, t, utc, before);
    hop_note(
        r, "fault",
        "[%s] the machine's clock was set %s by %s: it says %s and would have said %s; experiment time does "
        "not depend on it%s",
        fault_name(FAULT_CLOCK_STEPPED), by > 0 ? "forward" : "back",
        machine_duration(by > 0 ? by : -by, amount), now, before, stop);
    store_seconds(r, "clock.set_by_s", r->machine.set_sum);
}

const char *machine_signal_name(int number)
{
    switch (number) {
    case SIGINT:
        return "SIGINT (Ctrl-C)";
    case SIGTERM:
        return "SIGTERM (somebody or the system ends the run)";
    case SIGHUP:
        return "SIGHUP (the terminal was closed, or the session has ended)";
    default:
        return "a signal";
    }
}

void machine_tell(struct run *r)
{
    struct machine *m = &r->machine;
    if (m->set_by) {
        ns_t by = m->set_by;
        m->set_by = 0;
        tell_step(r, by);
    }
    if (!m->signal_told && r->options->stop && *r->options->stop) {
        m->signal_told = true;
        hop_note(r, "fault", "[%s] %s: the run is to stop", fault_name(FAULT_STOPPED_BY_SIGNAL),
                 machine_signal_name((int)*r->options->stop));
    }
}

/* --- an absence ---------------------------------------------------------------------------------------- */

/* "the machine slept for 2 h 03 min", "the run was stopped for 6.1 s"; forgets the absence. */
static void take_absence(struct run *r, char *text, size_t n)
{
    struct machine *m = &r->machine;
    char amount[32];
    if (m->asleep)
        snprintf(text, n, "the machine slept for %s", machine_duration(m->asleep, amount));
    else
        snprintf(text, n, "the run was stopped for %s", machine_duration(m->away, amount));
    m->away = m->asleep = 0;
    store_seconds(r, "machine.away_s", m->away_sum);
}

bool machine_awake(struct run *r, struct err *e)
{
    char text[80];
    if (!r->machine.away)
        return true;
    take_absence(r, text, sizeof text);
    return err_set(e, ERR_SUSPENDED, "%s", text);
}

/* An outcome that the experiment has decided stands; so does what the operator wants. */
void machine_blame(struct run *r, struct err *fault)
{
    char text[sizeof fault->text], what[80];
    if (!r->machine.away || r->attempt.outcome != OUTCOME_NONE || fault->code == ERR_CANCELLED)
        return;
    snprintf(text, sizeof text, "%s", fault->text);
    take_absence(r, what, sizeof what);
    err_set(fault, ERR_SUSPENDED, "%s (%.800s)", what, text);
}

/* USB adapters leave with a suspension and come back behind it: their links are opened anew. */
static bool back_again(struct run *r, const char *when, struct err *e)
{
    return run_prove(r, e) || err_context(e, "behind an absence%s", when);
}

bool machine_recover(struct run *r, struct err *fault)
{
    struct err why = ERR_INIT;
    if (fault->code != ERR_SUSPENDED || back_again(r, "", &why))
        return fault->code == ERR_SUSPENDED;
    run_tell_fault(r, fault_of_err(&why), why.text);
    return false;
}

void machine_note(struct run *r)
{
    char text[80], told[160];
    if (!r->machine.away)
        return;
    take_absence(r, text, sizeof text);
    snprintf(told, sizeof told, "%s while the run waited with the probe retracted", text);
    run_tell_fault(r, FAULT_SUSPENDED, told);
}

bool machine_rested(struct run *r, struct err *e)
{
    char text[80], told[200];
    if (!r->machine.away)
        return true;
    take_absence(r, text, sizeof text);
    snprintf(told, sizeof told,
             "%s between sites: both instruments are identified anew, the probe is fully retracted", text);
    run_tell_fault(r, FAULT_SUSPENDED, told);
    if (back_again(r, " between sites", e))
        return true;
    bool passes = fault_row(fault_of_err(e))->recovery; /* adapters may take a while to wake up */
    safe_state(r, e);
    return passes && run_recover(r, FAULT_SUSPENDED, e);
}
