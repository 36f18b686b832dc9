/* The real run engine on the simulated rig in virtual time: files in a temporary folder, plan, rig, results
 * file, writer; and the sample's own view of what happened.
 *
 *   struct night n;
 *   night_open(&n, &(struct night_spec){.columns = 3});
 *   ... faults ...
 *   night_run(&n);      // runs, stops the writer, opens the file for reading
 *   ... look ...
 *   night_close(&n); */
#ifndef SECCM_TESTS_RUN_FIXTURE_H
#define SECCM_TESTS_RUN_FIXTURE_H

#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/rng.h"
#include "protocol/plan.h"
#include "results/results.h"
#include "results/writer.h"
#include "run/run.h"
#include "sim/rig.h"
#include "wire/fault.h"

/* The sample's zero of height in the rig's frame (the simulated stage's default mounting). */
#define SAMPLE_PLANE 50e-6

/* Every text NULL = the default below. */
struct night_spec {
    const char *sample;   /* a YAML map in braces, or a file of the repository */
    const char *probe;    /* simulated probe: inside of the braces */
    const char *pstat;    /* simulated potentiostat: inside of the braces */
    const char *air;      /* rig: inside of the braces */
    const char *site;     /* list of steps, each line indented by two */
    const char *surface;  /* inside of the braces */
    const char *approach; /* whole map in braces */
    const char *retract;  /* further keys, inside of the braces */
    const char *alive;    /* inside of the braces */
    const char *faults;   /* inside of the braces */
    const char *more;     /* further lines of the protocol */
    const char *spares;   /* number */
    const char *grid;     /* whole map in braces, instead of columns, rows, pitch and spares */
    double pitch;         /* um; 0 = 5 */
    int columns, rows;    /* 0 = 1 */
    uint64_t seed;        /* 0 = 1 */
};

#define FLAT_SAMPLE "ideal-flat.yaml"

struct night {
    char *folder, *path;
    struct diags *diags;
    struct protocol *protocol;
    struct plan *plan;
    struct loop *loop;
    struct sim_rig *sim;
    struct rig *rig;
    struct results *file; /* for reading, behind night_run() */
    struct writer *writer;
    volatile sig_atomic_t stop;
    struct run_options options;
    struct tip_health *health; /* of a run that goes on */
    struct run_counts counts;
    enum run_end end;
    bool accept;    /* who resumes has looked at the probe */
    bool unplugged; /* devices whose link went down can not be opened again (now) */
    bool began, stored;
    struct err e, writer_error;
    ns_t t0, t1; /* of the run */
    struct world_counters seen;
    /* truth, watched every `watch` of experiment time */
    struct timer watch;
    double z_low; /* m, rig frame: lowest since `watch_from` */
    ns_t watch_from;
    double z_at_from;
    ns_t z_low_at;
    ns_t cell_off_at;    /* first look since `watch_from` that found the cell open; 0 = none */
    ns_t up_at;          /* first look that found z at the retracted height */
    ns_t lowest_stop_at; /* since when z has not gone down any more */
};

/* SECCM_TEST_SEED repeats a run; otherwise every run is a new one. Printed. */
static inline uint64_t test_seed(void)
{
    const char *given = getenv("SECCM_TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 1000003u + (uint64_t)getpid();
    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}

/* Of a campaign of faults: as a part of the suite always the same, so that a change is judged by itself; new
 * ones are drawn where a longer campaign was asked for (`make soak`). */
static inline uint64_t campaign_seed(void)
{
    if (getenv("SECCM_TEST_SEED") || getenv("SECCM_TEST_INSTANTS") || getenv("SECCM_TEST_SEEDS"))
        return test_seed();
    print_message("seed 1\n");
    return 1;
}

/* Number from the environment, for longer campaigns. */
static inline int test_count(const char *name, int usual)
{
    const char *given = getenv(name);
    return given ? atoi(given) : usual;
}

static inline char *in_folder(const char *folder, const char *name)
{
    struct buf path = {0};
    buf_printf(&path, "%s/%s", folder, name);
    return path.p;
}

static inline void write_file(const char *folder, const char *name, const struct buf *text)
{
    char *path = in_folder(folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text->p, 1, text->n, f), text->n);
    fclose(f);
    free(path);
}

static inline const char * or (const char *text, const char *usual)
{
    return text ? text : usual;
}

/* `sample` as it must stand in a rig file that lies elsewhere. */
static inline void add_sample(struct buf *b, const char *sample)
{
    char real[PATH_MAX], path[256];
    if (sample[0] == '{') {
        buf_str(b, sample);
        return;
    }
    snprintf(path, sizeof path, "%s%s", strchr(sample, '/') ? "" : "instruments/samples/", sample);
    if (!realpath(path, real))
        fail_msg("run this from the top of the repository: %s is not there", path);
    buf_str(b, real);
}

static inline void write_inputs(const char *folder, const struct night_spec *s)
{
    struct buf rig = {0}, p = {0};
    buf_str(&rig,
            "rig: 1\nname: test bench\n"
            "stage: {driver: pi-gcs, link: simulated, baud: 115200, axes: {x: \"1\", y: \"2\", z: \"3\"},\n"
            "  toward-sample: -1, x: [0 um, 200 um], y: [0 um, 200 um], z: [0 um, 60 um],\n"
            "  retracted: 60 um, speed-xy: 50 um/s, speed-z: 20 um/s, tolerance: 20 nm}\n"
            "potentiostat: {driver: methodscript, model: nexus, link: simulated, baud: 921600}\n"
            "wiring: {potential: +1, current: +1}\n"
            "limits: {potential: [-4.5 V, 2.5 V], current: 100 nA}\n");
    buf_printf(&rig, "air: {%s}\n", or (s->air, "stray: 1 pF, tolerance: 50 %, noise: 0.5 pA"));
    buf_printf(&rig, "simulate:\n  seed: %llu\n  potentiostat: {%s}\n  probe: {%s}\n  sample: ",
               (unsigned long long)(s->seed ? s->seed : 1), or (s->pstat, ""),
               or (s->probe, "meniscus: {height: 200 nm, spread: 4 %}"));
    add_sample(&rig, or (s->sample, FLAT_SAMPLE));
    buf_str(&rig, "\n");
    write_file(folder, "rig.yaml", &rig);
    buf_printf(&p, "seccm: 1\nname: test\nseed: 1\nprobe: {aperture: 400 nm}\n"
                   "reference: {electrode: \"Li/Li+ by Ag QRCE\", offset: 3.2 V, uncertainty: 0.1 V}\n"
                   "rig: rig.yaml\nlimits: {potential: [0 V, 4 V], current: 5 nA}\n");
    if (s->grid)
        buf_printf(&p, "grid: %s\n", s->grid);
    else
        buf_printf(&p,
                   "grid: {grid: 1, shape: rectangle, columns: %d, rows: %d, pitch: %g um, "
                   "origin: {x: 10 um, y: 10 um}, order: serpentine, spares: %s}\n",
                   s->columns ? s->columns : 1, s->rows ? s->rows : 1, s->pitch > 0 ? s->pitch : 5,
                   or (s->spares, "0"));
    buf_printf(&p, "surface: {%s}\n", or (s->surface, "clearance: 2 um, peak: 1 um, sigma: 50 nm"));
    buf_printf(&p, "approach: %s\n",
               or (s->approach, "{bias: 2 V, speed: 1 um/s, leash: 0.2 um, travel: 12 um, "
                                "contact: {kind: transient, threshold: 3 pA}, confirm: 50 ms}"));
    buf_printf(&p, "retract: {bias: 2 V, detach: 1 um/s, then: 10 um/s%s%s}\n", s->retract ? ", " : "",
               or (s->retract, ""));
    if (s->alive)
        buf_printf(&p, "alive: {%s}\n", s->alive);
    if (s->faults)
        buf_printf(&p, "faults: {%s}\n", s->faults);
    buf_printf(&p, "site:\n%s\n%s",
               or (s->site, "  - cv: {name: formation, start: 3 V, vertices: [1 V, 3 V], rate: 10 V/s, "
                            "cycles: 1, step: 10 mV}"),
               or (s->more, ""));
    write_file(folder, "protocol.yaml", &p);
    buf_free(&rig);
    buf_free(&p);
}

static inline void show_diags(const struct diags *d)
{
    struct buf text = {0};
    diags_print(d, &text);
    if (text.n)
        print_message("%s", text.p);
    buf_free(&text);
}

static inline void make_plan(struct night *n)
{
    char *path = in_folder(n->folder, "protocol.yaml");
    n->diags = diags_new();
    n->protocol = protocol_load(path, &(struct protocol_options){0}, n->diags, &n->e);
    free(path);
    if (n->protocol)
        n->plan = plan_make(n->protocol, n->diags);
    if (!n->plan) {
        show_diags(n->diags);
        fail_msg("no plan: %s", n->e.text);
    }
}

static inline struct link *simulated_device(struct night *n, const char *device)
{
    struct link *host, *far;
    link_memory_pair(n->loop, sim_rig_baud(n->sim, device), device, &host, &far);
    sim_rig_attach(n->sim, device, far);
    return host;
}

/* Plugs a simulated device in again, if it is not kept out. */
static inline bool plug_in(void *ctx, const char *device, struct link **out, struct err *e)
{
    struct night *n = ctx;
    if (n->unplugged)
        return err_set(e, ERR_LINK, "%s: not plugged in", device);
    *out = simulated_device(n, device);
    return true;
}

/* New lines to the simulated devices, and the rig at their ends. */
static inline bool connect_rig(struct night *n)
{
    const struct protocol *p = n->protocol;
    struct wiring w = {p->rig->potential_sign, p->rig->current_sign, p->offset};
    double a = wiring_instrument_potential(&w, p->e_limit[0]),
           b = wiring_instrument_potential(&w, p->e_limit[1]);
    double limit[2] = {fmax(fmin(a, b), p->rig->e_limit[0]), fmin(fmax(a, b), p->rig->e_limit[1])};
    struct link *stage = simulated_device(n, "stage"), *pstat = simulated_device(n, "potentiostat");
    n->rig =
        rig_open(n->loop, p->rig, stage, pstat, p->offset, limit, fmin(p->i_limit, p->rig->i_limit), &n->e);
    if (n->rig) {
        n->rig->reopen = plug_in;
        n->rig->reopen_ctx = n;
    }
    return n->rig && rig_identify(n->rig, &n->e);
}

static inline void open_rig(struct night *n)
{
    const struct protocol *p = n->protocol;
    n->loop = loop_new(LOOP_VIRTUAL, 1, &n->e);
    assert_non_null(n->loop);
    n->sim = sim_rig_new(n->loop, p->rig->simulate, 0, n->diags);
    if (!n->sim)
        show_diags(n->diags);
    assert_non_null(n->sim);
    if (!connect_rig(n))
        fail_msg("rig: %s", n->e.text);
}

static inline void create_file(struct night *n)
{
    const struct protocol *p = n->protocol;
    int sites = plan_places(n->plan);
    struct results_site_plan *site = xcalloc((size_t)sites, sizeof *site);
    const char **text = xcalloc((size_t)sites * FACTOR_MAX, sizeof *text);
    double *si = xcalloc((size_t)sites * FACTOR_MAX, sizeof *si);
    const char *factor[FACTOR_MAX] = {NULL};
    int dim[FACTOR_MAX] = {0};
    for (int f = 0; f < p->n_factors; f++) {
        factor[f] = p->factor[f].name;
        dim[f] = (int)p->factor[f].dim;
    }
    for (int k = 0; k < sites; k++) {
        const struct plan_site *s = &n->plan->site[k];
        for (int f = 0; f < p->n_factors; f++) {
            bool none = s->spare || s->control;
            text[k * FACTOR_MAX + f] = none ? "" : p->factor[f].text[s->level[f]];
            si[k * FACTOR_MAX + f] = none ? NAN : p->factor[f].si[s->level[f]];
        }
        site[k] = (struct results_site_plan){.site = s->site,
                                             .order = s->order,
                                             .x = s->x,
                                             .y = s->y,
                                             .region = s->region,
                                             .block = s->block,
                                             .spare = s->spare,
                                             .control = s->control,
                                             .level = text + k * FACTOR_MAX,
                                             .level_si = si + k * FACTOR_MAX};
    }
    struct results_plan r = {.run_id = "test",
                             .program = "seccm test",
                             .utc = "2000-01-01T00:00:00.000Z",
                             .seed = n->plan->seed,
                             .mode = "virtual",
                             .offset = p->offset,
                             .offset_uncertainty = p->offset_uncertainty,
                             .reference = p->reference,
                             .potential_sign = p->rig->potential_sign,
                             .current_sign = p->rig->current_sign,
                             .aperture = p->aperture,
                             .wetted = p->wetted,
                             .wetted_uncertainty = p->wetted_uncertainty,
                             .stage_id = n->rig->stage_id,
                             .pstat_id = n->rig->pstat_id,
                             .factor = factor,
                             .factor_dim = dim,
                             .n_factors = p->n_factors,
                             .site = site,
                             .n_sites = sites};
    n->file = results_create(n->path, &r, 1000000, &n->e);
    if (!n->file)
        fail_msg("results file: %s", n->e.text);
    free(site);
    free(text);
    free(si);
}

static inline void night_open(struct night *n, const struct night_spec *s)
{
    const char *base = getenv("TMPDIR");
    struct buf name = {0};
    *n = (struct night){.e = ERR_INIT, .end = RUN_FAULT};
    log_set_level(LOG_ERROR);
    buf_printf(&name, "%s/seccm-run-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(name.p));
    n->folder = name.p;
    n->path = in_folder(n->folder, "night.seccm");
    write_inputs(n->folder, s);
    make_plan(n);
    open_rig(n);
    create_file(n);
    n->options = (struct run_options){.quiet = true, .stop = &n->stop};
    n->t0 = loop_now(n->loop);
}

static inline double true_z(struct night *n, enum cell_mode *cell)
{
    double at[3];
    sim_rig_probe(n->sim, at, cell);
    return at[2] + SAMPLE_PLANE;
}

/* How far below the retracted height the probe may be where the run says that it is up, m. In closed loop: a
 * tolerance, and how far a read-back may be beside the truth. In open loop the run stops 0.5 um short, since
 * hysteresis and creep would carry it further, against the end of the travel. Where it stands: within ten
 * tolerances when it was looked at. A piezo without servo creeps on from either, in the simulation by 1 um a
 * decade of time from 0.1 s on, so 3 um in two minutes. None of it matters to what hangs below: the way from
 * a contact up is longer. */
#define UP_CLOSED_LOOP 50e-9
#define UP_OPEN_LOOP   0.52e-6
#define UP_STANDS      0.3e-6
#define CREEPS_ON      3.1e-6

static inline double night_top(const struct night *n)
{
    const char *up = n->counts.up ? n->counts.up : "";
    double below = strstr(up, "open loop") ? UP_OPEN_LOOP + CREEPS_ON
                   : strstr(up, "stands")  ? UP_STANDS + CREEPS_ON
                                           : UP_CLOSED_LOOP;
    return n->protocol->rig->z_retracted - below;
}

static inline void look(void *ctx)
{
    struct night *n = ctx;
    enum cell_mode cell;
    ns_t now = loop_now(n->loop);
    double z = true_z(n, &cell);
    if (isnan(n->z_at_from))
        n->z_at_from = n->z_low = z;
    if (z < n->z_low - 1e-10) {
        n->z_low = z;
        n->z_low_at = now;
    }
    if (cell == CELL_OPEN && !n->cell_off_at)
        n->cell_off_at = now;
    if (z > n->rig->config->z_retracted - 50e-9 && !n->up_at)
        n->up_at = now;
    timer_set(n->loop, &n->watch, now + NS_MS, look, n);
}

/* Watches the truth from `at` on. */
static inline void night_watch(struct night *n, ns_t at)
{
    n->watch_from = at;
    n->z_at_from = NAN;
    n->z_low_at = at;
    timer_set(n->loop, &n->watch, at, look, n);
}

static inline void night_run(struct night *n)
{
    struct err err = ERR_INIT;
    n->writer = writer_start(n->file, n->loop, &err);
    assert_non_null(n->writer);
    n->file = NULL;
    n->began = run_grid(n->rig, n->plan, n->writer, &n->options, &n->end, &n->counts, &n->e);
    n->t1 = loop_now(n->loop);
    timer_cancel(n->loop, &n->watch);
    n->stored = writer_stop(n->writer, &n->writer_error);
    n->seen = world_counters(sim_rig_world(n->sim));
    n->file = results_open(n->path, &err);
    assert_non_null(n->file);
}

/* Goes on with the same file, rig and sample, as `seccm resume` does. `before` is the caller's to free,
 * behind the run. */
static inline struct run_before *night_again(struct night *n)
{
    struct err err = ERR_INIT;
    struct run_before *before = xcalloc((size_t)plan_places(n->plan), sizeof *before);
    results_close(n->file, &err);
    n->file = results_open_write(n->path, &err);
    if (!n->file || !results_close_open_attempts(n->file, &err) ||
        !run_before_read(n->file, n->plan, n->accept, before, &err) ||
        !tip_health_read(n->file, &n->health, &err))
        fail_msg("resume: %s", err.text);
    n->options.health = n->health;
    run_air_read(n->file, &n->options.air);
    n->options.before = before;
    n->stop = 0;
    n->e = (struct err)ERR_INIT;
    n->end = RUN_FAULT;
    n->counts = (struct run_counts){0};
    night_run(n);
    tip_health_free(n->health);
    n->health = n->options.health = NULL;
    return before;
}

static inline void stop_now(void *ctx)
{
    ((struct night *)ctx)->stop = 1;
}

/* The operator stops the run at `at` of experiment time, s. */
static inline void night_stop_at(struct night *n, struct timer *t, double at)
{
    timer_set(n->loop, t, ns_from_s(at), stop_now, n);
}

/* Sites of the file; caller frees with results_sites_free(). */
static inline struct results_sites sites_of(const struct night *n)
{
    struct results_sites s;
    struct err err = ERR_INIT;
    assert_true(results_sites(n->file, &s, &err));
    return s;
}

/* Value of a feature of the last attempt of a site (index into s), NAN if there is none. */
static inline double site_feature(const struct results_sites *s, int k, const struct results_feature *f,
                                  int n, const char *name)
{
    for (int j = 0; j < n; j++)
        if (f[j].attempt == s->site[k].last_attempt && !strcmp(f[j].name, name) && !f[j].missing[0])
            return f[j].value;
    return NAN;
}

/* What the run said of a key of its table. */
static inline void assert_info(const struct night *n, const char *key, const char *wanted)
{
    char *text = results_info(n->file, key);
    if (!text || !strstr(text, wanted))
        fail_msg("%s is `%s`, without `%s`", key, text ? text : "", wanted);
    free(text);
}

static inline void night_close(struct night *n)
{
    struct err ignored = ERR_INIT;
    static const char *const made[] = {"night.seccm", "night.seccm-wal", "night.seccm-shm", "rig.yaml",
                                       "protocol.yaml"};
    results_close(n->file, &ignored);
    rig_close(n->rig);
    sim_rig_free(n->sim);
    loop_free(n->loop);
    plan_free(n->plan);
    protocol_free(n->protocol);
    diags_free(n->diags);
    for (size_t k = 0; k < sizeof made / sizeof made[0]; k++) {
        char *path = in_folder(n->folder, made[k]);
        unlink(path);
        free(path);
    }
    rmdir(n->folder);
    free(n->folder);
    free(n->path);
}

/* The attempts of a site; at most `max`. */
static inline int attempts_of(const struct night *n, int site, struct results_attempt *a, int max)
{
    struct err err = ERR_INIT;
    int k = results_attempts(n->file, site, a, max, &err);
    assert_true(k >= 0);
    return k;
}

/* The only attempt of a site. */
static inline struct results_attempt only_attempt(const struct night *n, int site)
{
    struct results_attempt a[8];
    assert_int_equal(attempts_of(n, site, a, 8), 1);
    return a[0];
}

#define ASSERT_OUTCOME(a, wanted)                                                                            \
    do {                                                                                                     \
        if ((a).outcome != (wanted))                                                                         \
            print_message("site %d: %s: %s (touched %s, flags %s)\n", (a).site, outcome_name((a).outcome),   \
                          (a).reason, touched_name((a).touched), (a).flags);                                 \
        assert_int_equal((a).outcome, (wanted));                                                             \
    } while (0)

/* S1-S7 from the sample's side. */
static inline void assert_unharmed_at(const struct night *n, const char *file, int line)
{
    const struct world_counters *c = &n->seen;
    if (!c->crashes && !c->drags && !c->wet_travel && !c->envelope && !c->cell_left_on && !c->open_circuit)
        return;
    print_message("%llu crashes, %llu drags, %llu wet travels, %llu envelope, %llu s cell left on, %llu open "
                  "circuits (longest %g s)\n",
                  (unsigned long long)c->crashes, (unsigned long long)c->drags,
                  (unsigned long long)c->wet_travel, (unsigned long long)c->envelope,
                  (unsigned long long)c->cell_left_on, (unsigned long long)c->open_circuit,
                  c->open_circuit_longest);
    _fail(file, line);
}
#define ASSERT_UNHARMED(n) assert_unharmed_at(n, __FILE__, __LINE__)

static inline void truth_of(const struct night *n, int site, double t_s, struct world_truth *t)
{
    const struct plan_site *s = &n->plan->site[site - 1];
    world_truth_at(sim_rig_world(n->sim), s->x, s->y, t_s, t);
}

#endif
