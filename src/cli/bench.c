/* Opens what a run needs, in order, and closes it the other way round. */
#include "cli/bench.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

/* A simulated device's two ends; the far one goes to the simulator. */
static struct link *simulated_link(struct bench *b, const char *device)
{
    struct link *host, *far;
    link_memory_pair(b->loop, sim_rig_baud(b->sim, device), device, &host, &far);
    sim_rig_attach(b->sim, device, far);
    return host;
}

/* A simulated device whose link has gone down is plugged in again. */
static bool plug_in(void *ctx, const char *device, struct link **out, struct err *e)
{
    struct bench *b = ctx;
    if (!b->sim)
        return err_set(e, ERR_LINK, "%s: no simulated device", device);
    *out = simulated_link(b, device);
    if (b->transcript)
        link_record(*out, b->transcript);
    return true;
}

bool bench_hold_sample(struct bench *b, const char *path, struct err *e)
{
    return place_lock(path, &b->sample_lock, e) || err_context(e, "state of the simulated sample");
}

static bool make_sim(struct bench *b, const struct rig_config *c, const struct bench_options *o,
                     struct err *e)
{
    struct diags *d = diags_new();
    shelf_use(o->files);
    b->sim = sim_rig_new(b->loop, c->simulate, o->sim_seed, d);
    shelf_use(NULL);
    if (!b->sim) {
        struct buf text = {0};
        diags_print(d, &text);
        err_set(e, ERR_INPUT, "the rig's `simulate` part has errors:\n%s", text.p ? text.p : "");
        buf_free(&text);
    }
    diags_free(d);
    if (b->sim && o->sample_state &&
        !(bench_hold_sample(b, o->sample_state, e) && world_load(sim_rig_world(b->sim), o->sample_state, e)))
        return false;
    if (b->sim)
        b->opened_before = world_counters(sim_rig_world(b->sim)).open_circuit;
    if (b->sim && o->sim_probe > 1)
        world_set_probe(sim_rig_world(b->sim), o->sim_probe, o->sim_shift);
    return b->sim != NULL;
}

static bool open_link(struct bench *b, const char *file_text, const char *override, int64_t baud, int flow,
                      const char *device, struct link **out, struct err *e)
{
    const char *text = override ? override : file_text;
    if (!strcmp(text, "simulated")) {
        *out = simulated_link(b, device);
    } else {
        struct link_spec spec;
        if (!link_spec_parse(text, &spec, e))
            return false;
        spec.baud = (int)baud;
        spec.flow = (enum link_flow)flow;
        *out = link_open(b->loop, &spec, device, e);
    }
    if (*out && b->transcript)
        link_record(*out, b->transcript);
    return *out != NULL;
}

/* Of a device that is not there: what is asked of it fails at once, and keeps nothing from the other. */
static struct link *dead_link(struct bench *b, const char *device, const struct err *why)
{
    struct link *host, *far;
    log_line(LOG_WARNING, "%s: %s", device, why->text);
    link_memory_pair(b->loop, 0, device, &host, &far);
    link_close(far);
    return host;
}

static bool open_side(struct bench *b, const struct bench_options *o, const char *file_text,
                      const char *override, int64_t baud, int flow, const char *device, struct link **out,
                      struct err *e)
{
    struct err why = ERR_INIT;
    if (open_link(b, file_text, override, baud, flow, device, out, &why))
        return true;
    if (!o->partly)
        return err_set(e, why.code, "%s", why.text);
    *out = dead_link(b, device, &why);
    return true;
}

static bool is_simulated(const char *file_text, const char *override)
{
    return !strcmp(override ? override : file_text, "simulated");
}

static bool is_replayed(const char *file_text, const char *override)
{
    return !strncmp(override ? override : file_text, "replay:", strlen("replay:"));
}

static bool can_be_hurried(const char *file_text, const char *override)
{
    return is_simulated(file_text, override) || is_replayed(file_text, override);
}

/* Seconds of UTC since 1970 of an ISO 8601 text, NAN if it is none. */
static double utc_seconds(const char *text)
{
    struct tm tm = {0};
    return strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) ? (double)timegm(&tm) : NAN;
}

/* A continued run goes on counting: from where it was left, in real time as much later as it is, so that
 * drift of the sample is judged rightly. */
static void continue_clock(struct loop *l, const struct bench_options *o)
{
    double begin = o->begin_s;
    if (o->begun_utc && loop_mode(l) == LOOP_REAL) {
        char now[32];
        loop_utc(l, now);
        begin = fmax(begin, utc_seconds(now) - utc_seconds(o->begun_utc) - o->clock_set_s);
    }
    loop_begin_at(l, ns_from_s(begin));
}

static bool open_all(struct bench *b, const struct rig_config *c, const struct bench_options *o,
                     double offset, const double e_limit[2], double i_limit, struct err *e)
{
    bool simulated = is_simulated(c->stage_link, o->stage_link) || is_simulated(c->pstat_link, o->pstat_link);
    enum loop_mode mode = o->virtual_time ? LOOP_VIRTUAL : o->speed > 0 ? LOOP_SCALED : LOOP_REAL;
    if (o->virtual_time &&
        !(can_be_hurried(c->stage_link, o->stage_link) && can_be_hurried(c->pstat_link, o->pstat_link)))
        return err_set(
            e, ERR_USAGE,
            "--virtual needs links that are all `simulated` or `replay:`: real devices can not be hurried");
    b->replayed = is_replayed(c->stage_link, o->stage_link) && is_replayed(c->pstat_link, o->pstat_link);
    if (!(b->loop = loop_new(mode, o->speed > 0 ? o->speed : 1, e)))
        return false;
    continue_clock(b->loop, o);
    if (o->transcript && !(b->transcript = transcript_create(o->transcript, e)))
        return false;
    if (simulated && !make_sim(b, c, o, e))
        return false;
    struct link *stage, *pstat;
    if (!open_side(b, o, c->stage_link, o->stage_link, c->stage_baud, c->stage_flow, "stage", &stage, e))
        return false;
    if (!open_side(b, o, c->pstat_link, o->pstat_link, c->pstat_baud, c->pstat_flow, "potentiostat", &pstat,
                   e)) {
        link_close(stage);
        return false;
    }
    b->rig = rig_open(b->loop, c, stage, pstat, offset, e_limit, i_limit, e);
    if (!b->rig)
        return false;
    b->rig->reopen = plug_in;
    b->rig->reopen_ctx = b;
    return o->partly || rig_identify(b->rig, e);
}

bool bench_open(struct bench *b, const struct rig_config *c, const struct bench_options *o, double offset,
                const double e_limit[2], double i_limit, struct err *e)
{
    memset(b, 0, sizeof *b);
    b->sample_state = o->sample_state;
    if (open_all(b, c, o, offset, e_limit, i_limit, e))
        return true;
    struct err ignored = ERR_INIT;
    b->sample_state = NULL;
    bench_close(b, &ignored);
    return false;
}

bool bench_verified(const struct bench *b, struct err *e)
{
    if (b->sim || b->replayed || rig_is_verified(b->rig))
        return true;
    return err_set(e, ERR_LIMIT,
                   "this rig's mounting direction and wiring were never verified by moves: run "
                   "`seccm rig check %s --move` with the probe far from the sample",
                   b->rig->config->source->path);
}

bool bench_journal(struct bench *b, struct err *e)
{
    return !b->sim || !b->sample_state || world_journal(sim_rig_world(b->sim), b->sample_state, e);
}

bool bench_close(struct bench *b, struct err *e)
{
    bool ok = true;
    rig_close(b->rig);
    if (b->sim && b->sample_state)
        ok = world_save(sim_rig_world(b->sim), b->sample_state, e);
    place_unlock(&b->sample_lock);
    sim_rig_free(b->sim);
    if (b->transcript)
        ok = transcript_close(b->transcript, e) && ok;
    loop_free(b->loop);
    memset(b, 0, sizeof *b);
    return ok;
}

/* ": 2 crashes, 1 drags", of those that are not 0. */
static void add_harm(uint64_t n, const char *what, char text[200])
{
    size_t used = strlen(text);
    if (n > 0)
        snprintf(text + used, 200 - used, "%s %" PRIu64 " %s", used ? "," : ":", n, what);
}

bool bench_counters(const struct bench *b, bool print, int safe_states, char harm[200])
{
    harm[0] = '\0';
    if (!b->sim)
        return true;
    struct world_counters c = world_counters(sim_rig_world(b->sim));
    if (print)
        fprintf(stderr,
                "simulated sample: %" PRIu64 " contacts, %" PRIu64 " crashes, %" PRIu64 " drags, %" PRIu64
                " wet travels, %" PRIu64 " envelope violations, %" PRIu64 " s cell left on, %" PRIu64
                " unrecorded open circuits, %" PRIu64 " spots revisited\n",
                c.contacts, c.crashes, c.drags, c.wet_travel, c.envelope, c.cell_left_on, c.open_circuit,
                c.revisited);
    uint64_t opened = b->opened_before + (uint64_t)safe_states; /* by the safe state, which is meant */
    add_harm(c.crashes, "crashes", harm);
    add_harm(c.drags, "drags", harm);
    add_harm(c.wet_travel, "wet travels", harm);
    add_harm(c.envelope, "envelope violations", harm);
    add_harm(c.cell_left_on, "s cell left on", harm);
    add_harm(c.open_circuit > opened ? c.open_circuit - opened : 0, "unrecorded open circuits", harm);
    return !harm[0];
}
