/* The words of the fault matrix, one row per class, in the order of the classes. */
#include "protocol/fault_text.h"

#include "base/schema_help.h"

/* What is said of many rows in the same words. */
#define SAFE                                                                                                 \
    "safe state: z stopped and cell off written first, without waiting for a reply; full retraction; both "  \
    "verified"
#define NEW_SPOT "not here: the spot counts as touched; a spare takes its levels"
#define IN_PLACE "in place behind a back-off, 3 attempts at most, since nothing was touched; then a spare"
#define BROUGHT_BACK                                                                                         \
    "the instrument is brought back (below); then in place if the spot was not touched, else a spare"
#define BY_OPERATOR "nothing by itself; `seccm resume` goes on"
#define FAULT_ENDS  "fault; `measured` stays if all steps were done and the drop had broken"
#define RECOVERY_SEEN                                                                                        \
    "`recovering: next try in ...`, then whether the rig is in order again; its count at the end"

static const struct fault_text texts[FAULT_COUNT] = {
    [FAULT_NO_CONTACT] =
        {"the approach came to the end of its travel, z at rest, and no sample was beyond the "
         "threshold",
         "full retraction before anything moves sideways: a drop that conducts nothing may hang "
         "on unseen",
         NEW_SPOT, "no-contact",
         "the depth that was reached; after 2 such sites with no contact ever, the run pauses; after 5 "
         "behind "
         "fewer than 3 contacts as well: their heights may be wrong (a drop that hung down), they get the "
         "flag "
         "height-doubted and are not used again"},
    [FAULT_UNCONFIRMED] =
        {"a crossing, and then with z at rest neither a current nor more capacitance than in "
         "air",
         "full retraction; the descent is never resumed",
         "in place, 3 attempts at most, if the crossing was clearly above the surface "
         "(electrical); else a spare",
         "unconfirmed", "current and capacitance that were found, with their uncertainty"},
    [FAULT_ALREADY_WET] =
        {"a contact signal while travelling, or in the alive ramp or at its end a capacitance as of a drop",
         "xy stopped, full retraction",
         "the spot counts as possibly touched, a spare takes its levels; if the signal came away from it, in "
         "place behind a back-off, 3 attempts at most",
         "already-wet", "where it was, and the capacitance"},
    [FAULT_CURRENT_TOO_LARGE] = {"the instrument itself meets the hard ceiling (`approach.ceiling`, "
                                 "`limits.current`) and opens the cell; or the contacts of 2 sites in a row "
                                 "overload (at one it may be a transient: overload)",
                                 SAFE, NEW_SPOT ", if so chosen",
                                 "suspected-crash from the approach to the confirmation, else overload",
                                 "the phase in which it happened; look at the probe before going on"},
    [FAULT_MENISCUS_LOST] =
        {"positive evidence only: compliance, or a capacitance that was there and is gone "
         "behind the last step",
         "retraction as usual", NEW_SPOT,
         "meniscus-lost; near-zero current alone is kept as measured with the flag "
         "meniscus-unverified",
         "the capacitance left, and that at contact"},
    [FAULT_MENISCUS_SPREADING] =
        {"the contact capacitance behind the last step is more than `faults.spreading` "
         "times that at contact, by more than 4 standard deviations",
         "nothing: the data are kept", "not needed; with `spare`, at a spare as well",
         "measured, with the flag meniscus-spreading; statistics with and without", "both capacitances"},
    [FAULT_NOT_DETACHED] = {"at full retraction the capacitance is still not that of air; glass that got wet "
                            "with the contact looks the same. A drop that broke, but late, is kept with the "
                            "flag late-break",
                            "the probe stays fully retracted, nothing moves sideways", BY_OPERATOR,
                            "not-detached, whatever was measured before",
                            "the capacitance that is left; look at the probe and the sample"},
    [FAULT_OVERLOAD] = {"2 samples in a row flagged overload (more while the instrument changes range), at a "
                        "contact or in a step; in air they are taken for probe-shorted",
                        SAFE, NEW_SPOT,
                        "overload; behind the last step the site stays measured, flagged overload-at-detach",
                        "the step, potential and current"},
    [FAULT_LANDING_REJECTED] =
        {"the open-circuit potential is outside `landing.ocp`, or the contact came in the fast descent or "
         "elsewhere further above the predicted surface than `surface.peak` and 2.5 standard deviations "
         "(flag "
         "far-above; the surface is not learnt from it). A drop that hangs down less than that can not be "
         "told "
         "from an obstacle",
         "retraction as usual, no step is run", NEW_SPOT, "landing-rejected",
         "the potential, or the height above the surface"},
    [FAULT_OUT_OF_RANGE] = {"the predicted surface lies beyond the end of z that the rig file allows",
                            "no descent", "in place only helps if the surface drifts back; else a spare",
                            "out-of-range", "the height that is expected, and the end of the range"},
    [FAULT_NOISE] =
        {"RMS of the current in air, at rest or in the approach, beyond `air.noise` of the rig file; "
         "or flagged samples spoil the alive ramp",
         SAFE,
         IN_PLACE ". Where a drop that hangs down may have been in reach and the capacitance does not say "
                  "otherwise the spot counts as possibly touched: a spare",
         "fault; unconfirmed where noise had crossed the threshold", "the noise and what is accepted"},
    [FAULT_PROBE_OPEN] =
        {"the alive ramp shows less displacement current than `air.stray` less its tolerance", "no descent",
         IN_PLACE "; 2 sites in a row so given up pause the run, which visits them again when it is resumed",
         "fault", "the capacitance found and expected"},
    [FAULT_PROBE_SHORTED] =
        {"the alive ramp shows more displacement current than `air.stray` and its tolerance; or 2 samples in "
         "a row in air are overloaded, which an instrument that flags wrongly does as well",
         "no descent",
         IN_PLACE "; 2 sites in a row so given up pause the run, which visits them again when it is resumed",
         "fault", "the capacitance found and expected, or the current"},
    [FAULT_TIP_BLOCKED] = {"control charts over the sites: less contact capacitance, smaller break distance, "
                           "against the sites before",
                           "between sites: fully retracted, cell open", BY_OPERATOR,
                           "the sites are as they are; the run pauses, ends, or (skip) goes on; behind the "
                           "last site it is finished and says so",
                           "which chart, and since which site"},
    [FAULT_TIP_BROKEN] = {"control charts over the sites: more contact capacitance, longer break distance",
                          "between sites: fully retracted, cell open", BY_OPERATOR,
                          "the sites are as they are; the run pauses, ends, or (skip) goes on",
                          "which chart, and since which site"},
    [FAULT_TIP_WETTING] = {"control charts over the sites: stray capacitance in air rises",
                           "between sites: fully retracted, cell open", BY_OPERATOR,
                           "the sites are as they are; the run pauses, ends, or (skip) goes on",
                           "which chart, and since which site"},
    [FAULT_POTENTIOSTAT_SILENT] =
        {"no sample for 0.5 s (or 20 sample periods), or no reply before its deadline; "
         "z halts long before, when samples are stale",
         SAFE, BROUGHT_BACK, FAULT_ENDS, RECOVERY_SEEN},
    [FAULT_POTENTIOSTAT_GARBLED] =
        {"a line that is none of the program's, lines missing in a step, part of a "
         "reply",
         SAFE, BROUGHT_BACK, FAULT_ENDS, RECOVERY_SEEN},
    [FAULT_POTENTIOSTAT_LATE] = {"a reply that belongs to an earlier question, or comes behind its deadline",
                                 SAFE, BROUGHT_BACK, FAULT_ENDS, RECOVERY_SEEN},
    [FAULT_POTENTIOSTAT_RESET] = {"its start-up text, or the program gone from one moment to the next", SAFE,
                                  BROUGHT_BACK, FAULT_ENDS, RECOVERY_SEEN},
    [FAULT_POTENTIOSTAT_ERROR] = {"an error code of its own while a program runs", SAFE, BROUGHT_BACK,
                                  FAULT_ENDS, "the code and its text; " RECOVERY_SEEN},
    [FAULT_POTENTIOSTAT_REFUSED] = {"an error code in reply to a command; a device that refuses the cell off "
                                    "as well, so that no open cell is confirmed, is told as silent",
                                    SAFE, BY_OPERATOR ": what was refused once is refused again", FAULT_ENDS,
                                    "the command and the reply"},
    [FAULT_POTENTIOSTAT_UNPLUGGED] = {"the link hangs up, or the device file is gone", SAFE, BROUGHT_BACK,
                                      FAULT_ENDS, RECOVERY_SEEN},
    [FAULT_STAGE_SILENT] = {"no reply to a question within its deadline", SAFE, BROUGHT_BACK, FAULT_ENDS,
                            RECOVERY_SEEN},
    [FAULT_STAGE_GARBLED] = {"a reply that does not parse, or part of one", SAFE, BROUGHT_BACK, FAULT_ENDS,
                             RECOVERY_SEEN},
    [FAULT_STAGE_LATE] = {"a reply that belongs to an earlier question, or comes behind its deadline", SAFE,
                          BROUGHT_BACK, FAULT_ENDS, RECOVERY_SEEN},
    [FAULT_STAGE_RESET] = {"servos off and speeds gone that were set", SAFE,
                           "nothing by itself: a controller that started anew may have lost its reference",
                           FAULT_ENDS, "what was found; look at the controller before `seccm resume`"},
    [FAULT_STAGE_ERROR] =
        {"its error slot, asked before each descent and behind a move that fails, holds an "
         "error that no command of ours has caused; one that comes up in an approach may be "
         "overwritten there by the stop at the contact",
         SAFE, BY_OPERATOR, FAULT_ENDS, "the code and its text"},
    [FAULT_STAGE_REFUSED] = {"its error slot says that a command was not accepted", SAFE,
                             BY_OPERATOR ": what was refused once is refused again", FAULT_ENDS,
                             "the command and the code"},
    [FAULT_STAGE_UNPLUGGED] = {"the link hangs up, or the device file is gone", SAFE, BROUGHT_BACK,
                               FAULT_ENDS, RECOVERY_SEEN},
    [FAULT_AXIS_OFF_TARGET] =
        {"a move that makes no headway for a second, is late, or a stage that wanders while "
         "nothing was commanded",
         SAFE, BY_OPERATOR, FAULT_ENDS, "axis, position and target"},
    [FAULT_SERVO_LOST] =
        {"the servo state of an axis reads off",
         "safe state; servo on where it stands, else open loop toward the retracted side, else "
         "xy stays where it is and the alarm is given",
         BY_OPERATOR, FAULT_ENDS, "which axis, and how far the retraction came"},
    [FAULT_LIMIT_HIT] = {"the controller says that an axis stands at an end of its travel", SAFE, BY_OPERATOR,
                         FAULT_ENDS, "which axis and end"},
    [FAULT_UNDERLOAD] = {"more than half of the samples of a step are flagged underload",
                         "nothing: the data are kept", "not needed; choose a smaller range",
                         "as without it, with the flag underload", "the step and the number of samples"},
    [FAULT_DISK_FULL] =
        {"a write of the results file fails for want of space; free space is also checked before "
         "the run",
         SAFE, "after space was made: `seccm resume`", "fault; what was committed before stays whole",
         "the path and what it needs"},
    [FAULT_DISK_ERROR] = {"a write or a sync of the results file fails, or takes too long", SAFE,
                          "after the disk was seen to: `seccm resume`",
                          "fault; what was committed before stays whole", "the path and the system's error"},
    [FAULT_FILE_LOCKED] = {"the lock beside the results file is held by another process",
                           "nothing is begun, nothing moves", "when the other run has ended", "none",
                           "which process holds it"},
    [FAULT_CLOCK_STEPPED] = {"the wall clock and the steady clock no longer pass alike",
                             "nothing: the run keeps its own steady time", "not needed",
                             "as without it; `stop.by` goes by the new clock", "by how much"},
    [FAULT_SUSPENDED] =
        {"the steady clock stood still while the machine's uptime went on, or the loop was held "
         "up far beyond its beat",
         SAFE, "both instruments are brought back (below), then as their faults",
         "fault, if a site was under way", "for how long"},
    [FAULT_STOPPED_BY_SIGNAL] = {"SIGINT, SIGTERM or SIGHUP",
                                 SAFE ", which a second signal does not cut short", "`seccm resume` goes on",
                                 "aborted; the run is interrupted, exit status 130",
                                 "that the rig is verified safe, or not"},
    [FAULT_RUN_DIED] =
        {"the guardian hears no beat of the run for 5 s, or sees that it is gone; after a power "
         "cut, `seccm resume` finds an attempt without outcome",
         "the guardian ends the run and brings the rig to its safe state by itself",
         "`seccm resume` retracts first; the spot counts as possibly touched, a spare is used", "interrupted",
         "the guardian's log, told and stored by `seccm resume`"},
    [FAULT_GUARDIAN_LOST] = {"the guardian's process is gone or does not answer its beat",
                             "nothing goes down any more; a descent under way ends in the safe state",
                             "`seccm resume` starts another",
                             "fault, if a site was under way; the run pauses",
                             "that the guardian is gone, and why"},
};

const struct fault_text *fault_text(enum fault_class c)
{
    return &texts[c];
}

#define INDENT 4
#define WIDTH  80

static void add_line(const char *label, const char *text, struct buf *out)
{
    struct buf line = {0};
    buf_printf(&line, "%s: %s", label, text);
    help_wrap_to(line.p, INDENT, 2, WIDTH, out);
    buf_free(&line);
}

static void add_policy(const struct fault_row *row, struct buf *out)
{
    struct buf text = {0};
    if (!row->policies) {
        add_line("policy", "nothing to choose", out);
        return;
    }
    buf_printf(&text, "%s unless `faults: {%s: ...}` says", fault_policy_name(row->policy), row->name);
    const char *before = " ";
    for (int p = 0; p < POLICY_COUNT; p++)
        if (p != (int)row->policy && row->policies & 1u << p) {
            buf_printf(&text, "%s%s", before, fault_policy_name((enum fault_policy)p));
            before = ", ";
        }
    add_line("policy", text.p, out);
    buf_free(&text);
}

static void add_class(enum fault_class c, struct buf *out)
{
    const struct fault_row *row = fault_row(c);
    const struct fault_text *t = fault_text(c);
    buf_printf(out, "%s\n", row->name);
    help_wrap_to(row->what, INDENT, 0, WIDTH, out);
    add_line("noticed", t->detected, out);
    add_line("at once", t->at_once, out);
    add_line("again", t->again, out);
    add_line("ends as", t->ends, out);
    add_line("you see", t->seen, out);
    add_policy(row, out);
}

static const char *const places[] = {
    [FAULT_AT_SITE] = "At a site",
    [FAULT_OF_PROBE] = "Of the probe",
    [FAULT_OF_POTENTIOSTAT] = "Of the potentiostat",
    [FAULT_OF_STAGE] = "Of the stage",
    [FAULT_OF_MACHINE] = "Of the machine",
};

static void add_all(struct buf *out)
{
    for (int place = 0; place < (int)(sizeof places / sizeof places[0]); place++) {
        buf_printf(out, "\n%s\n", places[place]);
        for (int c = FAULT_NONE + 1; c < FAULT_COUNT; c++)
            if ((int)fault_row((enum fault_class)c)->place == place) {
                buf_char(out, '\n');
                add_class((enum fault_class)c, out);
            }
    }
}

static const char *const introduction[] = {
    "Every fault that a night may meet, by class: how it is noticed, what is done at once, what may be tried "
    "again, how the attempt ends, what you see, and the policies that `faults:` of a protocol may choose. "
    "The class is stored with the attempt (column `fault` of `seccm sites`), told in brackets with its "
    "event, "
    "and counted by `seccm status`.",
    "Policies. spare: a spare takes the site's levels. retry: again in place where the spot was not touched, "
    "3 "
    "attempts at most, else as spare. skip: the site is left as it is. pause: the run pauses, `seccm resume` "
    "goes on, with a spare for the lost site. abort: the run ends, resume asks for --accept.",
    "Budgets, beyond which the run pauses (or, with `then: abort`, ends): faults.consecutive (5 bad sites in "
    "a "
    "row), faults.total (50 bad sites, or a quarter of the planned ones, whichever is more), "
    "faults.recover.consecutive (3 tries to bring an instrument back without a site measured in between) and "
    "faults.recover.total (12).",
    "Bringing an instrument back. Behind the safe state the run waits faults.recover.back-off (10 s, doubled "
    "from try to try up to 10 min), and goes on only if everything is proven anew: links open and drained, "
    "both "
    "instruments the same units as before, limits read back, servo on where it stands, full retraction, cell "
    "open. The operator may stop it meanwhile. If the budget is used up the run ends with the reason; "
    "\"paused\" "
    "is said only of a rig that is verified safe.",
};

void fault_help(enum fault_class c, struct buf *out)
{
    if (c != FAULT_NONE) {
        add_class(c, out);
        return;
    }
    buf_str(out, "Faults and what is done about them\n");
    for (size_t k = 0; k < sizeof introduction / sizeof introduction[0]; k++) {
        buf_char(out, '\n');
        help_wrap_to(introduction[k], 0, 0, WIDTH, out);
    }
    add_all(out);
    buf_str(out, "\nOne class: seccm help faults CLASS\n");
}
