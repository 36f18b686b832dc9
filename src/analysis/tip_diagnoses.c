/* The table that says which charts together mean what: a matter of the probe, and none of the program. */
#include "analysis/tip_health_parts.h"

#define UP   TIP_UP
#define DOWN TIP_DOWN
/* Of a chart's limit, by a value itself: nothing that an average would have to be waited for. */
#define FAR 2

const struct tip_diagnosis tip_diagnosis[] = {
    /* Liquid on the outside of the glass is one more plate against the sample and a path for a leak: both
     * rise in air, whatever the sample. It feeds the drop, which wets more and breaks later. */
    {TIP_WETTING,
     false,
     {{TIP_AIR_CAPACITANCE, UP, 1}},
     {{TIP_CONTACT_CAPACITANCE, UP, 0.4},
      {TIP_CONTACT_CHARGE, UP, 0.4},
      {TIP_BREAK, UP, 0.4},
      {TIP_AIR_CONDUCTANCE, UP, 0.5}},
     {{0}}},
    {TIP_WETTING,
     false,
     {{TIP_AIR_CONDUCTANCE, UP, 1}},
     {{TIP_AIR_CAPACITANCE, UP, 0.4}, {TIP_CONTACT_CAPACITANCE, UP, 0.4}, {TIP_BREAK, UP, 0.4}},
     {{0}}},
    /* Far more than temperature, cables or height can do: liquid even if the drop does not show it yet. */
    {TIP_WETTING, false, {{TIP_AIR_CAPACITANCE, UP, 1.5}}, {{0}}, {{0}}},
    {TIP_WETTING, false, {{TIP_AIR_CONDUCTANCE, UP, 1.5}}, {{0}}, {{0}}},
    /* A probe that has lost its end is shorter, so that contacts lie lower than the surface that was fitted,
     * and wider, so that the drop is larger in every respect: at once, not slowly. */
    {TIP_BROKEN,
     false,
     {{TIP_HEIGHT, DOWN, 1.2}},
     {{TIP_CONTACT_CAPACITANCE, UP, 0.5},
      {TIP_CONTACT_CHARGE, UP, 0.5},
      {TIP_CONTACT_CURRENT, UP, 0.5},
      {TIP_BREAK, UP, 0.5}},
     {{0}}},
    /* The same so large that two landings leave no doubt, and all that follows the opening says the same. */
    {TIP_BROKEN,
     true,
     {{TIP_CONTACT_CAPACITANCE, UP, FAR, true},
      {TIP_CONTACT_CHARGE, UP, FAR, true},
      {TIP_CONTACT_CURRENT, UP, 1, true}},
     {{0}},
     {{TIP_AIR_CAPACITANCE, UP, 0.5}}},
    {TIP_BLOCKED,
     true,
     {{TIP_CONTACT_CAPACITANCE, DOWN, FAR, true},
      {TIP_CONTACT_CHARGE, DOWN, FAR, true},
      {TIP_CONTACT_CURRENT, DOWN, 1, true}},
     {{0}},
     {{0}}},
    /* Without a change of length (a chip, or the fit has followed): a much larger drop, dry outside. */
    {TIP_BROKEN,
     true,
     {{TIP_CONTACT_CAPACITANCE, UP, 1.35}, {TIP_CONTACT_CHARGE, UP, 1.2}},
     {{0}},
     {{TIP_AIR_CAPACITANCE, UP, 0.5}}},
    /* A resistance before the double layer: the charge of the touch is all there, but it comes late. */
    {TIP_BLOCKED,
     false,
     {{TIP_CONTACT_TIME, UP, 1}},
     {{TIP_CONTACT_CURRENT, DOWN, 0.5}},
     {{TIP_CONTACT_CHARGE, UP, 0.5}}},
    /* What clogs the opening leaves a smaller wetted area, and in the end no contact is felt at all. The
     * displacement current in air does not pass the opening and stays, but less of the solution's noise
     * comes through. */
    {TIP_BLOCKED,
     true,
     {{TIP_CONTACT_CAPACITANCE, DOWN, 1.35}},
     {{TIP_CONTACT_CURRENT, DOWN, 0.9},
      {TIP_CONTACT_CHARGE, DOWN, 0.9},
      {TIP_MISSES, UP, 0.4},
      {TIP_AIR_NOISE, DOWN, 1}},
     {{0}}},
    {TIP_BLOCKED,
     true,
     {{TIP_MISSES, UP, 0.7}},
     {{TIP_CONTACT_CAPACITANCE, DOWN, 0.7}, {TIP_CONTACT_CURRENT, DOWN, 0.7}},
     {{0}}},
    /* Nothing at all any more: blocked or dried up, or so much shorter that the approach ends above. */
    {TIP_BLOCKED, true, {{TIP_MISSES, UP, 1}}, {{0}}, {{0}}},
};
const int tip_diagnoses = sizeof tip_diagnosis / sizeof tip_diagnosis[0];
