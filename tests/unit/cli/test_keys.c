/* Every key of the language does something: for each, two runs on the simulated rig that differ by that key
 * only, and one number of the results file that must differ as the key says.
 *
 *   base protocol --(with: changes for both)--> A --(from -> to: the key)--> B
 *
 * The last test walks the tables that the parser reads by: a key without a row here fails it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/buf.h"
#include "base/log.h"
#include "cli/load.h"
#include "cli/session.h"

/* Change of a text that stands once in the base file; in `to` a first `+` keeps what was there. */
struct change {
    const char *from, *to;
};

enum how {
    SAME,   /* of B: the value is `lo` */
    RATIO,  /* B / A within lo and hi */
    DIFFER, /* B - A within lo and hi */
    TEXT,   /* of B: the text is `text`; not so in A */
    OTHER,  /* B and A are not equal, whatever they are */
    WARNED, /* `text` is in a warning of B, not of A */
    REFUSED /* B is refused at the desk with `text` in its error; A is not */
};

struct key {
    const char *key;       /* as `seccm help` has it */
    struct change with[5]; /* for both */
    struct change set;
    const char *look; /* SQL: one number or text */
    enum how how;
    double lo, hi;
    const char *text;
};

static const char protocol_text[] =
    "seccm: 1\n"
    "name: keys\n"
    "sample: {name: foil, note: fresh}\n"
    "electrolyte: LP57\n"
    "operator: Ada\n"
    "seed: 1\n"
    "probe: {id: P1, barrels: 1, aperture: 400 nm, wetted: 1.5, wetted-uncertainty: 0.5}\n"
    "reference: {electrode: Li/Li+ by Ag QRCE, offset: 3.2 V, uncertainty: 0.1 V}\n"
    "rig: rig.yaml\n"
    "grid: {grid: 1, shape: rectangle, columns: 2, rows: 2, pitch: 5 um, origin: {x: 10 um, y: 10 um}}\n"
    "limits: {potential: [0 V, 4 V], current: 5 nA}\n"
    "surface: {clearance: 2 um, peak: 1 um, sigma: 50 nm, drop: 200 nm}\n"
    "approach:\n"
    "  bias: 2 V\n"
    "  speed: 1 um/s\n"
    "  leash: 0.15 um\n"
    "  travel: 12 um\n"
    "  sample: 1 ms\n"
    "  contact: {signal: current, kind: transient, threshold: 3 pA, sigmas: 6}\n"
    "  confirm: 50 ms\n"
    "  ceiling: 5 nA\n"
    "retract: {bias: 2 V, detach: 1 um/s, then: 10 um/s, travel: 6 um}\n"
    "alive: {amplitude: 0.1 V, rate: 10 V/s, blank-rate: 10 V/s}\n"
    "site:\n"
    "  - hold: {name: first, potential: 3 V, for: 0.2 s, sample: 10 ms}\n"
    "  - cv: {name: formation, start: 3 V, vertices: [1 V, 3 V], rate: 5 V/s, cycles: 2, step: 10 mV}\n"
    "  - galvanostatic: {name: draw, current: -2 pA, until: {elapsed: 0.5 s}, sample: 10 ms, between: open}\n"
    "  - ocp: {name: last, for: 0.3 s, sample: 10 ms}\n"
    "analysis:\n"
    "  sei: {step: formation, window: [1.0 V, 1.5 V]}\n"
    "  wetting: {potential: 2.7 V}\n";

static const char rig_text[] =
    "rig: 1\n"
    "name: test bench\n"
    "stage: {driver: pi-gcs, link: simulated, baud: 115200, axes: {x: \"1\", y: \"2\", z: \"3\"},\n"
    "  toward-sample: -1, x: [0 um, 200 um], y: [0 um, 200 um], z: [0 um, 60 um],\n"
    "  retracted: 60 um, speed-xy: 50 um/s, speed-z: 20 um/s, tolerance: 20 nm}\n"
    "potentiostat: {driver: methodscript, model: nexus, link: simulated, baud: 921600}\n"
    "wiring: {potential: +1, current: +1}\n"
    "limits: {potential: [-4.5 V, 2.5 V], current: 100 nA}\n"
    "air: {stray: 1 pF, tolerance: 50 %, noise: 0.5 pA}\n"
    "simulate:\n"
    "  seed: 1\n"
    "  probe: {meniscus: {height: 200 nm, spread: 4 %}}\n"
    "  sample: {surface: {roughness: 5 nm}, sei: {charge: 1 mC/cm2}}\n";

/* A sample with a spot without current where the first site lands, and one with so many. */
#define INSULATING(n)                                                                                        \
    {                                                                                                        \
        "{surface: {roughness: 5 nm}, sei: {charge: 1 mC/cm2}}",                                             \
            "{surface: {roughness: 5 nm, insulating: {list: [" n "]}}}"                                      \
    }
/* A drop that spreads where the potential is low. */
#define SPREADS                                                                                              \
    {                                                                                                        \
        "sei: {charge: 1 mC/cm2}}", "wetting: {ratio: 1.5, spread: 0, low-below: 2 V, low-gain: 0.8, fast: " \
                                    "5 ms}, sei: {charge: 1 mC/cm2}}"                                        \
    }
#define SPOT(x, y) "{x: " #x " um, y: " #y " um, radius: 2 um}"
#define GRID       "grid: 1, shape: rectangle, columns: 2, rows: 2, pitch: 5 um, origin: {x: 10 um, y: 10 um}"
#define SITES(columns, rows)                                                                                 \
    {                                                                                                        \
        "columns: 2, rows: 2", "columns: " #columns ", rows: " #rows                                         \
    }
#define SHAPE(rest)                                                                                          \
    {                                                                                                        \
        "rectangle, columns: 2, rows: 2, pitch: 5 um", rest                                                  \
    }
#define IMAGE                                                                                                \
    {                                                                                                        \
        GRID, "grid: 1, shape: points, points: [[10, 10], [80, 30], [50, 90]], image: {fit: similarity, "    \
              "mirror: no, tolerance: 3 um, fiducials: [{image: [0, 0], stage: [10 um, 10 um]}, "            \
              "{image: [100, 0], stage: [60 um, 10 um]}, {image: [0, 100], stage: [12 um, 61 um]}]}"         \
    }
#define PLANE                                                                                                \
    {                                                                                                        \
        "pitch: 5 um", "pitch: 5 um, tilt: {points: [{x: 10 um, y: 10 um, z: 10 um}, "                       \
                       "{x: 90 um, y: 10 um, z: 12 um}, {x: 10 um, y: 90 um, z: 11 um}]}"                    \
    }
#define FACTORS(list)                                                                                        \
    {                                                                                                        \
        "analysis:\n", "vary: {factors: {" list "}}\nanalysis:\n"                                            \
    }
#define BEHIND(step)                                                                                         \
    {                                                                                                        \
        "- ocp: {name: last", step "\n  - ocp: {name: last"                                                  \
    }
#define LANDING                                                                                              \
    {                                                                                                        \
        "analysis:\n", "landing: {ocp: [-5 V, 5 V], for: 0.25 s, sample: 10 ms}\nanalysis:\n"                \
    }
/* a current that lasts: the film forms at 1.1 V */
#define FALLING                                                                                              \
    {                                                                                                        \
        "potential: 3 V, for", "potential: 1.1 V, for"                                                       \
    }
#define ALL(rest)                                                                                            \
    {                                                                                                        \
        "V, for: 0.2 s", "V, until: {all: {current: \"< 4 nA\", " rest "}}, for: 0.2 s"                      \
    }
#define BACK(until)                                                                                          \
    {                                                                                                        \
        "sample: 10 ms, between: open", "sample: 10 ms, reverse: {current: 2 pA, until: {" until "}}"        \
    }
#define DRAW_ALL(rest)                                                                                       \
    {                                                                                                        \
        "until: {elapsed: 0.5 s}", "until: {all: {" rest "}, elapsed: 2 s}"                                  \
    }
#define LSV   BEHIND("- lsv: {name: scan, start: 2 V, end: 1 V, rate: 2 V/s, step: 0.01 V}")
#define PULSE BEHIND("- pulse: {name: beat, potentials: [3 V, 2 V], for: 0.1 s, count: 3, sample: 10 ms}")
#define REST                                                                                                 \
    {                                                                                                        \
        "- galvanostatic: {name: draw",                                                                      \
            "- rest: {name: wait, for: 0.4 s, cell: hold, sample: 10 ms}\n  - galvanostatic: {name: draw"    \
    }
#define REPEAT                                                                                               \
    {                                                                                                        \
        "- galvanostatic: {name: draw",                                                                      \
            "- repeat: {name: loop, count: 3, until: {feature: soak.t_end, above: 9 s}, steps: [hold: "      \
            "{name: soak, potential: 2.9 V, for: 0.1 s}]}\n  - galvanostatic: {name: draw"                   \
    }
#define WHEN                                                                                                 \
    {                                                                                                        \
        "- galvanostatic: {name: draw",                                                                      \
            "- when: {name: if, feature: first.t_end, above: 10 ms, steps: [hold: {name: then, for: 0.1 s, " \
            "potential: 2.9 V}]}\n  - galvanostatic: {name: draw"                                            \
    }
#define NAMED                                                                                                \
    {"- ocp: {name: last", "- use: {step: one, as: x}\n  - use: two\n  - ocp: {name: last"},                 \
    {                                                                                                        \
        "analysis:\n", "steps: {one: {ocp: {for: 0.1 s}}, two: [{ocp: {name: b, for: 0.2 s}}]}\nanalysis:\n" \
    }
#define PATCH                                                                                                \
    {                                                                                                        \
        "{" GRID "}", "{grid: 1, regions: [{name: screen, shape: line, count: 4, pitch: 5 um, spares: 0, "   \
                      "origin: {x: 10 um, "                                                                  \
                      "y: 10 um}}, {name: reference, shape: line, count: 6, pitch: 5 um, spares: 0, "        \
                      "origin: {x: 10 um, y: 60 um}}]}"                                                      \
    }
#define CONTROL(what)                                                                                        \
    {                                                                                                        \
        "analysis:\n", "control: {patch: reference, " what "}\nanalysis:\n"                                  \
    }
#define ENOUGH                                                                                               \
    {                                                                                                        \
        "analysis:\n", "stop: {when: {feature: contact_z, half-width: 9 um, at-least: 6}}\nanalysis:\n"      \
    }
/* What an unhealthy probe would show: no contact any more, and a far larger drop. */
#define NO_CONTACT_FROM_11                                                                                   \
    INSULATING(SPOT(60, 10) ", " SPOT(65, 10) ", " SPOT(70, 10) ", " SPOT(75, 10) ", " SPOT(80, 10))
/* By a factor of 6 at once, or of 2.8: less than what is told at the second site. */
#define WIDER(gain)                                                                                          \
    {                                                                                                        \
        "{surface: {roughness: 5 nm}, sei: {charge: 1 mC/cm2}}",                                             \
            "{surface: {roughness: 5 nm}, edge-density: {mean: 0, spread: 0}, double-layer: "                \
            "{edge-gain: " gain "}, regions: [{name: r, x: 152 um, y: 10 um, width: 100 um, height: 9 um, "  \
            "edge-density: 1}]}"                                                                             \
    }
#define WIDER_FROM_20        WIDER("5")
#define LITTLE_WIDER_FROM_20 WIDER("1.8")
#define CONTROLS             "SELECT count(*) FROM site WHERE role = 'control' AND outcome = 'measured'"
#define STEP_NAMES(phase)    "SELECT max(name) FROM step WHERE phase = '" phase "'"
#define META(key)            "SELECT value FROM run WHERE key = '" key "'"
#define FEATURE(f, s)        "SELECT avg(value) FROM feature WHERE name = '" f "' AND step_name = '" s "'"
#define SAMPLES(s)           "SELECT sum(n) FROM waveform JOIN step USING (step) WHERE step.name = '" s "' AND site = 1"
#define LASTS(s)             "SELECT sum(n) FROM waveform JOIN step USING (step) WHERE step.name = '" s "' AND site = 2"
#define SETTING(s, key)                                                                                      \
    "SELECT json_extract(settings, '$." key "') FROM step WHERE name = '" s "' AND site = 1"
#define SETTING_AT(at, s, key)                                                                               \
    "SELECT json_extract(settings, '$." key "') FROM step WHERE name = '" s "' AND site = " #at
#define ORDER_OF_X "SELECT group_concat(round(x * 1e9), ' ') FROM (SELECT x FROM site ORDER BY visit)"
#define APPROACH_SECONDS                                                                                     \
    "SELECT avg(s) FROM (SELECT sum(n) * 1e-3 AS s FROM waveform JOIN step USING (step) WHERE phase = "      \
    "'approach' AND site > 1 GROUP BY step)"
#define HOP_SECONDS "SELECT avg(end_s - start_s) FROM attempt WHERE site > 1"
#define OUTCOMES    "SELECT group_concat(outcome, ' ') FROM (SELECT outcome FROM sites ORDER BY visit)"

#include "keys.h"

/* --- runs ---------------------------------------------------------------------------------------------- */

static char folder[128];

static char *path_of(const char *name)
{
    struct buf b = {0};
    buf_printf(&b, "%s/%s", folder, name);
    return b.p;
}

static void replace(struct buf *text, const char *key, const struct change *c, int *done)
{
    char *at = strstr(text->p, c->from);
    if (!at)
        return;
    if (strstr(at + 1, c->from))
        fail_msg("%s: `%s` stands more than once in the base file", key, c->from);
    struct buf out = {0};
    buf_add(&out, text->p, (size_t)(at - text->p));
    if (c->to[0] == '+')
        buf_str(&out, c->from);
    buf_str(&out, c->to + (c->to[0] == '+'));
    buf_str(&out, at + strlen(c->from));
    buf_free(text);
    *text = out;
    ++*done;
}

static void change_both(struct buf *protocol, struct buf *rig, const char *key, const struct change *c)
{
    int done = 0;
    replace(protocol, key, c, &done);
    replace(rig, key, c, &done);
    if (done != 1)
        fail_msg("%s: `%s` stands in %d of the base files", key, c->from, done);
}

static void write_text(const char *name, const char *text)
{
    char *path = path_of(name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    free(path);
}

/* Protocol and rig of A (b = false) or B. */
static void write_files(const struct key *k, bool b)
{
    struct buf protocol = {0}, rig = {0};
    buf_str(&protocol, protocol_text);
    buf_str(&rig, rig_text);
    for (size_t i = 0; i < sizeof k->with / sizeof k->with[0] && k->with[i].from; i++)
        change_both(&protocol, &rig, k->key, &k->with[i]);
    if (b)
        change_both(&protocol, &rig, k->key, &k->set);
    write_text("protocol.yaml", protocol.p);
    write_text("rig.yaml", rig.p);
    buf_free(&protocol);
    buf_free(&rig);
}

struct found {
    bool refused;
    char said[4096]; /* errors and warnings */
    double number;
    char text[512];
};

static void look_up(const struct key *k, const char *file, struct found *f)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    if (sqlite3_prepare_v2(db, k->look, -1, &s, NULL) != SQLITE_OK)
        fail_msg("%s: %s: %s", k->key, k->look, sqlite3_errmsg(db));
    bool row = sqlite3_step(s) == SQLITE_ROW;
    f->number = row && sqlite3_column_type(s, 0) != SQLITE_NULL ? sqlite3_column_double(s, 0) : NAN;
    const unsigned char *text = row ? sqlite3_column_text(s, 0) : NULL;
    snprintf(f->text, sizeof f->text, "%s", text ? (const char *)text : "(nothing)");
    sqlite3_finalize(s);
    sqlite3_close(db);
}

static void run_files(const struct key *k, struct found *f)
{
    char *protocol = path_of("protocol.yaml"), *file = path_of("out.seccm");
    struct diags *d = diags_new();
    struct err e = ERR_INIT;
    *f = (struct found){.number = NAN};
    struct protocol *p = protocol_load(protocol, &(struct protocol_options){0}, d, &e);
    struct plan *plan = p ? plan_make(p, d) : NULL;
    f->refused = !plan || !check_programs(plan, d);
    struct buf text = {0};
    diags_print(d, &text);
    snprintf(f->said, sizeof f->said, "%s%s", text.n ? text.p : "", e.text);
    buf_free(&text);
    if (!f->refused) {
        struct session_options o = {.bench = {.virtual_time = true}, .quiet = true};
        session_run(plan, file, &o);
        if (k->look)
            look_up(k, file, f);
    }
    unlink(file);
    if (plan)
        plan_free(plan);
    if (p)
        protocol_free(p);
    diags_free(d);
    free(protocol);
    free(file);
}

/* --- what must differ ---------------------------------------------------------------------------------- */

static bool as_said(const struct key *k, const struct found *a, const struct found *b)
{
    switch (k->how) {
    case SAME:
        return b->number == k->lo && a->number != k->lo;
    case RATIO:
        return b->number / a->number >= k->lo && b->number / a->number <= k->hi;
    case DIFFER:
        return b->number - a->number >= k->lo && b->number - a->number <= k->hi;
    case TEXT:
        return strcmp(b->text, k->text) == 0 && strcmp(a->text, k->text) != 0;
    case OTHER:
        return strcmp(a->text, b->text) != 0;
    case WARNED:
        return strstr(b->said, k->text) && !strstr(a->said, k->text);
    case REFUSED:
        return b->refused && strstr(b->said, k->text);
    }
    return false;
}

static void each_key_shows_in_the_results(void **unused)
{
    (void)unused;
    int wrong = 0;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct key *k = &keys[i];
        struct found a, b;
        write_files(k, false);
        run_files(k, &a);
        write_files(k, true);
        run_files(k, &b);
        bool ran = !a.refused && (k->how == REFUSED || !b.refused);
        if (ran && as_said(k, &a, &b))
            continue;
        wrong++;
        print_error("%s: %s\n  A: %.12g `%s`\n  B: %.12g `%s`\n%s%s", k->key, k->look ? k->look : "",
                    a.number, a.text, b.number, b.text, a.refused ? a.said : "", b.said);
    }
    print_message("%d keys\n", (int)(sizeof keys / sizeof keys[0]));
    assert_int_equal(wrong, 0);
}

/* --- completeness --------------------------------------------------------------------------------------- */

static bool has_row(const char *key)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(keys[i].key, key) == 0)
            return true;
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
        if (strcmp(elsewhere[i].key, key) == 0)
            return true;
    return false;
}

/* Maps are covered by their keys. Below regions[] and control.steps the tables of the grid and of the steps
 * read. */
static int walk(const struct fields *table, const char *path)
{
    int missing = 0;
    for (int i = 0; i < table->n; i++) {
        const struct field *f = &table->field[i];
        char key[200];
        bool each = f->kind == FIELD_LIST || f->form == NODE_STEPS || f->form == NODE_POINTS;
        snprintf(key, sizeof key, "%s%s%s", path, path[0] ? "." : "", f->key);
        bool leaf = !f->sub || strcmp(key, "grid.regions") == 0 || strcmp(key, "control.steps") == 0;
        if (leaf && !has_row(key)) {
            missing++;
            print_error("no row shows an effect of `%s`\n", key);
        }
        if (leaf)
            continue;
        snprintf(key + strlen(key), sizeof key - strlen(key), "%s",
                 each                      ? "[]"
                 : f->form == NODE_FACTORS ? ".NAME"
                                           : "");
        missing += walk(f->sub, key);
    }
    return missing;
}

static void no_key_is_without_a_row(void **unused)
{
    (void)unused;
    assert_int_equal(walk(&protocol_fields, ""), 0);
}

static int make_folder(void **unused)
{
    (void)unused;
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/seccm-keys-XXXXXX", base ? base : "/tmp");
    log_set_level(LOG_ERROR);
    if (!mkdtemp(folder))
        return -1;
    for (size_t i = 0; i < sizeof extra_files / sizeof extra_files[0]; i++)
        write_text(extra_files[i].name, extra_files[i].text);
    return 0;
}

static int remove_folder(void **unused)
{
    (void)unused;
    struct buf command = {0};
    buf_printf(&command, "rm -rf '%s'", folder);
    int status = system(command.p);
    buf_free(&command);
    return status;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_shows_in_the_results),
        cmocka_unit_test(no_key_is_without_a_row),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
