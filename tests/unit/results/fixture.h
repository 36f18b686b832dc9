/* What the tests of the results folder share: a temporary folder, a plan, and rows as an instrument sends
 * them. */
#ifndef SECCM_TEST_RESULTS_FIXTURE_H
#define SECCM_TEST_RESULTS_FIXTURE_H

#include <dirent.h>
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
#include "base/quantity.h"
#include "base/rng.h"
#include "results/results.h"
#include "results/writer.h"

/* SECCM_TEST_SEED repeats a run; otherwise every run is a new one. Printed. */
static inline uint64_t test_seed(void)
{
    const char *given = getenv("SECCM_TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 1000003u + (uint64_t)getpid();
    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}

static inline char *temp_folder(void)
{
    const char *base = getenv("TMPDIR");
    struct buf name = {0};
    buf_printf(&name, "%s/seccm-results-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(name.p));
    return name.p;
}

/* Number of entries; the names joined with spaces if wanted. */
static inline int folder_count(const char *folder, struct buf *names)
{
    int n = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *entry; (entry = readdir(d));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        n++;
        if (names)
            buf_printf(names, "%s ", entry->d_name);
    }
    closedir(d);
    return n;
}

static inline void remove_folder(char *folder)
{
    DIR *d = opendir(folder);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        struct buf name = {0};
        buf_printf(&name, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(name.p);
        buf_free(&name);
    }
    if (d)
        closedir(d);
    rmdir(folder);
    free(folder);
}

static inline char *path_in(const char *folder, const char *name)
{
    struct buf path = {0};
    buf_printf(&path, "%s/%s", folder, name);
    return path.p;
}

/* A plan of n sites with two factors; static storage. */
static inline const struct results_plan *test_plan(int n)
{
    static const char *const factor[] = {"cutoff", "sweeps"};
    static const int dim[] = {DIM_POTENTIAL, DIM_NONE};
    static const char *const level[2][2] = {{"0.05 V", "3"}, {"500 mV", "5"}};
    static const double level_si[2][2] = {{0.05, 3}, {0.5, 5}};
    static const char *const key[] = {"sample", "electrolyte"};
    static const char *const value[] = {"HOPG ZYB", "1 M LiPF6 in EC:EMC 3:7 \xc2\xb5"};
    static const unsigned char raw[] = {0, 1, 2, 255, 0, 10};
    static const struct results_input input[] = {{"protocol", "p.yaml", "seccm: 1\n", 9},
                                                 {"grid", "g/hex.yaml", raw, sizeof raw},
                                                 {"rig", "r.yaml", "", 0}};
    static struct results_site_plan site[4096];
    static struct results_plan plan;
    assert_in_range(n, 1, 4096);
    for (int i = 0; i < n; i++)
        site[i] = (struct results_site_plan){.site = i + 1,
                                             .order = n - i,
                                             .x = i * 3e-6,
                                             .y = -1e-7 * i,
                                             .region = i % 2 ? "patch" : "",
                                             .block = i / 10,
                                             .spare = i < 1,
                                             .level = level[i % 2],
                                             .level_si = level_si[i % 2]};
    plan = (struct results_plan){.run_id = "run-1",
                                 .program = "seccm 0.1.0",
                                 .utc = "2000-01-01T00:00:00.000Z",
                                 .seed = UINT64_MAX - 5,
                                 .mode = "virtual",
                                 .offset = 3.2,
                                 .offset_uncertainty = 0.1,
                                 .reference = "Li/Li+ by Ag QRCE",
                                 .potential_sign = -1,
                                 .current_sign = 1,
                                 .aperture = 400e-9,
                                 .wetted = 1.5,
                                 .wetted_uncertainty = NAN,
                                 .stage_id = "stage",
                                 .pstat_id = "pstat",
                                 .meta_key = key,
                                 .meta_value = value,
                                 .n_meta = 2,
                                 .factor = factor,
                                 .factor_dim = dim,
                                 .n_factors = 2,
                                 .site = site,
                                 .n_sites = n,
                                 .input = input,
                                 .n_inputs = 3};
    return &plan;
}

/* A voltammogram as a potentiostat sends it: 1 ms samples, 2 mV steps, i in steps of 1 fA with noise of
 * `sigma` fA on a wave; jitter of the reception in us. */
static inline void test_rows(struct wave_row *rows, int n, struct rng r, uint64_t index, double sigma,
                             double jitter)
{
    for (int k = 0; k < n; k++) {
        double phase = (double)(k % 4000) / 4000;
        double up = phase < 0.5 ? 2 * phase : 2 - 2 * phase;
        double wave = 3000 * exp(-pow((up - 0.4) * 12, 2)) * (phase < 0.5 ? 1 : -0.8) + 150 * up;
        rows[k] = (struct wave_row){
            .host_us = 5000000 + 1000 * (int64_t)k + llround(jitter * rng_normal(r, index, (uint64_t)k, 1)),
            .t = {k, -3},
            .e_raw = {-3200 + 2 * (int64_t)(up * 1000), -3},
            .i_raw = {llround(wave + sigma * rng_normal(r, index, (uint64_t)k, 2)), -15},
            .z_pm = 12345678,
            .cycle = 1 + k / 4000,
            .sweep = phase >= 0.5,
            .range = 3,
        };
    }
}

static inline void assert_rows_equal(const struct wave_row *a, const struct wave_row *b, int n)
{
    for (int k = 0; k < n; k++) {
        assert_true(a[k].host_us == b[k].host_us);
        assert_true(a[k].t.m == b[k].t.m && a[k].t.e == b[k].t.e);
        assert_true(a[k].e_raw.m == b[k].e_raw.m && a[k].e_raw.e == b[k].e_raw.e);
        assert_true(a[k].i_raw.m == b[k].i_raw.m && a[k].i_raw.e == b[k].i_raw.e);
        assert_true(a[k].z_pm == b[k].z_pm);
        assert_true(a[k].cycle == b[k].cycle && a[k].sweep == b[k].sweep);
        assert_true(a[k].range == b[k].range && a[k].status == b[k].status);
    }
}

static inline struct results_attempt test_attempt(int64_t id)
{
    return (struct results_attempt){.id = id,
                                    .outcome = OUTCOME_MEASURED,
                                    .reason = "",
                                    .touched = TOUCHED_YES,
                                    .last_step = "formation",
                                    .last_cycle = 3,
                                    .x = 1e-6,
                                    .y = 2e-6,
                                    .contact_z = 1.25e-5,
                                    .contact_current = -2.5e-12,
                                    .contact_charge = NAN,
                                    .break_distance = 3e-7,
                                    .blank_capacitance = 1e-12,
                                    .blank_capacitance_sd = 1e-14,
                                    .blank_conductance = 1e-13,
                                    .blank_conductance_sd = NAN,
                                    .blank_offset = 1e-14,
                                    .blank_offset_sd = 1e-15,
                                    .noise_rms = 2e-13,
                                    .blank_bias = 2.5,
                                    .end_s = 8.25,
                                    .flags = "meniscus-unverified",
                                    .fault = "underload"};
}

/* Hands over one complete site: intent, one step with n rows, outcome. false if the writer refuses. */
static inline bool hand_over_site(struct writer *w, int site, const struct wave_row *rows, int n)
{
    int64_t attempt, step;
    if (!writer_attempt_begin(w, site, 1, site * 1e-6, 0, site * 10.0, "2000-01-01T00:00:10.000Z", &attempt))
        return false;
    struct results_step s = {.attempt = attempt,
                             .site = site,
                             .index = 1,
                             .phase = "step",
                             .name = "formation",
                             .kind = "cv",
                             .gap_before = NAN,
                             .settings = "{\"rate\":1}"};
    struct results_attempt end = test_attempt(attempt);
    return writer_step_begin(w, &s, &step) && writer_rows(w, step, rows, n) &&
           writer_step_end(w, step, "done", 0.5, "held") && writer_attempt_end(w, &end);
}

/* Sites 1..k are complete with n rows each and equal to `rows`, all others untouched by data; returns k. */
static inline int check_prefix(struct results *r, const struct wave_row *rows, int n)
{
    struct err e = ERR_INIT;
    struct results_sites sites;
    int complete = 0;
    if (!results_sites(r, &sites, &e))
        fail_msg("%s", e.text);
    for (int i = 0; i < sites.n; i++)
        complete += sites.site[i].outcome == OUTCOME_MEASURED;
    for (int i = 0; i < sites.n; i++) {
        const struct results_site *s = &sites.site[i];
        assert_int_equal(s->outcome == OUTCOME_MEASURED, s->site <= complete);
        if (s->outcome != OUTCOME_MEASURED)
            continue;
        struct results_step *steps;
        struct wave_row *got;
        int n_steps, n_rows;
        assert_true(results_steps(r, s->last_attempt, &steps, &n_steps, &e));
        assert_int_equal(n_steps, 1);
        assert_true(results_rows(r, steps[0].id, &got, &n_rows, &e));
        assert_int_equal(n_rows, n);
        assert_rows_equal(got, rows, n);
        free(got);
        free(steps);
    }
    results_sites_free(&sites);
    return complete;
}

#endif
