/* The words of the fault matrix, one row per class, in the order of the classes. */
#include "protocol/fault_text.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/bounds.h"
#include "base/schema_help.h"

/* What is said of many rows in the same words. */
#define SAFE     "the safe state"
#define NEW_SPOT "not here: the spot counts as touched; a spare takes its levels"
#define IN_PLACE "in place behind a wait, 3 attempts at most, as nothing was touched; then at a spare"
#define BROUGHT_BACK                                                                                         \
    "the instrument is brought back; then in place if the spot was not touched, else at a spare"
#define BY_OPERATOR   "nothing by itself; `seccm resume` goes on"
#define REFUSED_AGAIN "nothing by itself: what was refused once is refused again; `seccm resume` goes on"
#define FAULT_ENDS                                                                                           \
    "fault, or what had been decided before; measured once the drop is seen to have broken and the probe "   \
    "is up"
#define RECOVERY_SEEN  "`next try in ...`, and then whether the rig is in order again"
#define IN_AIR         "the capacitance that was found, and what the rig file expects"
#define IN_AIR_PAUSES  "; two such sites in a row pause the run, and are visited again behind it"
#define CHARTS_AT_ONCE "behind the site: full retraction, cell open"
#define CHARTS_AGAIN                                                                                         \
    "nothing by itself; `seccm resume` goes on, with `--new-probe` if another one was mounted"
#define CHARTS_END "the sites stay as they are; the run pauses, ends, or (skip) goes on"
#define CHARTS_SEEN                                                                                          \
    "which chart, from what to what, over how many sites; nothing of a change within the first landings "    \
    "(`health.baseline`, 12), which say what is usual: until then the budgets of faults and the controls "   \
    "hold, as they do from the first site on"
#define RIG_IS_OFF "the link hangs up, or its device file is gone"

static const struct fault_text texts[FAULT_COUNT] = {
    [FAULT_NO_CONTACT] =
        {"the approach came to the end of its travel, z at rest, and no sample lay beyond the threshold",
         "full retraction, since a drop that conducts nothing may hang on unseen", NEW_SPOT, "no-contact",
         "the height that was reached; if the first 2 sites find no surface at all, the run pauses; it does "
         "as well after 3 behind fewer than 3 contacts, which get the flag height-doubted: was it a drop "
         "that "
         "hung down?"},
    [FAULT_UNCONFIRMED] =
        {"the signal crossed the threshold, and then, z at rest, there is neither a current nor more "
         "capacitance than in air",
         "retraction, full unless it was electrical; the descent is never resumed",
         "in place, 3 attempts at most, if the crossing was far above the surface (electrical); else at a "
         "spare",
         "unconfirmed", "current and capacitance that were found, with their uncertainty"},
    [FAULT_ALREADY_WET] =
        {"a contact signal while travelling, or in the alive ramp the capacitance of a drop",
         "x and y stopped, full retraction",
         "at a spare, as a drop may have touched; in place if the signal came away from the spot",
         "already-wet", "where it was, or the capacitance"},
    [FAULT_CURRENT_TOO_LARGE] =
        {"a current beyond the hard ceiling (`approach.ceiling`, `limits.current`): the potentiostat opens "
         "the cell by itself; or contacts overload at 2 sites in a row",
         SAFE, "nothing by itself; with `spare` at a spare",
         "suspected-crash from the approach to the confirmation, else overload",
         "in which phase it happened; look at the probe before going on"},
    [FAULT_MENISCUS_LOST] =
        {"behind the last step no contact is left, and either the galvanostat ran into compliance or the "
         "capacitance of the contact had been clear",
         "retraction as usual", NEW_SPOT,
         "meniscus-lost; a current near zero alone proves nothing: such a site stays measured, flagged "
         "meniscus-unverified",
         "the capacitance that is left, and that at contact"},
    [FAULT_MENISCUS_SPREADING] =
        {"the contact capacitance behind the last step is more than `faults.spreading` times that at "
         "contact, by more than 4 standard deviations",
         "nothing: the data are kept", "not needed; with `spare` at a spare as well",
         "measured, flagged meniscus-spreading; statistics with and without such sites", "both capacitances"},
    [FAULT_CONTACT_INTERRUPTED] =
        {"in the samples of a step the current falls to that of the blank in air, and later jumps back, both "
         "within two samples and without a cause in the program; in a galvanostatic step the potential runs "
         "off as fast as the stray capacitance lets it, and jumps back. Not seen: a loss at which, or behind "
         "which, hardly any current flows (a good film), one of less than two samples or within the first "
         "samples of a sweep or level, one that begins or ends in another step or at open circuit, and one "
         "that drives a galvanostatic step to its end",
         "nothing: it is found behind the site, the data are kept",
         "not needed; with `spare` at a spare as well",
         "measured, flagged contact-interrupted; statistics with and without such sites",
         "which step, from when to when, the current before and behind"},
    [FAULT_NOT_DETACHED] = {"fully retracted, and the capacitance is still not that of air; glass that got "
                            "wet with the contact looks alike",
                            "the probe stays there, nothing moves sideways", BY_OPERATOR,
                            "not-detached, whatever was measured before",
                            "the capacitance that is left; look at probe and sample"},
    [FAULT_OVERLOAD] = {"2 samples in a row flagged as overload (some more while the range may still "
                        "change), at a contact or in a step",
                        SAFE, NEW_SPOT,
                        "overload; behind the last step the site stays measured, flagged overload-at-detach",
                        "the step, potential and current"},
    [FAULT_LANDING_REJECTED] =
        {"the open-circuit potential lies outside `landing.ocp`, or the contact came far above the predicted "
         "surface (flag far-above); a drop that hangs down less than `surface.peak` is taken for an obstacle",
         "no step is run; full retraction", NEW_SPOT, "landing-rejected",
         "the potential, or the height above the surface"},
    [FAULT_OUT_OF_RANGE] = {"the predicted surface lies below the end of z that the rig file allows",
                            "no descent",
                            "not here: a spare takes its levels; `retry` waits for the surface to drift back",
                            "out-of-range", "the height that is expected, and the end of the range"},
    [FAULT_NOISE] =
        {"the noise in air or in the approach is beyond `air.noise` of the rig file, or flagged samples "
         "spoil the alive ramp",
         "in the alive ramp: no descent; else the safe state",
         "in place behind a wait, 3 attempts at most; at a spare out of the approach, or where a drop that "
         "hangs "
         "down may have touched",
         "fault; unconfirmed if noise had crossed the threshold", "the noise, and what is accepted"},
    [FAULT_PROBE_OPEN] =
        {"the alive ramp shows less capacitance than `air.stray` of the rig file, by more than its tolerance",
         "no descent", IN_PLACE IN_AIR_PAUSES, "fault", IN_AIR},
    [FAULT_PROBE_SHORTED] =
        {"the alive ramp shows more capacitance than `air.stray` of the rig file, by more than its "
         "tolerance; "
         "or samples in air are overloaded (an instrument that flags wrongly looks alike)",
         "no descent", IN_PLACE IN_AIR_PAUSES, "fault", IN_AIR},
    [FAULT_TIP_BLOCKED] =
        {"control charts over the sites: capacitance, charge and current of the contact fall, or its charge "
         "comes late, or no approach ends in a contact any more",
         CHARTS_AT_ONCE, CHARTS_AGAIN, CHARTS_END, CHARTS_SEEN},
    [FAULT_TIP_BROKEN] =
        {"control charts over the sites: contacts lie lower than the fitted surface and the drop is larger; "
         "or it is larger by far while nothing has changed in air",
         CHARTS_AT_ONCE, CHARTS_AGAIN, CHARTS_END, CHARTS_SEEN},
    [FAULT_TIP_WETTING] =
        {"control charts over the sites: stray capacitance or leak in air rise; earlier if the drop grows, "
         "too",
         CHARTS_AT_ONCE, CHARTS_AGAIN, CHARTS_END, CHARTS_SEEN},
    [FAULT_POTENTIOSTAT_SILENT] =
        {"no sample for 0.5 s (or 20 sample periods), or no reply within 0.3 s; z halts long before, as "
         "soon as samples are stale",
         SAFE, BROUGHT_BACK, FAULT_ENDS, RECOVERY_SEEN},
    [FAULT_POTENTIOSTAT_GARBLED] =
        {"a line that is none of the program's, samples missing or too many in a step, part of a reply", SAFE,
         BROUGHT_BACK, FAULT_ENDS, "what came; " RECOVERY_SEEN},
    [FAULT_POTENTIOSTAT_LATE] = {"a reply to an earlier question, or one that comes behind its deadline",
                                 SAFE, BROUGHT_BACK, FAULT_ENDS, RECOVERY_SEEN},
    [FAULT_POTENTIOSTAT_RESET] =
        {"its start-up text or a fatal error comes in the middle of a program, or there is no program where "
         "one ran; where it was silent meanwhile it may have ended that as it was told, too: then it counts "
         "as silent, and pauses or aborts if either class says so",
         SAFE, BROUGHT_BACK, FAULT_ENDS, RECOVERY_SEEN},
    [FAULT_POTENTIOSTAT_ERROR] = {"it sends an error code while its program runs", SAFE, BROUGHT_BACK,
                                  FAULT_ENDS, "the code and its meaning; " RECOVERY_SEEN},
    [FAULT_POTENTIOSTAT_REFUSED] = {"it answers a program or a command with an error code; one that refuses "
                                    "the cell off, too, is told as silent",
                                    SAFE, REFUSED_AGAIN, FAULT_ENDS, "the code and its meaning"},
    [FAULT_POTENTIOSTAT_UNPLUGGED] = {RIG_IS_OFF, SAFE, BROUGHT_BACK, FAULT_ENDS, RECOVERY_SEEN},
    [FAULT_STAGE_SILENT] = {"no reply within 0.3 s", SAFE, BROUGHT_BACK, FAULT_ENDS, RECOVERY_SEEN},
    [FAULT_STAGE_GARBLED] = {"a reply that is none, or part of one", SAFE, BROUGHT_BACK, FAULT_ENDS,
                             "what came; " RECOVERY_SEEN},
    [FAULT_STAGE_LATE] = {"a reply to an earlier question, or one that comes behind its deadline", SAFE,
                          BROUGHT_BACK, FAULT_ENDS, RECOVERY_SEEN},
    [FAULT_STAGE_RESET] =
        {"something failed, and its velocities are no longer those that were set",
         "the safe state; a coarse axis, if there is one, lifts the head first. While it starts it hears "
         "nothing and z creeps: what is in contact then may meet the sample",
         "nothing by itself: a controller that started anew may have lost its reference; `seccm resume` goes "
         "on, unless the head was lifted: then a new run",
         FAULT_ENDS, "which velocity; look at the controller before going on"},
    [FAULT_STAGE_ERROR] = {"it reports an error that no command of ours has caused; it is asked before each "
                           "descent and behind moves that fail",
                           SAFE, BY_OPERATOR, FAULT_ENDS, "the code and its meaning"},
    [FAULT_STAGE_REFUSED] = {"it reports that a command was not accepted", SAFE, REFUSED_AGAIN, FAULT_ENDS,
                             "the command, the code and its meaning"},
    [FAULT_STAGE_UNPLUGGED] = {RIG_IS_OFF, SAFE, BROUGHT_BACK, FAULT_ENDS, RECOVERY_SEEN},
    [FAULT_AXIS_OFF_TARGET] =
        {"a move makes no headway for 1 s or is late, or the stage stands elsewhere, or wanders, while "
         "nothing was commanded; in contact or on the way up z is lower by 2 tolerances",
         SAFE, BY_OPERATOR, FAULT_ENDS, "axes, position and target"},
    [FAULT_SERVO_LOST] =
        {"something failed, or z sinks or a contact was made, and the servo of an axis is off or the "
         "controller "
         "says so",
         "the safe state, with one push up by the voltage of z right behind the stop, before it has crept by "
         "the drop's height; the servo of z is switched on again where it stands, and if it stays off z goes "
         "up "
         "by its voltage",
         BY_OPERATOR, FAULT_ENDS, "which axis, and by which way z came up"},
    [FAULT_LIMIT_HIT] =
        {"the controller reports it, or an axis stands at an end of its travel where it was not sent", SAFE,
         BY_OPERATOR, FAULT_ENDS, "which axis, and which end"},
    [FAULT_UNDERLOAD] = {"more than half of the samples of a step are flagged as underload",
                         "nothing: the data are kept", "not needed; choose a smaller range",
                         "as without it, flagged underload", "the step and the number of samples"},
    [FAULT_DISK_FULL] = {"a write of the results file finds no space; free space is checked before the run, "
                         "too",
                         SAFE, "when there is space: `seccm resume`",
                         "fault; what was committed before stays whole",
                         "the path; before a run, what is free and what may be needed"},
    [FAULT_DISK_ERROR] = {"a write or a sync of the results file fails or takes too long", SAFE,
                          "when the disk is in order: `seccm resume`",
                          "fault; what was committed before stays whole", "the path and the system's error"},
    [FAULT_FILE_LOCKED] = {"another process holds the results file", "nothing is begun, nothing moves",
                           "when the other run has ended", "there is no attempt",
                           "number and host of that process, and since when it holds the file"},
    [FAULT_CLOCK_STEPPED] = {"the time of day and the steady clock go apart by more than 1 s",
                             "nothing: the run has a time of its own that nobody can set", "not needed",
                             "as without it; `stop.by` goes by the new time", "by how much"},
    [FAULT_SUSPENDED] =
        {"the machine slept for more than 1 s, or the run was stopped for more than 4 s", SAFE,
         "both instruments are identified anew or brought back; then in place if the spot was not touched, "
         "else at a spare",
         "fault, if a site was under way", "for how long"},
    [FAULT_STOPPED_BY_SIGNAL] = {"SIGINT, SIGTERM or SIGHUP",
                                 SAFE ", which a second signal does not cut short", "`seccm resume` goes on",
                                 "aborted, if a site was under way; exit status 130",
                                 "which signal, and whether the rig is verified safe"},
    [FAULT_RUN_DIED] =
        {"the guardian sees that the run is gone, or hears nothing of it for 5 s; after a power cut `seccm "
         "resume` finds an attempt without an outcome",
         "the guardian ends the run for certain and brings the rig to its safe state",
         "`seccm resume` retracts first; the spot counts as possibly touched, a spare takes its levels",
         "interrupted", "the guardian's log, told and stored by `seccm resume`"},
    [FAULT_GUARDIAN_LOST] =
        {"the guardian's process is gone or does not answer",
         "nothing goes down any more: a descent under way ends in the safe state, a site that is being "
         "measured is finished",
         "`seccm resume` starts another", "fault, if it was on its way down; the run pauses",
         "that the guardian is gone"},
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
    unsigned rest = row->policies & ~(1u << row->policy);
    const char *before = " ";
    for (int p = 0; p < POLICY_COUNT; p++)
        if (rest & 1u << p) {
            bool last = rest >> (p + 1) == 0;
            buf_printf(&text, "%s%s", last && before[0] == ',' ? " or " : before,
                       fault_policy_name((enum fault_policy)p));
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
    "event, and counted by `seccm status`.",
    "The safe state. The stop of z and the command that opens the cell are written at once, without waiting "
    "for a reply. Then z is retracted as far as it goes, whatever it takes: in closed loop, with its servo "
    "switched on again, by its voltage, by the coarse axis. Both are verified, and \"safe\" is said only of "
    "what was verified. x and y stay where they are. No signal cuts it short.",
    "Policies. spare: a spare takes the site's levels. retry: again in place where the spot was not touched, "
    "3 attempts at most, else as spare. skip: the site is left as it is. pause: the run pauses, `seccm "
    "resume` "
    "goes on, with a spare for the lost site. abort: the run ends, resume asks for --accept.",
    "Budgets, beyond which the run pauses (or, with `then: abort`, ends): faults.consecutive (5 bad sites in "
    "a row), faults.total (50 bad sites, or a quarter of the planned ones, whichever is more), "
    "faults.recover.consecutive (3 tries to bring an instrument back without a site measured in between) and "
    "faults.recover.total (12).",
    "Bringing an instrument back. A stage whose link is down is looked for at once, as a part of the safe "
    "state, "
    "and retracted if it is the same unit. Behind the safe state the run waits faults.recover.back-off (10 "
    "s, doubled "
    "from try to try up to 10 min), and goes on only if everything is proven anew: links open and drained, "
    "both instruments the same units as before, limits read back, servos on where the stage stands, full "
    "retraction, cell open. The operator may stop it meanwhile. When the budget is used up the run "
    "pauses, verified safe, or ends with a fault.",
};

/* ---- how soon ---- */

__attribute__((format(printf, 3, 4))) static void bound(struct buf *out, const char *what, const char *fmt,
                                                        ...)
{
    char within[40];
    va_list args;
    va_start(args, fmt);
    vsnprintf(within, sizeof within, fmt, args);
    va_end(args);
    buf_printf(out, "      %-53s %s\n", what, within);
}

static double ms(ns_t t)
{
    return ns_to_s(t) * 1e3;
}

/* What no poll and no command can prevent. */
static const char limits[] =
    "What can not be prevented: a controller that starts anew hears nothing for as long as it boots, and its "
    "z "
    "creeps meanwhile. A piezo creeps by some um per decade of time, so within a boot of 1.5 s and the "
    "question "
    "behind it by about 1.5 times its creep per decade (simulated: 1 um per decade, the glass at most 1.4 um "
    "below the sample's surface behind a drop of 0.2 um). With a servo and an amplifier that are both dead z "
    "creeps on, by that much more in each ten times the time, until a coarse axis or somebody lifts the "
    "head. x and y creep as z does, with the drop on the sample if it is in contact: by some hundred nm "
    "before "
    "z is up.";

/* S4 within a stated bound: what the run and the drivers wait for, and what the tests on the simulated rig
 * hold them to. */
static void add_bounds(struct buf *out)
{
    buf_str(out, "\nHow soon the safe state comes (of two times the longer one counts)\n    noticed\n");
    bound(out, "samples stop while z goes down: z halts", "%g ms, or %d samples", ms(BOUND_STALE),
          BOUND_STALE_SAMPLES);
    bound(out, "samples stop: the potentiostat is silent", "%g s, or %d samples", ns_to_s(BOUND_SILENT),
          BOUND_SILENT_SAMPLES);
    bound(out, "  while its program starts, changes its mode or ends", "%g s more",
          ns_to_s(BOUND_MODE_CHANGE));
    bound(out, "a question is not answered", "%g s", ns_to_s(BOUND_REPLY));
    bound(out, "an axis makes no headway, or z does not rise", "%g s", ns_to_s(BOUND_HEADWAY));
    bound(out, "z sinks, or the stage wanders, in contact", "%g ms", ms(BOUND_WANDER));
    bound(out, "the current is beyond the ceiling", "%d sample", BOUND_CEILING);
    bound(out, "the current is beyond the range", "%d samples", BOUND_OVERLOADS);
    bound(out, "the run has died (its guardian sees it)", "at once");
    bound(out, "the run hangs (its guardian hears nothing)", "%g s", ns_to_s(BOUND_GUARDIAN));
    buf_str(out, "    then\n");
    bound(out, "stop of z and cell off are written", "%g ms", ms(BOUND_WRITTEN));
    bound(out, "z is at rest (a healthy stage)", "%g s", ns_to_s(BOUND_AT_REST));
    bound(out, "  where no stop reaches it: its last move ends", "leash, or descent");
    bound(out, "the stage's link is down: tries to open it again", "%g s", ns_to_s(BOUND_RELINK));
    bound(out, "the cell is open (a healthy potentiostat)", "%g s", ns_to_s(BOUND_OPEN));
    bound(out, "z is fully retracted, by each way that is tried", "%d way/speed + %g s", BOUND_UP_WAYS,
          ns_to_s(BOUND_UP));
    bound(out, "the open cell is verified, behind that", "%g s", ns_to_s(BOUND_VERIFIED));
    buf_char(out, '\n');
    help_wrap_to(limits, 0, 0, WIDTH, out);
}

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
    add_bounds(out);
    add_all(out);
    buf_str(out, "\nOne class: seccm help faults CLASS\n");
}
