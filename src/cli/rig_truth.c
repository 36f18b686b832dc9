/* seccm rig truth: what the simulated sample really is, in the rig's own coordinates. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/cmd_rig.h"
#include "protocol/grid.h"

struct truth_options {
    double start, low, rate, window[2];
    int cycles;
    bool csv, contacts;
};

/* Stage coordinates (rig frame, m) of x, y to the sample's, and a height of the sample's back to the rig's.
 */
struct frame {
    struct sim_axis_map axis[AXIS_COUNT];
    int toward_sample;
};

static bool frame_of(const struct rig_config *c, const struct sim_rig *sim, struct frame *f, struct err *e)
{
    f->toward_sample = c->toward_sample;
    for (int a = 0; a < AXIS_COUNT; a++)
        if (!sim_rig_axis(sim, c->axis[a], &f->axis[a]))
            return err_set(e, ERR_INPUT, "the simulated stage has no axis \"%s\"", c->axis[a]);
    return true;
}

static void to_sample(const struct frame *f, double x, double y, double out[2])
{
    const double at[2] = {x, y};
    for (int a = 0; a < 2; a++)
        out[f->axis[a].world] = f->axis[a].offset + f->axis[a].direction * at[a];
}

static double to_rig_height(const struct frame *f, double z)
{
    double stage = (z - f->axis[AXIS_Z].offset) * f->axis[AXIS_Z].direction;
    return -f->toward_sample * stage;
}

static void header(const struct truth_options *o)
{
    const char *gap = o->csv ? "," : "  ";
    printf("x_um%sy_um%ssurface_z_um%scontact_z_um%sinsulating%sregion%sedge_density%swetted_um%ssei_mC_per_"
           "cm2%s"
           "sei_onset_V%scapacitance_uF_per_cm2%sactivity%scorrosion_V",
           gap, gap, gap, gap, gap, gap, gap, gap, gap, gap, gap, gap);
    for (int k = 1; k <= o->cycles; k++)
        printf("%sq_sei@%d_pC", gap, k);
    for (int k = 2; k <= o->cycles; k++)
        printf("%ssei_charge_ratio@%d", gap, k);
    putchar('\n');
}

static void row(const struct world *w, const struct frame *f, double x, double y,
                const struct truth_options *o)
{
    struct world_truth t;
    double at[2], q[64];
    const char *gap = o->csv ? "," : "  ";
    to_sample(f, x, y, at);
    world_truth_at(w, at[0], at[1], 0, &t);
    world_truth_cv(w, at[0], at[1], o->start, o->low, o->rate, o->cycles, o->window[0], o->window[1], q);
    printf("%.4f%s%.4f%s%.4f%s%.4f%s%s%s%d%s%.4f%s%.4f%s%.5f%s%.4f%s%.4f%s%.4f%s%.4f", x * 1e6, gap, y * 1e6,
           gap, to_rig_height(f, t.surface_z) * 1e6, gap, to_rig_height(f, t.contact_z) * 1e6, gap,
           t.insulating ? "yes" : "no", gap, t.region, gap, t.edge_density, gap, t.wetted_diameter * 1e6, gap,
           t.sei_charge_density * 0.1, gap, t.sei_onset, gap, t.capacitance * 100, gap, t.activity, gap,
           t.corrosion);
    for (int k = 0; k < o->cycles; k++)
        printf("%s%.5f", gap, q[k] * 1e12);
    for (int k = 1; k < o->cycles; k++)
        printf("%s%.5f", gap, q[k] / q[0]);
    putchar('\n');
}

/* The ledger: what flowed at the contacts of a run, per sweep. */
static void contacts(const struct world *w, const struct frame *f, const struct truth_options *o)
{
    printf("x_um,y_um,contact_z_um,t_s,wetted_um,residue_um,film_pC,sweep,direction,from_V,to_V,q_total_pC,q_"
           "sei_pC,"
           "q_sei_window_pC,q_host_pC\n");
    for (int k = 0; k < world_contact_count(w); k++) {
        struct world_contact_info c;
        struct world_sweep s;
        world_contact(w, k, &c);
        double at[2] = {c.x, c.y}, rig[2];
        for (int a = 0; a < 2; a++)
            rig[a] = (at[f->axis[a].world] - f->axis[a].offset) * f->axis[a].direction;
        for (int j = 0; j < c.sweeps && world_contact_sweep(w, k, j, o->window[0], o->window[1], &s); j++)
            printf("%.4f,%.4f,%.4f,%.3f,%.4f,%.4f,%.5f,%d,%s,%.4f,%.4f,%.5f,%.5f,%.5f,%.5f\n", rig[0] * 1e6,
                   rig[1] * 1e6, to_rig_height(f, c.contact_z) * 1e6, c.t_s, c.wetted_diameter * 1e6,
                   c.residue_diameter * 1e6, c.film_charge * 1e12, j + 1,
                   s.reducing ? "reducing" : "oxidising", s.e_from, s.e_to, s.q_total * 1e12, s.q_sei * 1e12,
                   s.q_sei_window * 1e12, s.q_host * 1e12);
    }
}

static bool print_grid(const struct world *w, const struct frame *f, const char *path,
                       const struct truth_options *o, struct err *e)
{
    struct diags *d = diags_new();
    struct source *s = source_read(path, 1 << 22, e);
    struct ytree *t = s ? ytree_parse(s, d) : NULL;
    struct grid *g = t ? grid_read(ytree_root(t), d) : NULL;
    struct buf text = {0};
    diags_print(d, &text);
    if (text.n)
        err_set(e, ERR_INPUT, "the grid has errors:\n%s", text.p);
    if (g) {
        struct grid_point *p;
        int n = grid_points(g, &p);
        header(o);
        for (int k = 0; k < n; k++)
            row(w, f, p[k].x, p[k].y, o);
        free(p);
    }
    bool ok = g != NULL;
    grid_free(g);
    ytree_free(t);
    buf_free(&text);
    diags_free(d);
    source_free(s);
    return ok;
}

static bool parse_at(const char *text, double *x, double *y, struct err *e)
{
    char first[64];
    const char *comma = strchr(text, ',');
    size_t n = comma ? (size_t)(comma - text) : 0;
    if (comma && n < sizeof first) {
        memcpy(first, text, n);
        first[n] = '\0';
        if (number_parse(first, x) && number_parse(comma + 1, y)) {
            *x *= 1e-6;
            *y *= 1e-6;
            return true;
        }
    }
    return err_set(e, ERR_USAGE, "rig truth: --at wants X,Y in um (stage coordinates), not `%s`", text);
}

static bool print_truth(const struct rig_config *c, const char *at, const char *grid, const char *state,
                        uint64_t seed, const struct truth_options *o, struct err *e)
{
    struct diags *d = diags_new();
    struct loop *l = loop_new(LOOP_VIRTUAL, 1, e);
    struct sim_rig *sim = l ? sim_rig_new(l, c->simulate, seed, d) : NULL;
    struct buf text = {0};
    struct frame f;
    double x, y;
    diags_print(d, &text);
    bool ok = sim || err_set(e, ERR_INPUT, "the rig's `simulate` part has errors:\n%s", text.p ? text.p : "");
    ok = ok && frame_of(c, sim, &f, e) && (!state || world_load(sim_rig_world(sim), state, e));
    if (ok && o->contacts) {
        contacts(sim_rig_world(sim), &f, o);
    } else if (ok && grid) {
        ok = print_grid(sim_rig_world(sim), &f, grid, o, e);
    } else if (ok && (ok = parse_at(at, &x, &y, e))) {
        header(o);
        row(sim_rig_world(sim), &f, x, y, o);
    }
    buf_free(&text);
    diags_free(d);
    sim_rig_free(sim);
    loop_free(l);
    return ok;
}

int rig_truth(const struct command *self, int argc, char **argv)
{
    const char *words[1], *at = NULL, *grid = NULL, *state = NULL;
    struct truth_options o = {.start = 3.0, .low = 0.05, .rate = 1, .window = {1.0, 1.5}};
    long seed = 0, cycles = 5;
    bool help;
    int n, status;
    const struct option options[] = {
        {"at", 0, OPTION_TEXT, &at, "X,Y", "one point, um, stage coordinates"},
        {"grid", 0, OPTION_TEXT, &grid, "GRID.yaml", "all points of a grid, spares included"},
        {"contacts", 0, OPTION_FLAG, &o.contacts, NULL,
         "what flowed at each contact so far (with --sample-state)"},
        {"sample-state", 0, OPTION_TEXT, &state, "FILE", "state of the sample, as a run left it"},
        {"csv", 0, OPTION_FLAG, &o.csv, NULL, "commas"},
        {"start", 0, OPTION_NUMBER, &o.start, "V", "voltammogram of the predicted SEI charges: start (3)"},
        {"low", 0, OPTION_NUMBER, &o.low, "V", "its lower vertex (0.05)"},
        {"rate", 0, OPTION_NUMBER, &o.rate, "V/s", "its rate (1)"},
        {"cycles", 0, OPTION_INT, &cycles, "N", "its cycles (5)"},
        {"window-low", 0, OPTION_NUMBER, &o.window[0], "V", "SEI window (1.0)"},
        {"window-high", 0, OPTION_NUMBER, &o.window[1], "V", "SEI window (1.5)"},
        {"sim-seed", 0, OPTION_INT, &seed, "N", "another sample"},
    };
    struct err e = ERR_INIT;
    if (!options_parse(self, options, sizeof options / sizeof options[0], argc, argv, words, 1, &n, &help,
                       &e))
        return options_fail(&e);
    if (help)
        return 0;
    o.cycles = (int)cycles;
    if (n == 0 || (!at && !grid && !o.contacts) || cycles < 1 || cycles > 64 || seed < 0 || !(o.rate > 0)) {
        err_set(&e, ERR_USAGE, "rig truth: usage: seccm rig truth %s (1 to 64 cycles, a positive rate)",
                self->usage);
        return options_fail(&e);
    }
    struct rig_config *c = rig_load_printed(words[0], &status);
    if (!c)
        return status;
    if (!c->simulate)
        err_set(&e, ERR_INPUT, "%s has no `simulate` part: only a simulated sample has a known truth",
                words[0]);
    else
        print_truth(c, at, grid, state, (uint64_t)seed, &o, &e);
    rig_config_free(c);
    return e.code ? options_fail(&e) : 0;
}
