/* Faults of a simulated rig: one table of names for tests and for the `faults` of a rig file.
 *
 * What a device says and does in each is taken from its documentation; where that is silent the harsher
 * reading was chosen. Faults of the line between host and device are those of wire/fault.h. */
#ifndef SECCM_SIM_FAULT_H
#define SECCM_SIM_FAULT_H

#include <stdbool.h>

/* Name; name in a rig file; LASTS (as long as it is told to) or ONCE (an event, or a damage that stays). */
#define SIM_FAULT_TABLE(X)                                                                                   \
    X(STAGE_SILENT, "stage-silent", LASTS, "The stage obeys and answers nothing.")                           \
    X(STAGE_SLOW, "stage-slow", LASTS, "Answers of the stage come 0.4 s late; moves act in time.")           \
    X(STAGE_LATE, "stage-late", ONCE,                                                                        \
      "One answer of the stage is withheld and comes just before the next one.")                             \
    X(STAGE_GARBLED, "stage-garbled", LASTS, "A character of each answer of the stage is damaged.")          \
    X(STAGE_RESET, "stage-reset", ONCE,                                                                      \
      "The stage starts anew: deaf for 1.5 s, then with its servos and velocities as at power up.")          \
    X(STAGE_ERROR, "stage-error", ONCE, "The stage's error slot holds a hardware error, unasked.")           \
    X(STAGE_REFUSING, "stage-refusing", LASTS, "The stage refuses every move; stop and servo are obeyed.")   \
    X(STAGE_OFF_TARGET, "stage-off-target", LASTS,                                                           \
      "Moves of the stage end 0.3 um short and are never on target.")                                        \
    X(STAGE_LIMIT, "stage-limit", LASTS,                                                                     \
      "Limit switches stop x, and z toward the sample, 1 um from where they are.")                           \
    X(STAGE_FROZEN, "stage-frozen", LASTS, "The stage does not act on moves.")                               \
    X(STAGE_SERVO_LOST, "stage-servo-lost", LASTS,                                                           \
      "All servos switch themselves off, and stay off as long as this lasts.")                               \
    X(STAGE_SERVO_STUCK, "stage-servo-stuck", LASTS,                                                         \
      "The servos of the piezo axes are off and can not be switched on; open loop works.")                   \
    X(STAGE_SERVO_DEAD, "stage-servo-dead", LASTS,                                                           \
      "The servos of the piezo axes are off, and voltages do not move them either.")                         \
    X(PSTAT_SILENT, "potentiostat-silent", LASTS, "The potentiostat goes on and sends nothing.")             \
    X(PSTAT_SLOW, "potentiostat-slow", LASTS, "What the potentiostat sends comes 0.4 s late.")               \
    X(PSTAT_LATE, "potentiostat-late", ONCE,                                                                 \
      "One answer of the potentiostat is withheld and comes just before what it sends next.")                \
    X(PSTAT_GARBLED, "potentiostat-garbled", LASTS,                                                          \
      "A character of all that the potentiostat sends is "                                                   \
      "damaged.")                                                                                            \
    X(PSTAT_RESET, "potentiostat-reset", LASTS,                                                              \
      "The potentiostat starts anew: script gone, cell open, deaf as long as this lasts.")                   \
    X(PSTAT_ERROR, "potentiostat-error", LASTS,                                                              \
      "Scripts stop with a run-time error, which leaves the cell as it is.")                                 \
    X(PSTAT_REFUSING, "potentiostat-refusing", LASTS, "The potentiostat takes and runs no script.")          \
    X(PSTAT_OVERLOAD, "potentiostat-overload", LASTS, "Every sample is clipped and flagged so.")             \
    X(PSTAT_UNDERLOAD, "potentiostat-underload", LASTS, "Every sample is flagged as too small.")             \
    X(PSTAT_NOISE, "potentiostat-noise", LASTS, "Thirty times the noise.")                                   \
    X(PSTAT_SPIKE, "potentiostat-spike", ONCE, "One sample is 20 pA too large: interference.")               \
    X(DROP_LOST, "drop-lost", LASTS,                                                                         \
      "The drop is gone: a contact breaks, none forms; behind it the drop is back.")                         \
    X(DROP_PENDANT, "drop-pendant", LASTS,                                                                   \
      "At the next place a drop hangs down to the surface until the probe is 8 um above it.")                \
    X(DROP_STICKS, "drop-sticks", LASTS, "The liquid bridge does not break, however far it is pulled.")      \
    X(DROP_SPREADS, "drop-spreads", LASTS, "The wetted area grows threefold within seconds of contact.")     \
    X(CONTACT_FLICKERS, "contact-flickers", LASTS, "A contact is gone a few ms after it formed.")            \
    X(FLOOD, "flood", LASTS, "A contact floods the sample: 20 Mohm beside the cell.")                        \
    X(PROBE_OPEN, "probe-open", LASTS, "The wire to the probe is broken: no current at all.")                \
    X(PROBE_SHORTED, "probe-shorted", LASTS, "1 Gohm between probe and sample, and five times the stray.")   \
    X(PROBE_BLOCKED, "probe-blocked", LASTS, "The opening is clogged: ten thousand times the resistance.")   \
    X(PROBE_BROKEN, "probe-broken", ONCE, "The end of the probe breaks off: three times the aperture.")      \
    X(PROBE_WETTING, "probe-wetting", LASTS,                                                                 \
      "The outside of the probe gets wet, more with every site: stray capacitance and wetted area grow.")

enum sim_fault {
#define X(id, name, span, what) SIM_##id,
    SIM_FAULT_TABLE(X)
#undef X
        SIM_FAULTS
};

/* Names of all of them, NULL-terminated. */
extern const char *const sim_fault_names[SIM_FAULTS + 1];
const char *sim_fault_text(enum sim_fault f);
/* It happens at an instant: there is nothing to end. */
bool sim_fault_once(enum sim_fault f);

#endif
