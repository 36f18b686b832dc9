/* seccm rig check: who is there, what are the limits, and (when asked) which way does it move and is the
 * wiring right. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/cmd_rig.h"
#include "run/verify.h"

struct check_options {
    struct bench_options bench;
    bool move, safe_state, yes;
};

static bool ask(const char *question, bool yes)
{
    char line[16];
    printf("%s [y/n] ", question);
    fflush(stdout);
    if (yes) {
        printf("y (--yes)\n");
        return true;
    }
    return fgets(line, sizeof line, stdin) && (line[0] == 'y' || line[0] == 'Y');
}

static void print_identity(const struct rig *r)
{
    const struct rig_config *c = r->config;
    const char *nobody = "NOT identified";
    printf("rig           %s\nstage         %s\npotentiostat  %s\n", c->name,
           r->stage_id[0] ? r->stage_id : nobody, r->pstat_id[0] ? r->pstat_id : nobody);
    static const char axis[] = "xyz";
    for (int a = 0; a < AXIS_COUNT; a++)
        printf("envelope %c    %.3f .. %.3f um (controller's axis %s)\n", axis[a], c->limit[a][0] * 1e6,
               c->limit[a][1] * 1e6, c->axis[a]);
    printf("z             up is away from the sample; fully retracted at %.3f um; the controller's axis %s "
           "toward the "
           "sample\n",
           c->z_retracted * 1e6, c->toward_sample > 0 ? "rises" : "falls");
    if (c->coarse_axis)
        printf("coarse axis   %s lifts the head by %.1f um at %.1f um/s, in the safe state only, where z "
               "fails\n",
               c->coarse_axis, c->coarse_by * 1e6, c->coarse_speed * 1e6);
    printf("wiring        potential %+d, current %+d\napplied       %.3f .. %.3f V, at most %.4g nA\n",
           c->potential_sign, c->current_sign, c->e_limit[0], c->e_limit[1], c->i_limit * 1e9);
}

static bool print_position(const struct rig *r, struct err *e)
{
    double at[AXIS_COUNT];
    if (!stage_position(r->stage, at, e))
        return err_context(e, "position");
    printf("position      x %.3f  y %.3f  z %.3f um\n", at[AXIS_X] * 1e6, at[AXIS_Y] * 1e6, at[AXIS_Z] * 1e6);
    return true;
}

/* One small move that the operator confirms. */
static bool verify_one(struct rig *r, enum axis a, bool yes, struct err *e)
{
    double step;
    char question[96];
    if (!verify_axis(r, a, &step, e))
        return false;
    if (a == AXIS_Z)
        snprintf(question, sizeof question, "z: did the probe move %s the sample and come back?",
                 step > 0 ? "AWAY from" : "TOWARD");
    else
        snprintf(question, sizeof question, "%c: did the probe move along %c and come back?", "xy"[a],
                 "xy"[a]);
    return ask(question, yes) ||
           err_set(e, ERR_LIMIT, "not verified: correct `axes` or `toward-sample` in the rig file");
}

/* S5: small moves that the operator confirms, and the sign of the displacement current of a ramp in air. */
static bool verify(struct rig *r, bool yes, struct err *e)
{
    double capacitance;
    printf("\nThe probe must be far from the sample (more than 20 um) and the cell connected.\n");
    if (!ask("Is it?", yes))
        return err_set(e, ERR_LIMIT, "not verified: nothing was moved");
    if (!stage_servo_on(r->stage, e))
        return false;
    for (int a = AXIS_X; a < AXIS_COUNT; a++)
        if (!verify_one(r, (enum axis)a, yes, e))
            return false;
    if (!verify_wiring(r, &capacitance, e))
        return false;
    printf("wiring: a rising sample potential gives %+.4g pF of displacement current\n", capacitance * 1e12);
    if (!ask("potential sign: does a positive applied sample potential make the sample positive (checked "
             "once with a "
             "voltmeter or dummy cell)?",
             yes))
        return err_set(e, ERR_LIMIT, "not verified: correct `wiring` in the rig file");
    return rig_mark_verified(r, yes ? "by --yes" : "by the operator", e);
}

/* What came of each, and why not. */
static int print_safe(const struct verified_safe *s)
{
    bool safe = s->rung != RUNG_NONE && s->open;
    int status = 0;
    if (safe)
        printf("safe state    verified: %s, cell open\n", rung_name(s->rung));
    else
        printf("safe state    NOT verified: z is %s%s, the cell is %s\n",
               s->rung != RUNG_NONE ? rung_name(s->rung) : "NOT known to be up",
               s->rung != RUNG_NONE ? " (verified)" : "",
               s->open ? "open (verified)" : "NOT known to be open");
    fflush(stdout);
    if (s->pstat.code)
        status = options_fail(&s->pstat);
    if (s->stage.code)
        status = options_fail(&s->stage);
    return status;
}

static int identity(struct bench *b)
{
    struct err e = ERR_INIT;
    print_identity(b->rig);
    return !b->rig->stage_id[0] || print_position(b->rig, &e) ? 0 : options_fail(&e);
}

static int check(const struct rig_config *c, const struct check_options *o)
{
    struct err e = ERR_INIT, ignored = ERR_INIT;
    struct bench b;
    struct bench_options bo = o->bench;
    int status = 0;
    bo.partly = o->safe_state;
    if (!bench_open(&b, c, &bo, 0, c->e_limit, c->i_limit, &e))
        return options_fail(&e);
    if (o->safe_state) { /* first of all: nothing is asked for before that */
        struct verified_safe s;
        verify_safe_state(b.rig, &s);
        status = print_safe(&s);
    }
    int known = identity(&b);
    status = status ? status : known;
    if (o->move && !status && !verify(b.rig, o->yes, &e))
        status = options_fail(&e);
    printf("verified      %s\n",
           b.sim                                        ? "not needed (simulated in this process)"
           : b.replayed                                 ? "not needed (a transcript)"
           : !b.rig->stage_id[0] || !b.rig->pstat_id[0] ? "not known: not both instruments are"
           : bench_verified(&b, &ignored)               ? "yes"
                                                        : "no: run with --move before the first experiment");
    bench_close(&b, &e);
    return status;
}

int rig_check(const struct command *self, int argc, char **argv)
{
    const char *words[1];
    struct check_options o = {0};
    bool help;
    int n, status;
    const struct option options[] = {
        {"move", 0, OPTION_FLAG, &o.move, NULL,
         "small moves to be confirmed; stores that this rig is verified"},
        {"safe-state", 0, OPTION_FLAG, &o.safe_state, NULL,
         "stop, open the cell, retract, verify: of what answers, whatever becomes of the rest"},
        {"yes", 0, OPTION_FLAG, &o.yes, NULL, "answer every question with yes (simulated rigs, scripts)"},
        {"stage", 0, OPTION_TEXT, &o.bench.stage_link, "LINK", "another link, e.g. pty:/dev/pts/4"},
        {"potentiostat", 0, OPTION_TEXT, &o.bench.pstat_link, "LINK", "another link"},
        {"speed", 0, OPTION_NUMBER, &o.bench.speed, "K", "simulated rig only"},
        {"transcript", 0, OPTION_TEXT, &o.bench.transcript, "FILE", "record all traffic"},
    };
    struct err e = ERR_INIT;
    if (!options_parse(self, options, sizeof options / sizeof options[0], argc, argv, words, 1, &n, &help,
                       &e))
        return options_fail(&e);
    if (help)
        return 0;
    if (n == 0) {
        err_set(&e, ERR_USAGE, "rig check: which rig? (usage: seccm rig check %s)", self->usage);
        return options_fail(&e);
    }
    struct rig_config *c = rig_load_printed(words[0], &status);
    if (!c)
        return status;
    status = check(c, &o);
    rig_config_free(c);
    return status;
}
