/* A small results file as a run would have written it, for the tests of output: a hexagonal grid, one factor
 * in blocks, a voltammogram and a constant-current step per site, made up from formulas and seeded noise. The
 * sample's potential is the negative of the instrument's, plus an offset. */
#ifndef SECCM_TEST_OUTPUT_FIXTURE_H
#define SECCM_TEST_OUTPUT_FIXTURE_H

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "analysis/site_features.h"
#include "base/quantity.h"
#include "base/rng.h"
#include "results/writer.h"

#define FIXTURE_LEVELS 3
#define FIXTURE_SPARES 4

struct fixture {
    char folder[64];
    char path[128];
    int n_sites;   /* planned */
    double e_step; /* V per sample */
    int cycles;
    uint64_t seed;
    int interrupted;   /* site whose first attempt was interrupted and that a spare stands for; 0 = none */
    int no_contact;    /* site without contact; 0 = none */
    int unverified;    /* site flagged so; 0 = none */
    int visited;       /* sites visited, 0 = all */
    int pause_before;  /* an hour of pause before this site; 0 = none */
    const char *name;  /* of the run; NULL = a plain one */
    int control_every; /* each so many-th site is a spot for controls; 0 = none */
    bool regions;      /* the first half of the sites lies in `west`, the rest in `east` */
    double corrupt;    /* A added to one sample of site 2: for diff */
};

static const char *const fixture_text[FIXTURE_LEVELS] = {"1.0 V", "0.5 V", "0.05 V"};
static const double fixture_si[FIXTURE_LEVELS] = {1.0, 0.5, 0.05};

static void fixture_init(struct fixture *f)
{
    *f = (struct fixture){
        .n_sites = 12, .e_step = 0.02, .cycles = 3, .seed = 7, .no_contact = 5, .unverified = 8};
    snprintf(f->folder, sizeof f->folder, "/tmp/seccm-output-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/a.seccm", f->folder);
}

static void fixture_remove(struct fixture *f)
{
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
    assert_int_equal(system(command), 0);
}

static int fixture_level(const struct fixture *f, int site)
{
    /* Shuffled within blocks of three. */
    int order[FIXTURE_LEVELS] = {0, 1, 2};
    rng_shuffle(rng_stream(f->seed, "fixture.levels"), (uint64_t)((site - 1) / FIXTURE_LEVELS), order,
                FIXTURE_LEVELS);
    return order[(site - 1) % FIXTURE_LEVELS];
}

static void fixture_place(const struct fixture *f, int site, double *x, double *y)
{
    int across = (int)ceil(sqrt(f->n_sites)), row = (site - 1) / across, column = (site - 1) % across;
    if (row % 2)
        column = across - 1 - column;
    *x = (column + 0.5 * (row % 2)) * 5e-6;
    *y = row * 5e-6 * 0.866;
}

/* --- made-up electrochemistry -------------------------------------------------------------------------- */

struct fixture_spot {
    double area, film; /* relative */
    double noise;      /* A */
    uint64_t site;
};

static struct fixture_spot fixture_spot(const struct fixture *f, int site)
{
    struct rng r = rng_stream(f->seed, "fixture.spot");
    double x, y;
    fixture_place(f, site, &x, &y);
    return (struct fixture_spot){.area = exp(0.15 * rng_normal(r, (uint64_t)site, 0, 0)),
                                 .film = exp(0.2 * rng_normal(r, (uint64_t)site, 1, 0)) *
                                         (1 + 0.4 * sin(x * 1.2e5)),
                                 .noise = 0.05e-12,
                                 .site = (uint64_t)site};
}

/* Sample current (A) at potential e moving at dedt in a cycle: capacitor, leak and a reduction that fades. */
static double fixture_current(const struct fixture_spot *s, double e, double dedt, int cycle, double lower,
                              int sample)
{
    double red = dedt < 0 ? -6e-12 * s->film * exp(-pow((e - 0.9) / 0.18, 2)) * pow(0.35, cycle - 1) : 0;
    double ox = dedt > 0 && lower < 0.3 ? 1.2e-12 * exp(-pow((e - 0.35) / 0.1, 2)) : 0;
    double noise =
        s->noise * rng_normal(rng_stream(1, "fixture.noise"), s->site, (uint64_t)cycle, (uint64_t)sample);
    return (1e-12 + 0.03e-12 * s->area) * dedt + 0.05e-12 * (e - 2.5) + s->area * (red + ox) + noise;
}

static struct wave_row fixture_row(double t, double e, double i, int cycle, int sweep)
{
    return (struct wave_row){.host_us = (int64_t)llround(t * 1e6) + 900,
                             .t = dec_from(t, -6),
                             .e_raw = dec_from(-(e - 3.2), -5),
                             .i_raw = dec_from(-i, -16),
                             .z_pm = 4200000 + 17,
                             .cycle = cycle,
                             .sweep = (int16_t)sweep,
                             .range = 3};
}

static int fixture_cv(const struct fixture *f, const struct fixture_spot *s, double lower, double t0,
                      struct wave_row *row)
{
    int n = 0, half = (int)lround((3.0 - lower) / f->e_step);
    for (int c = 1; c <= f->cycles; c++)
        for (int k = 0; k < 2 * half; k++) {
            double e = k < half ? 3.0 - k * f->e_step : lower + (k - half) * f->e_step,
                   rate = k < half ? -1 : 1;
            row[n] = fixture_row(t0 + n * f->e_step, e, fixture_current(s, e, rate, c, lower, k), c,
                                 k < half ? 0 : 1);
            n++;
        }
    return n;
}

static int fixture_cp(const struct fixture_spot *s, double lower, double t0, struct wave_row *row)
{
    int n = 0;
    for (double e = 3.0; e > lower && n < 400; n++) {
        double t = n * 0.02;
        e = 3.0 - 1.6 * (1 - exp(-t / 0.4)) - 0.18 * t / s->film + (t > 3 ? -1.2 * (t - 3) : 0);
        row[n] = fixture_row(t0 + t, fmax(e, lower - 0.01), -2e-12 * s->area, 1, 0);
    }
    return n;
}

/* --- the file ------------------------------------------------------------------------------------------ */

static void fixture_step(struct writer *w, int64_t attempt, int site, int index, const char *phase,
                         const char *name, const char *kind, const char *settings,
                         const struct wave_row *rows, int n, const char *ended_by)
{
    struct results_step s = {
        .attempt = attempt, .site = site, .index = index, .gap_before = index ? 0.004 : 0};
    snprintf(s.phase, sizeof s.phase, "%s", phase);
    snprintf(s.name, sizeof s.name, "%s", name);
    snprintf(s.kind, sizeof s.kind, "%s", kind);
    snprintf(s.settings, sizeof s.settings, "%s", settings);
    int64_t id;
    assert_true(writer_step_begin(w, &s, &id));
    assert_true(writer_rows(w, id, rows, n));
    assert_true(writer_step_end(w, id, ended_by, s.gap_before, index ? "held" : ""));
}

static void fixture_attempt_end(struct writer *w, const struct fixture *f, int site, int64_t attempt,
                                enum outcome o, const char *reason, double start)
{
    double x, y;
    fixture_place(f, site, &x, &y);
    bool contact = o == OUTCOME_MEASURED;
    struct results_attempt a = {.id = attempt,
                                .site = site,
                                .number = 1,
                                .outcome = o,
                                .touched = contact                   ? TOUCHED_YES
                                           : o == OUTCOME_NO_CONTACT ? TOUCHED_NO
                                                                     : TOUCHED_POSSIBLY,
                                .x = x,
                                .y = y,
                                .contact_z = contact ? 4.2e-6 + 0.02 * x + 0.01 * y : NAN,
                                .contact_current = contact ? 6.1e-12 : NAN,
                                .contact_charge = contact ? 5.8e-15 : NAN,
                                .break_distance = contact ? 0.7e-6 : NAN,
                                .blank_capacitance = 1e-12,
                                .blank_capacitance_sd = 1e-16,
                                .blank_conductance = 0.05e-12,
                                .blank_conductance_sd = 1e-16,
                                .blank_offset = 0,
                                .blank_offset_sd = 1e-15,
                                .noise_rms = 0.05e-12,
                                .blank_bias = 2.5,
                                .start_s = start,
                                .end_s = start + 14};
    snprintf(a.reason, sizeof a.reason, "%s", reason);
    snprintf(a.last_step, sizeof a.last_step, "%s", contact ? "plating" : "");
    a.last_cycle = contact ? 1 : 0;
    if (site == f->unverified)
        snprintf(a.flags, sizeof a.flags, "meniscus-unverified");
    assert_true(writer_attempt_end(w, &a));
}

static void fixture_measure(struct writer *w, const struct fixture *f, int site, int root, int64_t attempt,
                            double start)
{
    struct fixture_spot s = fixture_spot(f, site);
    double lower = fixture_si[fixture_level(f, root)];
    char settings[256];
    struct wave_row *rows = calloc((size_t)(f->cycles * 2 * 3.2 / f->e_step) + 1000, sizeof *rows);
    int n = 0;
    for (; n < 20; n++)
        rows[n] = fixture_row(start + n * 0.002, 2.5, fixture_current(&s, 2.5, 0, 0, 1, n), 1, 0);
    fixture_step(w, attempt, site, 0, "approach", "approach", "hold",
                 "{\"potential\":2.5,\"interval\":0.002}", rows, n, "host");
    n = fixture_cv(f, &s, lower, start + 1, rows);
    if (site == 2 && f->corrupt != 0)
        rows[10].i_raw = dec_from(dec_value(rows[10].i_raw) + f->corrupt, -16);
    rows[3].status = TRACE_TIMING;
    snprintf(
        settings, sizeof settings,
        "{\"start\":3,\"vertex0\":%g,\"vertex1\":3,\"rate\":1,\"step\":%g,\"cycles\":%d,\"interval\":%g}",
        lower, f->e_step, f->cycles, f->e_step);
    fixture_step(w, attempt, site, 1, "step", "formation", "cv", settings, rows, n, "completed");
    n = fixture_cp(&s, lower, start + 20, rows);
    fixture_step(w, attempt, site, 2, "step", "plating", "galvanostatic",
                 "{\"current\":-2e-12,\"interval\":0.02,\"duration\":20}", rows, n, "potential below");
    free(rows);
}

static void fixture_event(struct writer *w, double t, int site, const char *kind, const char *text)
{
    struct results_event ev = {.t_s = t, .site = site};
    snprintf(ev.utc, sizeof ev.utc, "2000-01-01T00:%02d:%02d.000Z", (int)t / 60 % 60, (int)t % 60);
    snprintf(ev.kind, sizeof ev.kind, "%s", kind);
    snprintf(ev.text, sizeof ev.text, "%s", text);
    assert_true(writer_event(w, &ev));
}

static void fixture_visit(struct writer *w, const struct fixture *f, int site, int root, int order)
{
    int64_t attempt;
    char utc[48];
    double x, y, start = 15.0 * (order - 1) + 2;
    start += f->pause_before && order >= f->pause_before ? 3600 : 0;
    fixture_place(f, site, &x, &y);
    snprintf(utc, sizeof utc, "2000-01-01T%02d:%02d:%02d.000Z", (int)start / 3600, (int)start / 60 % 60,
             (int)start % 60);
    assert_true(writer_attempt_begin(w, site, 1, x, y, start, utc, &attempt));
    if (site == f->no_contact) {
        fixture_attempt_end(w, f, site, attempt, OUTCOME_NO_CONTACT, "travel used up", start);
        fixture_event(w, start + 9, site, "warning", "no contact within 12 um");
        return;
    }
    if (site == f->interrupted) {
        fixture_attempt_end(w, f, site, attempt, OUTCOME_INTERRUPTED, "the run ended here", start);
        return;
    }
    fixture_measure(w, f, site, root, attempt, start);
    fixture_attempt_end(w, f, site, attempt, OUTCOME_MEASURED, "", start);
}

static void fixture_spares(struct writer *w, const struct fixture *f)
{
    int spare = f->n_sites + 1;
    const int lost[] = {f->no_contact, f->interrupted};
    for (int k = 0; k < 2; k++)
        if (lost[k] && (k == 0 || lost[k] != lost[0])) {
            assert_true(writer_spare(w, spare, lost[k], lost[k]));
            fixture_visit(w, f, spare, lost[k], spare);
            spare++;
        }
}

static struct results *fixture_create(const struct fixture *f, struct err *e)
{
    static const char *const factor[] = {"cutoff"};
    static const int dim[] = {DIM_POTENTIAL};
    static const char *const none[] = {""};
    static const double nothing[] = {NAN};
    int n = f->n_sites + FIXTURE_SPARES;
    struct results_site_plan *site = calloc((size_t)n, sizeof *site);
    for (int k = 0; k < n; k++) {
        bool spare = k >= f->n_sites;
        bool control = !spare && f->control_every && (k + 1) % f->control_every == 0;
        int level = fixture_level(f, k + 1);
        site[k] = (struct results_site_plan){.site = k + 1,
                                             .order = k + 1,
                                             .region = !f->regions          ? ""
                                                       : k < f->n_sites / 2 ? "west"
                                                                            : "east",
                                             .block = spare ? 0 : k / FIXTURE_LEVELS + 1,
                                             .spare = spare,
                                             .control = control,
                                             .level = spare || control ? none : &fixture_text[level],
                                             .level_si = spare || control ? nothing : &fixture_si[level]};
        fixture_place(f, k + 1, &site[k].x, &site[k].y);
    }
    static const char *const key[] = {"name",
                                      "sample",
                                      "electrolyte",
                                      "probe",
                                      "analysis_sei_step",
                                      "analysis_sei_low",
                                      "analysis_sei_high"};
    const char *const value[] = {f->name ? f->name : "SEI formation on HOPG",
                                 "HOPG ZYB",
                                 "1 M LiPF6 in EC:EMC 3:7",
                                 "P17",
                                 "formation",
                                 "1",
                                 "1.5"};
    const struct results_input input = {"protocol", "sei.yaml", "seccm: 1\n", 9};
    const struct results_plan plan = {.run_id = "2000-01-01-0badcafe",
                                      .program = "seccm test",
                                      .utc = "2000-01-01T00:00:00.000Z",
                                      .seed = f->seed,
                                      .mode = "virtual",
                                      .offset = 3.2,
                                      .offset_uncertainty = 0.1,
                                      .reference = "Li/Li+ by Ag QRCE",
                                      .potential_sign = -1,
                                      .current_sign = -1,
                                      .aperture = 4e-7,
                                      .wetted = 1.5,
                                      .wetted_uncertainty = 0.5,
                                      .stage_id = "stage E-727",
                                      .pstat_id = "potentiostat",
                                      .meta_key = key,
                                      .meta_value = value,
                                      .n_meta = 7,
                                      .factor = factor,
                                      .factor_dim = dim,
                                      .n_factors = 1,
                                      .site = site,
                                      .n_sites = n,
                                      .input = &input,
                                      .n_inputs = 1};
    struct results *r = results_create(f->path, &plan, 0, e);
    free(site);
    return r;
}

/* Computes and stores the features, as `seccm features --recompute` does. */
static void fixture_features(const struct fixture *f)
{
    struct err e = ERR_INIT;
    struct results *r = results_open_write(f->path, &e);
    struct analysis_settings s;
    assert_non_null(r);
    analysis_settings_default(&s);
    analysis_settings_probe(&s, r);
    snprintf(s.sei_step, sizeof s.sei_step, "formation");
    s.sei_window[0] = 1.0;
    s.sei_window[1] = 1.5;
    assert_true(features_recompute(r, &s, &e));
    assert_true(results_close(r, &e));
}

static void fixture_write(const struct fixture *f)
{
    struct err e = ERR_INIT;
    struct loop *l = loop_new(LOOP_VIRTUAL, 1, &e);
    struct results *r = fixture_create(f, &e);
    if (!r)
        fail_msg("%s", e.text);
    struct writer *w = writer_start(r, l, &e);
    assert_non_null(w);
    fixture_event(w, 0, 0, "state", "running");
    int visited = f->visited ? f->visited : f->n_sites;
    for (int site = 1; site <= visited; site++) {
        fixture_visit(w, f, site, site, site);
        if (site % 8 == 0)
            assert_true(writer_barrier(w, &e));
    }
    if (!f->visited)
        fixture_spares(w, f);
    writer_info(w, "state", f->visited ? "interrupted" : "finished");
    writer_info(w, "sim.contacts", "12");
    writer_info(w, "sim.crashes", "0");
    if (!writer_stop(w, &e))
        fail_msg("%s", e.text);
    loop_free(l);
    fixture_features(f);
}

#endif
