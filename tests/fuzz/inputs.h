/* What arbitrary bytes are fed to: each function takes them as one kind of input, follows them as far as the
 * program would, and checks what must hold for any input. Shared by the libFuzzer programs and the unit test
 * that replays seeds with mutations. Run from the top folder, whose rigs and grids protocols name. */
#ifndef SECCM_TEST_FUZZ_INPUTS_H
#define SECCM_TEST_FUZZ_INPUTS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/rng.h"
#include "base/yaml.h"
#include "instrument/gcs_reply.h"
#include "instrument/ms_errors.h"
#include "instrument/ms_package.h"
#include "instrument/rig.h"
#include "protocol/play.h"
#include "results/waveform.h"

#define FUZZ_CHECK(condition)                                                                                \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                   \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

static inline void fuzz_print_plan(const struct plan *p)
{
    struct buf b = {0};
    plan_print(p, &b);
    buf_clear(&b);
    plan_json(p, &b);
    buf_clear(&b);
    plan_csv(p, &b);
    buf_clear(&b);
    plan_svg(p, &b);
    buf_free(&b);
}

/* What is played is as long as was counted, within what a program holds, in finite numbers, and gates lead to
 * places within it. */
static inline void fuzz_play(const struct plan *p)
{
    struct play play;
    play_make(p, p->combination[0].level, false, &play);
    FUZZ_CHECK(play.n > 0 && play.n <= PLAY_MAX);
    FUZZ_CHECK(play.n == play_count(p, p->combination[0].level, false));
    for (int k = 0; k < play.n; k++) {
        const struct segment *g = &play.leg[k].segment;
        FUZZ_CHECK(isfinite(play_seconds(&play.leg[k])) && play_samples(&play.leg[k]) >= 1);
        FUZZ_CHECK(g->skips >= 0 && k + g->skips < play.n && (g->skips > 0) == play.leg[k].gate);
        FUZZ_CHECK(g->kind != SEGMENT_HOLD || isfinite(g->potential));
    }
    play_free(&play);
}

/* A protocol file: read, checked, planned, the plan printed. No plan means that an error was told, a plan
 * that none was, and only finite numbers come through. */
static inline void fuzz_plan(const uint8_t *bytes, size_t n)
{
    struct source *s = source_from_text("examples/fuzz.yaml", "");
    buf_add(&s->bytes, bytes, n);
    struct diags *d = diags_new();
    struct err e = ERR_INIT;
    const struct protocol_options o = {.include_outside = true};
    struct protocol *p = protocol_read(s, &o, d, &e);
    struct plan *plan = p ? plan_make(p, d) : NULL;
    FUZZ_CHECK((plan != NULL) == (diags_errors(d) == 0));
    if (plan) {
        FUZZ_CHECK(plan->n_sites > 0);
        FUZZ_CHECK(isfinite(plan->seconds.total) && plan->seconds.total >= 0);
        for (int i = 0; i < plan->n_sites; i++)
            FUZZ_CHECK(isfinite(plan->site[i].x) && isfinite(plan->site[i].y));
        fuzz_play(plan);
        if (plan->n_sites <= 1000)
            fuzz_print_plan(plan);
    }
    plan_free(plan);
    protocol_free(p);
    struct buf told = {0};
    diags_print(d, &told);
    FUZZ_CHECK(plan || told.n > 0);
    buf_free(&told);
    diags_free(d);
}

/* A rig file. */
static inline void fuzz_rig(const uint8_t *bytes, size_t n)
{
    char path[64];
    int fd = memfd_create("rig", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct diags *d = diags_new();
    struct err e = ERR_INIT;
    struct rig_config *c = rig_load(path, d, &e);
    close(fd);
    FUZZ_CHECK((c != NULL) == (diags_errors(d) == 0 && e.code == ERR_NONE));
    if (c)
        FUZZ_CHECK(c->model && c->limit[AXIS_Z][0] <= c->limit[AXIS_Z][1]);
    rig_config_free(c);
    diags_free(d);
}

/* A stored chunk of a waveform; the first two bytes say of how many rows. What unpacks must pack again into
 * something that unpacks to the same. */
static inline void fuzz_waveform(const uint8_t *bytes, size_t n)
{
    if (n < 2)
        return;
    int rows = 1 + (bytes[0] | bytes[1] << 8) % 4096;
    struct wave_row *a = xcalloc((size_t)rows, sizeof *a), *b = xcalloc((size_t)rows, sizeof *b);
    struct err e = ERR_INIT;
    struct buf blob = {0};
    if (waveform_unpack(bytes + 2, n - 2, a, rows, &e)) {
        FUZZ_CHECK(waveform_pack(a, rows, &blob, &e));
        FUZZ_CHECK(waveform_unpack(blob.p, blob.n, b, rows, &e));
        for (int i = 0; i < rows; i++) {
            const struct wave_row *x = &a[i], *y = &b[i];
            FUZZ_CHECK(x->host_us == y->host_us && x->z_pm == y->z_pm && x->cycle == y->cycle);
            FUZZ_CHECK(x->sweep == y->sweep && x->range == y->range && x->status == y->status);
            double was[3] = {dec_value(x->t), dec_value(x->e_raw), dec_value(x->i_raw)};
            double is[3] = {dec_value(y->t), dec_value(y->e_raw), dec_value(y->i_raw)};
            for (int k = 0; k < 3; k++)
                FUZZ_CHECK(was[k] == is[k] || (isnan(was[k]) && isnan(is[k])));
        }
    } else {
        FUZZ_CHECK(e.code == ERR_INPUT && e.text[0]);
    }
    buf_free(&blob);
    free(a);
    free(b);
}

/* A valid input for fuzz_waveform(): rows of a noisy sweep as an instrument would send them. */
static inline void fuzz_waveform_seed(uint64_t seed, struct buf *out)
{
    struct rng r = rng_stream(seed, "fuzz.waveform");
    int n = 1 + (int)rng_below(r, 300, 0, 0);
    struct wave_row *rows = xcalloc((size_t)n, sizeof *rows);
    for (int i = 0; i < n; i++) {
        uint64_t k = (uint64_t)i;
        rows[i] = (struct wave_row){.host_us = 1000 * i + (int64_t)rng_below(r, 300, 1, k),
                                    .t = {i, -3},
                                    .e_raw = {3000 - 2 * i, -3},
                                    .i_raw = {(int64_t)(1e4 * rng_normal(r, 2, k, 0)), -18},
                                    .z_pm = rng_below(r, 10, 3, k) ? 5000000 + i : INT64_MIN,
                                    .cycle = 1 + i / 100,
                                    .sweep = (int16_t)(i / 50),
                                    .range = (uint16_t)rng_below(r, 3, 4, k),
                                    .status = (uint8_t)(rng_below(r, 50, 5, k) == 0)};
        if (rng_below(r, 40, 6, k) == 0)
            rows[i].i_raw = DEC_NAN;
    }
    buf_char(out, (char)((n - 1) & 0xFF));
    buf_char(out, (char)((n - 1) >> 8));
    struct err e = ERR_INIT;
    FUZZ_CHECK(waveform_pack(rows, n, out, &e));
    free(rows);
}

/* Lines that instruments send: GCS replies and MethodSCRIPT packages. */
static inline void fuzz_replies(const uint8_t *bytes, size_t n)
{
    char *text = xmalloc(n + 1);
    if (n)
        memcpy(text, bytes, n);
    text[n] = '\0';
    double value = 0;
    long number = 0;
    if (gcs_reply_value(text, "1", &value))
        FUZZ_CHECK(isfinite(value));
    gcs_reply_integer(text, &number);
    gcs_reply_has_line(text, "1");
    FUZZ_CHECK(ms_error_text(ms_error_code(text)));
    struct ms_package p;
    if (ms_package_parse(text, &p)) {
        FUZZ_CHECK(p.n >= 1 && p.n <= MS_VARS_MAX);
        for (int i = 0; i < p.n; i++)
            FUZZ_CHECK(dec_is_nan(p.var[i].value) || fabs(dec_value(p.var[i].value)) < 1e30);
    }
    free(text);
}

#endif
