/* The potentiostat models as data. Potential windows, largest currents and the full scales of the ranges are
 * the manufacturer's figures; ranges that a nanoscale cell never needs (above 10 mA on a Nexus) are left out.
 *
 * To be confirmed on a real unit: a Nexus's numbers of its ranges from 10 nA up (only 100 pA = 16 and 1 nA =
 * 0 are documented), e_step, script_max (rather too low than too high: a script that does not fit is better
 * refused at the desk), and the bandwidth of an EmStat4. Sample intervals are our estimate
 * of what a data line of three variables (about 45 characters) leaves on the link. */
#include "instrument/abilities.h"

#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static const struct current_range nexus_ranges[] = {
    {16, 100e-12}, {0, 1e-9},   {1, 10e-9}, {2, 100e-9}, {3, 1e-6},
    {4, 10e-6},    {5, 100e-6}, {6, 1e-3},  {7, 10e-3},
};
static const struct current_range emstat4_lr_ranges[] = {
    {3, 1e-9}, {6, 10e-9}, {9, 100e-9}, {12, 1e-6}, {15, 10e-6}, {18, 100e-6}, {21, 1e-3}, {24, 10e-3},
};
static const struct current_range emstat4_hr_ranges[] = {
    {9, 100e-9}, {12, 1e-6}, {15, 10e-6}, {18, 100e-6}, {21, 1e-3}, {24, 10e-3}, {27, 100e-3},
};
static const struct current_range pico_ranges[] = {
    {0, 100e-9}, {1, 2e-6},   {2, 4e-6},   {3, 8e-6},   {4, 16e-6}, {5, 32e-6},
    {6, 63e-6},  {7, 125e-6}, {8, 250e-6}, {9, 500e-6}, {10, 1e-3}, {11, 5e-3},
};

static const struct potentiostat_model models[] = {
    {.name = "nexus",
     .id_prefix = "nexus1",
     .e_min = -10,
     .e_max = 10,
     .e_step = 100e-6,
     .i_max = 1,
     .interval_min = 0.5e-3,
     .galvanostat = true,
     .ranges = nexus_ranges,
     .n_ranges = COUNT(nexus_ranges),
     .script_max = 16000,
     .mode = 2,
     .window = 20,
     .bandwidth_max = 1e6},
    {.name = "emstat4-lr",
     .id_prefix = "es4_lr",
     .e_min = -3,
     .e_max = 3,
     .e_step = 100e-6,
     .i_max = 30e-3,
     .interval_min = 1e-3,
     .galvanostat = true,
     .ranges = emstat4_lr_ranges,
     .n_ranges = COUNT(emstat4_lr_ranges),
     .script_max = 16000,
     .mode = 2,
     .window = 6,
     .bandwidth_max = 200e3},
    {.name = "emstat4-hr",
     .id_prefix = "es4_hr",
     .e_min = -6,
     .e_max = 6,
     .e_step = 183e-6,
     .i_max = 200e-3,
     .interval_min = 1e-3,
     .galvanostat = true,
     .ranges = emstat4_hr_ranges,
     .n_ranges = COUNT(emstat4_hr_ranges),
     .script_max = 16000,
     .mode = 2,
     .window = 12,
     .bandwidth_max = 200e3},
    /* Mode 4 is the one that reaches the whole potential range; it is slow (100 Hz). */
    {.name = "emstat-pico",
     .id_prefix = "espico",
     .e_min = -1.7,
     .e_max = 2.0,
     .e_step = 537e-6,
     .i_max = 3e-3,
     .interval_min = 5e-3,
     .galvanostat = false,
     .ranges = pico_ranges,
     .n_ranges = COUNT(pico_ranges),
     .script_max = 15000,
     .mode = 4,
     .window = 2.6,
     .bandwidth_max = 100},
};

static const char *const model_names[] = {"nexus", "emstat4-lr", "emstat4-hr", "emstat-pico", NULL};

const struct potentiostat_model *potentiostat_model(const char *name)
{
    for (int k = 0; k < COUNT(models); k++)
        if (strcmp(models[k].name, name) == 0)
            return &models[k];
    return NULL;
}

const char *const *potentiostat_model_names(void)
{
    return model_names;
}
