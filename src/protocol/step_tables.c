/* What each kind of step may hold: one table per kind, read into one struct. */
#include "protocol/step_parts.h"

#include <string.h>

#define S(member)           offsetof(struct step, member)
#define VALUE(dim_, member) FIELD_VALUE, DIM_##dim_, S(member)
#define LIST(dim_, member)  FIELD_VALUES, DIM_##dim_, S(member)
#define COUNT_OF(member)    FIELD_COUNT, DIM_NONE, S(member)
#define NODE(member)        FIELD_NODE, DIM_NONE, S(member)
#define NAME_FIELD                                                                                           \
    {                                                                                                        \
        "name", FIELD_STRING, DIM_NONE, S(name), false, NULL, 0, 0, NULL, NULL, name_help                    \
    }
#define BETWEEN_FIELD                                                                                        \
    {                                                                                                        \
        "between", FIELD_CHOICE, DIM_NONE, S(between), false, "open", 0, 0, betweens, NULL, between_help     \
    }
#define GATE_FIELD                                                                                           \
    {                                                                                                        \
        "between", FIELD_CHOICE, DIM_NONE, S(between), false, "hold", 0, 0, betweens, NULL, gate_help        \
    }
#define SAMPLE_FIELD(fallback)                                                                               \
    {                                                                                                        \
        "sample", VALUE(TIME, interval), false, fallback, 10e-6, 3600, NULL, NULL, "time between samples"    \
    }
#define STEPS_FIELD(help)                                                                                    \
    {                                                                                                        \
        "steps", NODE(steps_node), true, NULL, 0, 0, NULL, NULL, help, NODE_STEPS                            \
    }
#define RATE_LEAST 1e-6
#define RATE_MOST  1000

static const char *const betweens[] = {"hold", "open", NULL};
static const char *const cells[] = {"open", "hold", NULL};
static const char *const missings[] = {"skip", "go", NULL};
static const char name_help[] = "name of the step in tables and features; kind and number if left out";
static const char between_help[] =
    "state of the cell that is wanted where a gap before this step can not be avoided, behind and before a "
    "constant current. No potentiostat of this version holds it there: hold is warned of and the gap is open";
static const char gate_help[] = "state of the cell while the condition is looked at: held at the potential "
                                "before, or open; behind a constant current or an open cell it is open";
static const char sampling_help[] = "time between samples, instead of `step`";
static const char step_help[] = "potential from one sample to the next";

static const struct field hold_table[] = {
    NAME_FIELD,
    {"potential", VALUE(POTENTIAL, potential), true, NULL, -20, 20, NULL, NULL, "potential that is held"},
    {"for", VALUE(TIME, duration), true, NULL, 1e-3, 1e6, NULL, NULL,
     "how long; with `until` at most so long"},
    {"until", NODE(until.node), false, NULL, 0, 0, NULL, &until_hold, "what ends the step earlier"},
    SAMPLE_FIELD("10 ms"),
    BETWEEN_FIELD,
};

static const struct field cv_table[] = {
    NAME_FIELD,
    {"start", VALUE(POTENTIAL, start), true, NULL, -20, 20, NULL, NULL, "potential at which it begins"},
    {"vertices", LIST(POTENTIAL, vertices), true, NULL, -20, 20, NULL, NULL,
     "turning points in their order; each cycle ends at the last one, and the next goes on from there to the "
     "first",
     .least = 2},
    {"end", VALUE(POTENTIAL, finish), false, NULL, -20, 20, NULL, NULL,
     "where it goes behind the last cycle; stays at the last vertex if left out"},
    {"rate", LIST(SCAN_RATE, rates), true, NULL, RATE_LEAST, RATE_MOST, NULL, NULL,
     "scan rate, of all cycles or one for each", .or_one = true},
    {"cycles", COUNT_OF(cycles), false, "1", 1, 100000, NULL, NULL, "number of cycles"},
    {"step", VALUE(POTENTIAL, step), false, "2 mV", 1e-6, 1, NULL, NULL, step_help},
    {"sample", VALUE(TIME, interval), false, NULL, 10e-6, 3600, NULL, NULL, sampling_help},
    BETWEEN_FIELD,
};

static const struct field lsv_table[] = {
    NAME_FIELD,
    {"start", VALUE(POTENTIAL, start), true, NULL, -20, 20, NULL, NULL, "potential at which it begins"},
    {"end", VALUE(POTENTIAL, finish), true, NULL, -20, 20, NULL, NULL, "potential at which it ends"},
    {"rate", VALUE(SCAN_RATE, rate), true, NULL, RATE_LEAST, RATE_MOST, NULL, NULL, "scan rate"},
    {"step", VALUE(POTENTIAL, step), false, "2 mV", 1e-6, 1, NULL, NULL, step_help},
    {"sample", VALUE(TIME, interval), false, NULL, 10e-6, 3600, NULL, NULL, sampling_help},
    BETWEEN_FIELD,
};

#define CURRENT_HELP "current, oxidation of the sample positive"
#define DENSITY_HELP "the same per area, of the spot that the probe is declared to wet; instead of `current`"

static const char *const current_or_density[] = {"current", "density", NULL};

static const struct field reverse_table[] = {
    {"current", VALUE(CURRENT, reverse_current), false, NULL, -1, 1, NULL, NULL, CURRENT_HELP},
    {"density", VALUE(CURRENT_DENSITY, reverse_density), false, NULL, -1e9, 1e9, NULL, NULL, DENSITY_HELP},
    {"until", NODE(reverse_until.node), true, NULL, 0, 0, NULL, &until_galvanostatic,
     "what ends it: whichever comes first"},
};
const struct fields reverse_fields = {.what = "`reverse`",
                                      .field = reverse_table,
                                      .n = sizeof reverse_table / sizeof reverse_table[0],
                                      .any_of = current_or_density};

static const struct field galvanostatic_table[] = {
    NAME_FIELD,
    {"current", VALUE(CURRENT, current), false, NULL, -1, 1, NULL, NULL, CURRENT_HELP},
    {"density", VALUE(CURRENT_DENSITY, density), false, NULL, -1e9, 1e9, NULL, NULL, DENSITY_HELP},
    {"until", NODE(until.node), true, NULL, 0, 0, NULL, &until_galvanostatic,
     "what ends the step, or its half before `reverse`: whichever comes first"},
    {"reverse", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &reverse_fields,
     "the second half of each cycle, with a current the other way"},
    {"cycles", COUNT_OF(cycles), false, "1", 1, 100000, NULL, NULL,
     "number of cycles of a current and its `reverse`"},
    SAMPLE_FIELD("10 ms"),
    BETWEEN_FIELD,
};

static const struct field ocp_table[] = {
    NAME_FIELD,
    {"for", VALUE(TIME, duration), true, NULL, 1e-3, 1e6, NULL, NULL,
     "how long; with `drift` at most so long"},
    {"drift", VALUE(DRIFT_POTENTIAL, drift), false, NULL, 1e-9, 1000, NULL, NULL,
     "ends it as soon as the potential has changed by less than this per time over the time `over`"},
    {"over", VALUE(TIME, over), false, "2 s", 1e-3, 1e5, NULL, NULL, "time over which the drift is taken"},
    SAMPLE_FIELD("10 ms"),
};

static const char *const potentials_or_currents[] = {"potentials", "currents", NULL};

static const struct field pulse_table[] = {
    NAME_FIELD,
    {"potentials", LIST(POTENTIAL, potentials), false, NULL, -20, 20, NULL, NULL,
     "levels of one pulse in their order"},
    {"currents", LIST(CURRENT, currents), false, NULL, -1, 1, NULL, NULL,
     "levels of one pulse as currents, 0 A among them for a pause; instead of `potentials`"},
    {"for", LIST(TIME, durations), true, NULL, 1e-4, 1e6, NULL, NULL,
     "how long each level lasts: one time for all, or one for each", .or_one = true},
    {"count", COUNT_OF(count), false, "1", 1, 100000, NULL, NULL, "number of pulses"},
    SAMPLE_FIELD("1 ms"),
    BETWEEN_FIELD,
};

static const struct field rest_table[] = {
    NAME_FIELD,
    {"for", VALUE(TIME, duration), true, NULL, 1e-3, 1e6, NULL, NULL, "how long"},
    {"cell", FIELD_CHOICE, DIM_NONE, S(cell), false, "open", 0, 0, cells, NULL,
     "open circuit, or held at the potential at which the step before ended"},
    SAMPLE_FIELD("100 ms"),
};

#define FEATURE_HELP                                                                                         \
    "feature of a step of this site, such as formation.q_sei@1; without @ that of the newest cycle"
#define BOUND_FIELDS                                                                                         \
    {"above", NODE(condition.above_node),    false,          NULL, 0, 0, NULL,                               \
     NULL,    "met if it is more than this", NODE_OF_FEATURE},                                               \
    {                                                                                                        \
        "below", NODE(condition.below_node), false, NULL, 0, 0, NULL, NULL, "met if it is less than this",   \
            NODE_OF_FEATURE                                                                                  \
    }

static const char *const above_or_below[] = {"above", "below", NULL};

static const struct field repeat_until_table[] = {
    {"feature", FIELD_STRING, DIM_NONE, S(condition.feature), true, NULL, 0, 0, NULL, NULL, FEATURE_HELP},
    BOUND_FIELDS,
};
static const struct fields repeat_until_fields = {.what = "`until` of a repeat",
                                                  .field = repeat_until_table,
                                                  .n = sizeof repeat_until_table /
                                                       sizeof repeat_until_table[0],
                                                  .any_of = above_or_below};

static const struct field repeat_table[] = {
    NAME_FIELD,
    {"count", COUNT_OF(count), true, NULL, 1, 100000, NULL, NULL, "how often, at most"},
    {"until", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &repeat_until_fields,
     "ends it behind the pass after which a feature meets this; without a value it goes on"},
    STEPS_FIELD("the steps of one pass; cycles of a step go on over the passes"),
    GATE_FIELD,
};

static const struct field when_table[] = {
    NAME_FIELD,
    {"feature", FIELD_STRING, DIM_NONE, S(condition.feature), true, NULL, 0, 0, NULL, NULL, FEATURE_HELP},
    BOUND_FIELDS,
    {"missing", FIELD_CHOICE, DIM_NONE, S(condition.missing), false, "skip", 0, 0, missings, NULL,
     "what to do if the feature has no value"},
    STEPS_FIELD("the steps that are played if the condition is met"),
    GATE_FIELD,
};

static const struct fields tables[STEP_KINDS] = {
    [STEP_HOLD] = FIELDS("the hold step", hold_table),
    [STEP_CV] = FIELDS("the cv step", cv_table),
    [STEP_LSV] = FIELDS("the lsv step", lsv_table),
    [STEP_GALVANOSTATIC] = {.what = "the galvanostatic step",
                            .field = galvanostatic_table,
                            .n = sizeof galvanostatic_table / sizeof galvanostatic_table[0],
                            .any_of = current_or_density},
    [STEP_OCP] = FIELDS("the ocp step", ocp_table),
    [STEP_PULSE] = {.what = "the pulse step",
                    .field = pulse_table,
                    .n = sizeof pulse_table / sizeof pulse_table[0],
                    .any_of = potentials_or_currents},
    [STEP_REST] = FIELDS("the rest step", rest_table),
    [STEP_REPEAT] = FIELDS("the repeat step", repeat_table),
    [STEP_WHEN] = {.what = "the when step",
                   .field = when_table,
                   .n = sizeof when_table / sizeof when_table[0],
                   .any_of = above_or_below},
};

#define KIND(name, kind, help)                                                                               \
    {                                                                                                        \
        name, FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &tables[kind], help                           \
    }

static const struct field site_table[] = {
    KIND("hold", STEP_HOLD, "keeps a potential (chronoamperometry)"),
    KIND("cv", STEP_CV, "cyclic voltammetry over any turning points"),
    KIND("lsv", STEP_LSV, "a single sweep of the potential"),
    KIND("galvanostatic", STEP_GALVANOSTATIC,
         "constant current until a condition, or charge and discharge in turn"),
    KIND("ocp", STEP_OCP, "open circuit, potential recorded"),
    KIND("pulse", STEP_PULSE, "levels of potential or current, over and over"),
    KIND("rest", STEP_REST, "nothing is done: the cell is left open, or held"),
    KIND("repeat", STEP_REPEAT,
         "steps over and over, a number of times or until a feature meets a condition"),
    KIND("when", STEP_WHEN, "steps that are played only if a feature meets a condition"),
    {"include", FIELD_STRING, DIM_NONE, 0, false, NULL, 0, 0, NULL, NULL,
     "steps from another file, {seccm: 1, steps: [...]}; its name is relative to the file that names it"},
    {"use", FIELD_NODE, DIM_NONE, S(steps_node), false, NULL, 0, 0, NULL, &use_fields,
     "a step, or steps, that `steps` at the top level gives a name to", NODE_NAME_OR_MAP},
};
const struct fields site_fields = FIELDS("a step of `site`", site_table);

const char *step_kind_name(enum step_kind k)
{
    return site_table[k].key;
}

const char *const *step_kind_names(void)
{
    static const char *names[sizeof site_table / sizeof site_table[0] + 1];
    for (size_t k = 0; k < sizeof site_table / sizeof site_table[0]; k++)
        names[k] = site_table[k].key;
    return names;
}

const struct fields *step_fields(enum step_kind k)
{
    return &tables[k];
}

bool name_is_plain(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (!text[0] || !strchr(letters, text[0]))
        return false;
    for (; *text; text++)
        if (!strchr(letters, *text) && !strchr("0123456789-_", *text))
            return false;
    return true;
}
