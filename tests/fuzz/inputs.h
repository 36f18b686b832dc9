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
#include "instrument/potentiostat.h"
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

/* ---- programs of a potentiostat ---- */

struct fuzz_bytes {
    const uint8_t *p;
    size_t n;
};

static inline int fuzz_byte(struct fuzz_bytes *b)
{
    if (b->n == 0)
        return 0;
    b->n--;
    return *b->p++;
}

/* Mostly a multiple of `unit` within reason, sometimes what no program should hold. */
static inline double fuzz_value(struct fuzz_bytes *b, double unit)
{
    static const double odd[] = {0, -1, NAN, INFINITY, -INFINITY, 1e308, 1e-308, 1e-3};
    int x = fuzz_byte(b);
    return x >= 248 ? odd[x - 248] : unit * (x - 8);
}

static inline void fuzz_until(struct fuzz_bytes *b, int segment, struct until *u)
{
    static const double unit[] = {20e-3, 20e-3, 10e-3, 1e-12, 1e-12, 1e-12, 1e-3, 0.1};
    int what = fuzz_byte(b);
    u->what = (enum until_what)(what % 8);
    u->all = what & 8;
    u->value = fuzz_value(b, unit[u->what]);
    u->of = segment - fuzz_byte(b) % 4;
    u->window = fuzz_value(b, 10e-3);
}

static inline void fuzz_segment(struct fuzz_bytes *b, int index, struct segment *s)
{
    int kind = fuzz_byte(b), flags = fuzz_byte(b);
    s->kind = (enum segment_kind)(kind % 5);
    s->open_ended = flags & 1;
    s->autorange = flags & 2;
    s->skips = flags & 1 && flags & 4 ? fuzz_byte(b) - 8 : 0;
    s->potential = s->start = fuzz_value(b, 20e-3);
    s->vertex[0] = fuzz_value(b, 20e-3);
    s->vertex[1] = flags & 8 ? fuzz_value(b, 20e-3) : s->start;
    s->rate = flags & 16 ? fuzz_value(b, 0.1) : 1;
    s->step = flags & 16 ? fuzz_value(b, 1e-3) : 5e-3;
    s->cycles = flags & 32 ? fuzz_byte(b) - 8 : 1;
    s->current = fuzz_value(b, 1e-12);
    s->duration = flags & 64 ? fuzz_value(b, 1) : 0.5;
    s->interval = flags & 64 ? fuzz_value(b, 1e-3) : 10e-3;
    s->i_full = flags & 128 ? fuzz_value(b, 1e-9) : 1e-9;
    s->i_ceiling = flags & 128 ? fuzz_value(b, 1e-9) : 0;
    s->e_low = -1;
    s->e_high = 3;
    s->n_until = fuzz_byte(b) % 16 - 6; /* none mostly, too many never read */
    if (s->n_until < 0 && s->n_until > -6)
        s->n_until = 0;
    for (int k = 0; k < s->n_until && k < UNTIL_MAX; k++)
        fuzz_until(b, index, &s->until[k]);
}

/* Declared once, and no more variables than a device holds. */
static inline int fuzz_declares(char names[64][8], int n, const char *line)
{
    char name[8];
    if (sscanf(line, "var %7[a-z0-9]", name) != 1 && sscanf(line, "array %7[a-z0-9]", name) != 1)
        return n;
    for (int k = 0; k < n; k++)
        FUZZ_CHECK(strcmp(names[k], name) != 0);
    FUZZ_CHECK(n < 64);
    strcpy(names[n], name);
    return n + 1;
}

/* What must hold for any script: no empty line within, none too long, blocks closed and not too deep, and a
 * measurement loop for each segment at most. */
static inline void fuzz_script(const struct buf *text, size_t most, const struct program *g)
{
    char names[64][8];
    int depth = 0, variables = 0, loops = 0;
    FUZZ_CHECK(text->n <= most && text->n > 2);
    FUZZ_CHECK(strstr(text->p, "\n\n") == text->p + text->n - 2);
    FUZZ_CHECK(!strstr(text->p, "nan") && !strstr(text->p, "inf"));
    for (const char *p = text->p; *p; p += strcspn(p, "\n") + 1) {
        bool measures = strncmp(p, "meas_loop", 9) == 0;
        FUZZ_CHECK(strcspn(p, "\n") < 256);
        variables = fuzz_declares(names, variables, p);
        depth += measures || strncmp(p, "loop ", 5) == 0 || strncmp(p, "if ", 3) == 0;
        depth -= strncmp(p, "endloop", 7) == 0 || strncmp(p, "endif", 5) == 0;
        loops += measures;
        FUZZ_CHECK(depth >= 0 && depth <= 16);
        FUZZ_CHECK(strncmp(p, "on_finished:", 12) != 0 || depth == 0);
    }
    FUZZ_CHECK(depth == 0 && loops >= 1 && loops <= g->n);
}

/* A program: refused with a reason, or written as a script that holds together. The first byte says which
 * model and wiring. */
static inline void fuzz_program(const uint8_t *bytes, size_t n)
{
    struct fuzz_bytes b = {bytes, n};
    struct err e = ERR_INIT;
    int setting = fuzz_byte(&b);
    struct potentiostat_config c = {.wiring = {setting & 4 ? -1 : 1, setting & 8 ? -1 : 1, 0.1},
                                    .model = potentiostat_model(potentiostat_model_names()[setting & 3]),
                                    .e_limit = {-6, 6},
                                    .i_limit = 1e-6};
    struct program *g = xcalloc(1, sizeof *g);
    while (b.n > 0 && g->n < PROGRAM_MAX) {
        fuzz_segment(&b, g->n, &g->segment[g->n]);
        g->n++;
    }
    struct loop *l = loop_new(LOOP_VIRTUAL, 1, &e);
    struct link *host, *far;
    link_memory_pair(l, 0, "potentiostat", &host, &far);
    struct dialogue *d = dialogue_new(host);
    struct potentiostat *p = potentiostat_driver("methodscript")->open(d, &c, &e);
    struct buf text = {0};
    if (potentiostat_compile(p, g, &text, &e)) {
        struct potentiostat_load load;
        fuzz_script(&text, c.model->script_max, g);
        FUZZ_CHECK(potentiostat_load(p, g, &load, &e) && load.text == text.n && load.rate > 0);
        for (int k = 0; k < g->n; k++)
            FUZZ_CHECK(isfinite(segment_seconds(&g->segment[k])) && segment_seconds(&g->segment[k]) > 0);
    } else {
        FUZZ_CHECK(text.n == 0 && e.text[0] && (e.code == ERR_INPUT || e.code == ERR_LIMIT));
    }
    buf_free(&text);
    potentiostat_close(p);
    dialogue_free(d);
    link_close(host);
    link_close(far);
    loop_free(l);
    free(g);
}

/* A valid input for fuzz_program(): segments of all kinds with conditions and gates that make sense. */
static inline void fuzz_program_seed(uint64_t seed, struct buf *out)
{
    struct rng r = rng_stream(seed, "fuzz.program");
    int n = 1 + (int)rng_below(r, 40, 0, 0);
    buf_char(out, (char)(seed & 12));
    for (int k = 0; k < n; k++) {
        uint64_t a = 20 * (uint64_t)k;
        int kind = (int)rng_below(r, 5, 1, a);
        int gate = kind == 0 || kind == 4 ? (int)rng_below(r, 4, 1, a + 1) == 0 : 0;
        buf_char(out, (char)kind);
        buf_char(out, (char)(gate ? 5 : 0));
        if (gate)
            buf_char(out, (char)(8 + rng_below(r, (uint64_t)(n - k), 1, a + 2)));
        buf_char(out, (char)(8 + rng_below(r, 20, 1, a + 3))); /* potential, start */
        buf_char(out, (char)(40 + rng_below(r, 20, 1, a + 4)));
        buf_char(out, (char)(9 + rng_below(r, 20, 1, a + 5))); /* current */
        bool condition = !gate && (kind == 0 || kind == 3 || kind == 4) && rng_below(r, 2, 1, a + 6);
        buf_char(out, (char)(condition ? 7 : 3));
        if (condition) {
            static const int what[5][3] = {{2, 4, 5}, {0}, {0}, {0, 2, 3}, {0, 1, 6}};
            buf_char(out,
                     (char)(what[kind][rng_below(r, 3, 1, a + 7)] | (rng_below(r, 2, 1, a + 8) ? 8 : 0)));
            buf_char(out, (char)(9 + rng_below(r, 50, 1, a + 9)));
            buf_char(out, 0);
            buf_char(out, (char)(9 + rng_below(r, 50, 1, a + 10)));
        }
    }
}

#endif
