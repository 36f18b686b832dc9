/* Before anything moves sideways behind a doubt: is the signal, where the probe stands, that of air?
 *
 * A drop that hung on while the rig was made safe hangs on still, whatever was opened, retracted or asked
 * meanwhile; moved sideways it is dragged over the sample (S3). Travel can not notice it, since it learns its
 * baseline with the drop attached. So a program of its own asks for the capacitance first, at full
 * retraction: within the rig's band, without a leak, and not more than air was known to have. A bridge may
 * dry or break, so it is given time; then the run pauses with the probe where it is. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clocale.h"
#include "run/hop.h"

#define LOOKS    4 /* with the back-off in between */
#define WET_BY   6 /* standard deviations */
#define WET_PART 0.4
/* Of the stray capacitance: what a contact has at least, as long as none is known. */
#define LEAST_PART 0.01

#define KEY_AIR     "air.capacitance_F"
#define KEY_SD      "air.capacitance_sd_F"
#define KEY_CONTACT "air.contact_F"
#define KEY_ATTEMPT "air.attempt"

/* --- what is known of it ---------------------------------------------------------------------------------
 */

static bool in_band(const struct run *r, const struct ramp *now)
{
    const struct rig_config *c = r->rig->config;
    return fabs(now->c - c->stray) <= c->stray_tolerance * c->stray;
}

static void store(struct run *r, const char *key, double v)
{
    char text[40];
    snprintf(text, sizeof text, "%.17g", v);
    writer_info(r->w, key, isfinite(v) ? text : "");
}

/* A broken wire has nothing at all, and looks like a break. */
bool air_learn(struct run *r, const struct ramp *now)
{
    char id[24];
    if (!in_band(r, now))
        return false;
    r->air = *now;
    r->have_air = true;
    snprintf(id, sizeof id, "%lld", (long long)r->attempt.id);
    store(r, KEY_AIR, now->c);
    store(r, KEY_SD, now->c_sd);
    store(r, KEY_CONTACT, r->c_contact_typical);
    writer_info(r->w, KEY_ATTEMPT, id);
    return true;
}

static double value_of(struct results *file, const char *key)
{
    char *text = results_info(file, key);
    double v = text && *text ? c_strtod(text, NULL) : NAN;
    free(text);
    return v;
}

void run_air_read(struct results *file, struct run_air *out)
{
    double attempt = value_of(file, KEY_ATTEMPT);
    *out = (struct run_air){
        .c = value_of(file, KEY_AIR), .c_sd = value_of(file, KEY_SD), .contact = value_of(file, KEY_CONTACT)};
    out->attempt = isnan(attempt) ? 0 : (int64_t)attempt;
    out->known = out->attempt > 0 && isfinite(out->c) && isfinite(out->c_sd);
}

/* Another probe has another capacitance. */
void air_start(struct run *r)
{
    const struct run_air *a = &r->options->air;
    const struct probe *probe = r->options->probe;
    r->c_contact_typical = NAN;
    if (!a->known || (probe && a->attempt < probe->from_attempt))
        return;
    r->air = (struct ramp){.c = a->c, .c_sd = a->c_sd, .periods = 1};
    r->have_air = true;
    r->c_contact_typical = a->contact;
}

/* --- the proof -------------------------------------------------------------------------------------------
 */

static bool hangs_on(const struct run *r, const struct ramp *now)
{
    double least =
        isfinite(r->c_contact_typical) ? WET_PART * r->c_contact_typical : LEAST_PART * r->rig->config->stray;
    return r->have_air && now->periods > 0 && in_band(r, now) &&
           now->c - r->air.c > fmax(WET_BY * hypot(now->c_sd, r->air.c_sd), least);
}

/* Plays the triangle alone; nothing of it is stored but what came of it. */
static bool ask(struct run *r, struct ramp_meter *m, struct err *e)
{
    int alive = site_program_find(&r->program, ROLE_ALIVE, 0);
    double interval = r->program.program.segment[alive].interval;
    ramp_start(m);
    if (!stream_start(r, e))
        return false;
    while (!r->stream.done) {
        struct potentiostat_item item;
        if (!stream_wait(r, &item, 0, e))
            return false;
        if (item.kind == PSTAT_SAMPLE && item.segment == alive)
            ramp_add(m, &item.sample, interval);
    }
    ramp_finish(m);
    return stream_settle(r, 2 * NS_S, e);
}

/* What the signal is if it is neither air nor a drop is the alive ramp's to say: it is told alike. */
static bool look(struct run *r, bool *hangs, struct err *e)
{
    struct attempt *a = &r->attempt;
    struct ramp_meter m;
    if (!ask(r, &m, e))
        return false;
    a->air = m.mean;
    a->noise_rms = m.mean.noise;
    *hangs = hangs_on(r, &m.mean) || hangs_on(r, &m.last);
    if (*hangs) {
        r->counts.safe_states++; /* the cell is open over it now, known and told */
        snprintf(r->air_says, sizeof r->air_says,
                 "a drop hangs on: %.5g pF at full retraction, %.5g pF were air; nothing moves sideways",
                 m.mean.c * 1e12, r->air.c * 1e12);
        hop_note(r, "warning", "%s", r->air_says);
        return true;
    }
    if (!hop_judge_signal(r, &m.last))
        return false;
    r->air_proven = a->outcome == OUTCOME_NONE;
    if (r->air_proven)
        hop_note(r, "air", "%.5g pF at full retraction: nothing hangs on the probe", m.mean.c * 1e12);
    return true;
}

static bool prove(struct run *r, struct err *e)
{
    for (int n = 1;; n++) {
        bool hangs = false;
        if (!run_retract(r, e) || !look(r, &hangs, e))
            return false;
        if (!hangs)
            return true;
        if (n == LOOKS)
            break;
        if (!run_back_off(r, n, r->air_says, e) || !machine_rested(r, e))
            return false;
        hop_enter(r, HOP_UPLOAD);
    }
    r->attempt.hangs = true;
    return attempt_fault(r, FAULT_NOT_DETACHED, OUTCOME_FAULT,
                         "%s. Look at the probe; `resume --accept` forgets what air had, if it is clean",
                         r->air_says);
}

bool hop_prove_air(struct run *r, struct err *e)
{
    struct attempt *a = &r->attempt;
    if (r->air_proven)
        return true;
    site_program_air(r->plan, a->level, &r->program);
    bool ok = prove(r, e);
    site_program_make(r->plan, a->level, a->site->control, &r->program);
    return ok;
}
