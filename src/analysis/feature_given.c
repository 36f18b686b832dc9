/* Which features a kind of step has. */
#include "analysis/feature_given.h"

#include <stdio.h>
#include <string.h>

#include "analysis/sei.h"
#include "analysis/step_features.h"

#define NAMES_MAX 24

enum needs { ALWAYS, WINDOW, WINDOW_LATER, REVERSED, OPEN, FALLING, RISING };

/* Pulses are below: their features are numbered. */
static const struct {
    const char *kind;
    enum needs needs;
    const char *name[NAMES_MAX + 1];
} given[] = {
    {"cv",
     ALWAYS,
     {"q_red", "q_red_raw", "q_ox", "q_ox_raw", "q_net", "q_irr", "coulombic_efficiency", "i_peak_red",
      "e_peak_red", "i_peak_ox", "e_peak_ox", "e_onset", "c_dl", "c_dl_pass"}},
    {"cv", WINDOW, {"q_sei", "q_sei_raw", "q_sei_film", "q_sei_per_cdl"}},
    {"cv",
     WINDOW_LATER,
     {"sei_charge_ratio", "sei_film_ratio", "sei_charge_ratio_area", "sei_charge_ratio_cdl"}},
    {"lsv",
     ALWAYS,
     {"q_red", "q_red_raw", "q_ox", "q_ox_raw", "q_net", "i_lim", "e_quarter", "e_half", "e_three_quarters"}},
    {"lsv", FALLING, {"i_peak_red", "e_peak_red", "e_onset"}},
    {"lsv", RISING, {"i_peak_ox", "e_peak_ox"}},
    {"galvanostatic",
     ALWAYS,
     {"capacity", "e_mean", "ir_step", "e_cutoff", "t_cutoff", "plateau", "nucleation"}},
    {"galvanostatic",
     REVERSED,
     {"capacity_back", "e_mean_back", "ir_step_back", "e_cutoff_back", "t_cutoff_back", "plateau_back",
      "nucleation_back", "coulombic_efficiency"}},
    {"ocp", ALWAYS, {"ocp_mean", "ocp_drift", "ocp_noise", "t_end"}},
    {"hold", ALWAYS, {"i_mean", "i_end", "charge", "t_end"}},
    {"rest", OPEN, {"e_end"}},
};

#define GIVEN ((int)(sizeof given / sizeof given[0]))

static bool listed(int k, const char *name)
{
    for (int i = 0; given[k].name[i]; i++)
        if (strcmp(given[k].name[i], name) == 0)
            return true;
    return false;
}

static bool met(const struct step_shape *s, enum needs needs)
{
    switch (needs) {
    case REVERSED:
        return s->reversed;
    case OPEN:
        return s->open;
    case FALLING:
        return s->falling;
    case RISING:
        return s->rising;
    default:
        return true;
    }
}

static bool of_pulse(const struct step_shape *s, const char *name)
{
    char own[24];
    for (int k = 1; k <= s->levels && k <= PULSE_LEVELS; k++) {
        snprintf(own, sizeof own, "%c_end_%d", s->current ? 'e' : 'i', k);
        if (strcmp(own, name) == 0)
            return true;
        snprintf(own, sizeof own, "charge_%d", k);
        if (strcmp(own, name) == 0)
            return true;
    }
    return false;
}

bool feature_given(const struct step_shape *s, const char *name)
{
    for (int k = 0; k < GIVEN; k++)
        if (strcmp(given[k].kind, s->kind) == 0 && met(s, given[k].needs) && listed(k, name))
            return true;
    return strcmp(s->kind, "pulse") == 0 && of_pulse(s, name);
}

bool feature_in_cycle(const char *name, int cycle)
{
    if (strcmp(name, "c_dl_pass") != 0 && !feature_of_window(name))
        return true;
    for (int k = 0; k < GIVEN && cycle == 1; k++)
        if (given[k].needs == WINDOW_LATER && listed(k, name))
            return false;
    return cycle <= SEI_CYCLES;
}

bool feature_of_window(const char *name)
{
    for (int k = 0; k < GIVEN; k++)
        if ((given[k].needs == WINDOW || given[k].needs == WINDOW_LATER) && listed(k, name))
            return true;
    return false;
}
