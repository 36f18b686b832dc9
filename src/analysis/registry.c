/* The one table of features. */
#include "analysis/registry.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"

#define SITE(name, unit, dim, description, method)                                                           \
    {                                                                                                        \
        name, unit, DIM_##dim, FEATURE_SITE, false, false, {NULL}, NULL, description, method                 \
    }
#define WET(name, unit, dim, description, method)                                                            \
    {                                                                                                        \
        name, unit, DIM_##dim, FEATURE_SITE, true, false, {NULL}, NULL, description, method, true            \
    }
#define STEP(name, unit, dim, extensive, description, method)                                                \
    {                                                                                                        \
        name, unit, DIM_##dim, FEATURE_STEP, extensive, false, {NULL}, NULL, description, method             \
    }
#define CYCLE(name, unit, dim, extensive, description, method)                                               \
    {                                                                                                        \
        name, unit, DIM_##dim, FEATURE_CYCLE, extensive, false, {NULL}, NULL, description, method            \
    }
#define BACK CYCLE
/* One level of a pulse. */
#define LEVEL(k)                                                                                             \
    CYCLE("i_end_" #k, "A", CURRENT, true, "Current at the end of level " #k " of a pulse.",                 \
          "mean of the last tenth, as recorded"),                                                            \
        CYCLE("e_end_" #k, "V", POTENTIAL, false, "Potential at the end of level " #k " of a pulse.",        \
              "mean of the last tenth"),                                                                     \
        CYCLE("charge_" #k, "C", CHARGE, true, "Charge of level " #k " of a pulse.",                         \
              "sum of samples times interval, as recorded")
#define WET_CYCLE(name, unit, dim, description, method)                                                      \
    {                                                                                                        \
        name, unit, DIM_##dim, FEATURE_CYCLE, true, false, {NULL}, NULL, description, method, true           \
    }
#define ON_AREA(name, unit, dim, description, method)                                                        \
    {                                                                                                        \
        name, unit, DIM_##dim, FEATURE_CYCLE, false, true, {NULL}, NULL, description, method                 \
    }
#define PAIRED(name, unit, dim, one, two, description, method)                                               \
    {                                                                                                        \
        name, unit, DIM_##dim, FEATURE_CYCLE, false, false, {one, two}, NULL, description, method            \
    }
#define PARTNER(name, unit, dim, base, description, method)                                                  \
    {                                                                                                        \
        name, unit, DIM_##dim, FEATURE_CYCLE, false, false, {NULL}, base, description, method                \
    }

static const struct feature_def table[] = {
    SITE("contact_z", "m", LENGTH, "Height of the probe at which the meniscus touched, rig frame.",
         "position at the latched sample"),
    SITE("contact_current", "A", CURRENT, "Current jump at contact over the in-air baseline.",
         "latched sample minus baseline"),
    SITE("contact_charge", "C", CHARGE, "Charge that flowed when the drop touched.",
         "baseline-corrected current over the contact transient"),
    WET("contact_capacitance", "F", CAPACITANCE,
        "Capacitance that the contact added, measured just after it: a measure of the wetted area then.",
        "triangle at rest, minus that in air"),
    WET("rest_capacitance", "F", CAPACITANCE,
        "Capacitance of the contact behind the last step: a measure of the wetted area at the end.",
        "triangle at rest, minus that in air"),
    WET("wetted_growth", "1", NONE,
        "Growth of the wetted area from contact to the end, if the capacitance per area stays the same.",
        "rest_capacitance / contact_capacitance"),
    SITE("break_distance", "m", LENGTH, "Retraction from contact at which the meniscus broke.",
         "contact to return of the in-air baseline"),
    SITE("noise_rms", "A", CURRENT, "RMS noise of the current in air before contact.",
         "residual of the in-air regression"),
    SITE("blank_capacitance", "F", CAPACITANCE, "Stray capacitance of the rig with the probe in air.",
         "regression of i on 1, E, dE/dt in air"),
    SITE("blank_conductance", "S", CONDUCTANCE, "Leak of the rig with the probe in air.",
         "regression of i on 1, E, dE/dt in air"),
    SITE("blank_offset", "A", CURRENT, "Current offset in air at the approach bias.",
         "regression of i on 1, E, dE/dt in air"),
    SITE("wetted_area", "m2", AREA, "Area wetted by the drop as declared for the probe, not measured.",
         "disk of aperture x declared ratio"),

    CYCLE("q_red", "C", CHARGE, true, "Charge where the current is negative, whole cycle, blank-corrected.",
          "trapezoid, sign from smoothed current, blank subtracted"),
    CYCLE("q_red_raw", "C", CHARGE, true, "Charge where the recorded current is negative, whole cycle.",
          "trapezoid, sign from smoothed current, as recorded"),
    CYCLE("q_ox", "C", CHARGE, true, "Charge where the current is positive, whole cycle, blank-corrected.",
          "trapezoid, sign from smoothed current, blank subtracted"),
    CYCLE("q_ox_raw", "C", CHARGE, true, "Charge where the recorded current is positive, whole cycle.",
          "trapezoid, sign from smoothed current, as recorded"),
    CYCLE("q_net", "C", CHARGE, true, "Charge of the whole cycle, blank-corrected, signed.",
          "trapezoid, blank subtracted"),
    CYCLE("q_irr", "C", CHARGE, true, "Charge that a cycle does not give back: Q_red + Q_ox, signed.",
          "q_red + q_ox, blank subtracted"),
    ON_AREA(
        "coulombic_efficiency", "1", NONE,
        "Charge given back over charge taken: of a cv oxidation over reduction (reduction is charging, as "
        "for "
        "an anode material), of reversed currents the second over the first, whichever direction that has.",
        "q_ox / abs(q_red), blank subtracted"),
    CYCLE("i_lim", "A", CURRENT, true, "Plateau of a steady-state wave over its foot, of a single sweep.",
          "mean of the last tenth minus that of the first"),
    CYCLE("e_quarter", "V", POTENTIAL, false, "Potential at a quarter of the plateau of a single sweep.",
          "smoothed current at i_lim / 4 over the foot"),
    CYCLE("e_half", "V", POTENTIAL, false, "Half-wave potential of a single sweep.",
          "smoothed current at i_lim / 2 over the foot"),
    CYCLE("e_three_quarters", "V", POTENTIAL, false,
          "Potential at three quarters of the plateau of a single sweep.",
          "smoothed current at 3 i_lim / 4 over the foot"),
    CYCLE("i_peak_red", "A", CURRENT, true, "Reduction peak over its baseline.",
          "extremum of smoothed current, parabola"),
    CYCLE("e_peak_red", "V", POTENTIAL, false, "Potential of the reduction peak.",
          "extremum of smoothed current, parabola"),
    CYCLE("i_peak_ox", "A", CURRENT, true, "Oxidation peak over its baseline.",
          "extremum of smoothed current, parabola"),
    CYCLE("e_peak_ox", "V", POTENTIAL, false, "Potential of the oxidation peak.",
          "extremum of smoothed current, parabola"),
    ON_AREA("e_onset", "V", POTENTIAL, "Onset of reduction at a fixed current density.",
            "smoothed current at fixed density on the declared area"),
    WET_CYCLE("c_dl", "F", CAPACITANCE, "Double-layer capacitance from the two branches of one cycle.",
              "(i_an - i_cat) / (2 dE/dt) - blank"),
    WET_CYCLE("c_dl_pass", "F", CAPACITANCE,
              "Double-layer capacitance around the turn before the reducing pass: a measure of the area that "
              "is wet "
              "then. In cycle 1 a current that decays, such as that of trace oxygen, adds to it.",
              "(i_rising before - i_falling) / (2 dE/dt) - blank"),
    CYCLE("q_sei", "C", CHARGE, true,
          "Charge in the SEI window on the reducing sweep, blank-corrected; the double layer and a trace of "
          "oxygen are in "
          "it (at 100 simulated 400 nm contacts 32 fC of 560 fC in cycle 1).",
          "trapezoid over the window, net, blank subtracted"),
    CYCLE("q_sei_raw", "C", CHARGE, true, "Charge in the SEI window on the reducing sweep, as recorded.",
          "trapezoid over the window, net, as recorded"),
    CYCLE("q_sei_film", "C", CHARGE, true,
          "Charge in the SEI window on the reducing sweep over the current just before the window, so "
          "without double layer "
          "and most of what oxygen adds (at 100 simulated 400 nm contacts 7 fC of 560 fC in cycle 1 are "
          "left): closer "
          "to the film than q_sei.",
          "window over the current at the wetting potential"),
    PARTNER("q_sei_per_cdl", "V", POTENTIAL, "q_sei_film",
            "SEI charge over the double-layer capacitance: independent of the wetted area.",
            "q_sei_film / c_dl_pass"),
    PAIRED(
        "sei_charge_ratio", "1", NONE, "sei_charge_ratio_area", "sei_charge_ratio_cdl",
        "SEI charge of the cycle over that of cycle 1; double layer and growth of the wetted area included.",
        "q_sei / q_sei of cycle 1"),
    PAIRED("sei_film_ratio", "1", NONE, "sei_charge_ratio_area", "sei_charge_ratio_cdl",
           "SEI charge of the film over that of cycle 1, double layer taken out; growth of the wetted area "
           "included.",
           "q_sei_film / q_sei_film of cycle 1"),
    PARTNER(
        "sei_charge_ratio_area", "1", NONE, "sei_charge_ratio",
        "SEI charge ratio of the film at most growth of the wetted area, if new area meets the pass fresh.",
        "sei_film_ratio less what new area adds"),
    PARTNER("sei_charge_ratio_cdl", "1", NONE, "sei_charge_ratio",
            "SEI charge ratio of the film at most growth of the wetted area, if new area was passivated when "
            "wetted.",
            "sei_film_ratio over the growth of the area"),

    STEP("capacity", "C", CHARGE, true,
         "Charge passed by the constant current; of each cycle where the current is reversed.",
         "integral of abs(I) dt"),
    STEP("e_mean", "V", POTENTIAL, false, "Mean potential of the charge passed by the constant current.",
         "integral of E dt over time"),
    STEP("ir_step", "V", POTENTIAL, false, "Jump of the potential when the current starts.",
         "first sample minus last sample before"),
    STEP("e_cutoff", "V", POTENTIAL, false, "Potential at the end of the step.", "last valid sample"),
    STEP("t_cutoff", "s", TIME, false, "Time from the start of the current to the end of the step.",
         "last valid sample minus first, and one interval"),
    STEP("plateau", "V", POTENTIAL, false, "Potential of the plateau with the largest dQ/dE.",
         "largest maximum of smoothed dQ/dE"),
    STEP("nucleation", "V", POTENTIAL, false, "Extremum before the plateau minus the plateau.",
         "extremum of smoothed E before the plateau"),
    BACK("capacity_back", "C", CHARGE, true, "Charge passed by the reversed current.",
         "integral of abs(I) dt"),
    BACK("e_mean_back", "V", POTENTIAL, false, "Mean potential of the charge passed by the reversed current.",
         "integral of E dt over time"),
    BACK("ir_step_back", "V", POTENTIAL, false, "Jump of the potential when the current is reversed.",
         "first sample minus last sample before"),
    BACK("e_cutoff_back", "V", POTENTIAL, false, "Potential at the end of the reversed current.",
         "last valid sample"),
    BACK("t_cutoff_back", "s", TIME, false, "Time for which the reversed current flowed.",
         "last valid sample minus first, and one interval"),
    BACK("plateau_back", "V", POTENTIAL, false,
         "Potential of the plateau with the largest dQ/dE, current reversed.",
         "largest maximum of smoothed dQ/dE"),
    BACK("nucleation_back", "V", POTENTIAL, false,
         "Extremum before the plateau minus the plateau, current reversed.",
         "extremum of smoothed E before the plateau"),
    STEP("ocp_mean", "V", POTENTIAL, false, "Open-circuit potential.", "mean of the last half"),
    STEP("ocp_drift", "V/s", DRIFT_POTENTIAL, false, "Drift of the open-circuit potential.",
         "line through the last half"),
    STEP("ocp_noise", "V", POTENTIAL, false, "Noise of the open-circuit potential.",
         "SD about the line through the last half"),
    STEP("i_mean", "A", CURRENT, true, "Mean current of a hold.", "mean, as recorded"),
    STEP("i_end", "A", CURRENT, true, "Current at the end of a hold.", "mean of the last tenth, as recorded"),
    STEP("charge", "C", CHARGE, true, "Charge of a hold.", "sum of samples times interval, as recorded"),
    STEP("t_end", "s", TIME, false, "Time from the start of a hold or of open circuit to its end.",
         "last sample minus first, and one interval"),
    STEP("e_end", "V", POTENTIAL, false, "Potential at the end of a rest at open circuit.",
         "mean of the last tenth"),
    LEVEL(1),
    LEVEL(2),
    LEVEL(3),
    LEVEL(4),
    LEVEL(5),
    LEVEL(6),
    LEVEL(7),
    LEVEL(8),
};

#define COUNT ((int)(sizeof table / sizeof table[0]))

int feature_count(void)
{
    return COUNT;
}

const struct feature_def *feature_at(int k)
{
    return k >= 0 && k < COUNT ? &table[k] : NULL;
}

const struct feature_def *feature_find(const char *name)
{
    for (int k = 0; k < COUNT; k++)
        if (strcmp(table[k].name, name) == 0)
            return &table[k];
    return NULL;
}

static const char *names[COUNT + 1];

static void fill_names(void)
{
    for (int k = 0; k < COUNT; k++)
        names[k] = table[k].name;
}

const char *const *feature_names(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill_names);
    return names;
}

bool feature_ref_parse(const char *text, struct feature_ref *out, struct err *e)
{
    struct feature_ref r = {0};
    char name[128];
    if (strlen(text) >= sizeof name)
        return err_set(e, ERR_INPUT, "`%.40s...` is too long for a feature", text);
    strcpy(name, text);
    char *at = strchr(name, '@');
    if (at) {
        *at++ = '\0';
        char *end = NULL;
        long cycle = strtol(at, &end, 10);
        if (end == at || *end || cycle < 1 || cycle > 1000000 || *at < '1' || *at > '9')
            return err_set(e, ERR_INPUT, "`%s`: a cycle is a whole number from 1, as in formation.q_red@1",
                           text);
        r.cycle = (int)cycle;
    }
    char *dot = strrchr(name, '.');
    const char *feature = dot ? dot + 1 : name;
    if (dot) {
        *dot = '\0';
        if (!*name || strlen(name) >= sizeof r.step)
            return err_set(e, ERR_INPUT, "`%s`: the name of a step stands before the dot", text);
        strcpy(r.step, name);
    }
    r.def = feature_find(feature);
    if (!r.def) {
        const char *near = text_nearest(feature, feature_names());
        return err_set(e, ERR_INPUT, "there is no feature `%s`%s%s%s", feature,
                       near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
    }
    if (r.cycle && r.def->scope == FEATURE_SITE)
        return err_set(e, ERR_INPUT, "`%s` has no cycles", feature);
    if (r.step[0] && r.def->scope == FEATURE_SITE)
        return err_set(e, ERR_INPUT, "`%s` belongs to the site, not to a step", feature);
    *out = r;
    return true;
}

const char *feature_ref_text(const struct feature_ref *r, char *text, size_t n)
{
    char cycle[16] = "";
    if (r->cycle)
        snprintf(cycle, sizeof cycle, "@%d", r->cycle);
    snprintf(text, n, "%s%s%s%s", r->step, r->step[0] ? "." : "", r->def->name, cycle);
    return text;
}
