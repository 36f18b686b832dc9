/* The table of units that tables and figures use. */
#include "output/units.h"

#include <stdlib.h>
#include <string.h>

static const struct unit table[DIM_COUNT] = {
    [DIM_NONE] = {"", "", "", 0},
    [DIM_LENGTH] = {"um", "_um", "µm", 6},
    [DIM_TIME] = {"s", "_s", "s", 0},
    [DIM_POTENTIAL] = {"V", "_V", "V", 0},
    [DIM_CURRENT] = {"pA", "_pA", "pA", 12},
    [DIM_CHARGE] = {"pC", "_pC", "pC", 12},
    [DIM_SPEED] = {"um/s", "_um_per_s", "µm/s", 6},
    [DIM_SCAN_RATE] = {"V/s", "_V_per_s", "V/s", 0},
    [DIM_CURRENT_DENSITY] = {"mA/cm2", "_mA_per_cm2", "mA/cm²", -1},
    [DIM_CAPACITANCE] = {"fF", "_fF", "fF", 15},
    [DIM_CAPACITANCE_DENSITY] = {"uF/cm2", "_uF_per_cm2", "µF/cm²", 2},
    [DIM_CHARGE_DENSITY] = {"mC/cm2", "_mC_per_cm2", "mC/cm²", -1},
    [DIM_RESISTANCE] = {"Mohm", "_Mohm", "MΩ", -6},
    [DIM_CONDUCTANCE] = {"pS", "_pS", "pS", 12},
    [DIM_FREQUENCY] = {"Hz", "_Hz", "Hz", 0},
    [DIM_AREA] = {"um2", "_um2", "µm²", 12},
    [DIM_ANGLE] = {"rad", "_rad", "rad", 0},
    [DIM_TEMPERATURE] = {"K", "_K", "K", 0},
    [DIM_DRIFT_POTENTIAL] = {"mV/s", "_mV_per_s", "mV/s", 3},
};

const struct unit *unit_of(enum dim dim)
{
    return &table[(int)dim >= 0 && (int)dim < DIM_COUNT ? dim : DIM_NONE];
}

enum dim unit_dim(const char *si_unit)
{
    for (int d = 0; d < DIM_COUNT; d++)
        if (strcmp(dim_unit((enum dim)d), si_unit) == 0)
            return (enum dim)d;
    return DIM_NONE;
}

static double shift(double value, int exponent)
{
    static const double power[] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    return exponent < 0 ? value / power[abs(exponent)] : value * power[exponent];
}

double unit_show(double si, enum dim dim)
{
    return shift(si, unit_of(dim)->exponent);
}

double unit_si(double shown, enum dim dim)
{
    return shift(shown, -unit_of(dim)->exponent);
}
