/* What a protocol file may hold outside its steps: the tables that the parser, its messages, the help and the
 * JSON Schema share. All offsets count from struct protocol, nested maps included. */
#include "protocol/protocol.h"

#include "protocol/design.h"
#include "protocol/factor.h"
#include "protocol/grid.h"

#define P(member)            offsetof(struct protocol, member)
#define TEXT(member)         FIELD_STRING, DIM_NONE, P(member)
#define NUMBER(dim_, member) FIELD_QUANTITY, DIM_##dim_, P(member)
#define VALUE(dim_, member)  FIELD_VALUE, DIM_##dim_, P(member)

static const struct field sample_table[] = {
    {"name", TEXT(sample_name), false, NULL, 0, 0, NULL, NULL, "what the sample is"},
    {"note", TEXT(sample_note), false, NULL, 0, 0, NULL, NULL, "how it was made or treated"},
};
static const struct fields sample_fields = FIELDS("`sample`", sample_table);

static const struct field probe_table[] = {
    {"id", TEXT(probe_id), false, NULL, 0, 0, NULL, NULL, "name of the pipette in the lab book"},
    {"barrels", FIELD_INT, DIM_NONE, P(barrels), false, "1", 1, 2, NULL, NULL,
     "number of barrels; this version lands by the surface current of a single barrel"},
    {"aperture", NUMBER(LENGTH, aperture), true, NULL, 5e-9, 100e-6, NULL, NULL, "diameter of the opening"},
    {"wetted", NUMBER(NONE, wetted), false, "1.5", 0.5, 10, NULL, NULL,
     "diameter of the wetted spot divided by the aperture"},
    {"wetted-uncertainty", NUMBER(NONE, wetted_uncertainty), false, "0.5", 0, 10, NULL, NULL,
     "standard uncertainty of `wetted`"},
    {"residue", NUMBER(NONE, residue), false, NULL, 1, 20, NULL, NULL,
     "diameter of the residue divided by that of the wetted spot, once it was measured; sites then need to "
     "be "
     "1.5 residues apart, otherwise 3 residues of 1.3 wetted diameters"},
    {"fiducial", FIELD_POINT, DIM_LENGTH, P(fiducial), false, NULL, -1, 1, NULL, NULL,
     "where the stage stands as [x, y] with this probe's end over a mark that can be found again: what a "
     "probe that takes its place in the same run is lined up by (`seccm resume --new-probe`)"},
};
static const struct fields probe_fields = FIELDS("`probe`", probe_table);

static const struct field reference_table[] = {
    {"electrode", TEXT(reference), true, NULL, 0, 0, NULL, NULL,
     "reference that all potentials of this file are versus"},
    {"offset", NUMBER(POTENTIAL, offset), true, NULL, -10, 10, NULL, NULL,
     "potential of the quasi-reference in the pipette versus that reference"},
    {"uncertainty", NUMBER(POTENTIAL, offset_uncertainty), true, NULL, 0, 5, NULL, NULL,
     "standard uncertainty of the offset over the run, drift included"},
    {"plating", NUMBER(POTENTIAL, plating), false, NULL, -10, 10, NULL, NULL,
     "potential at which metal is plated; 0 V if left out and `electrode` begins with Li/Li+"},
};
static const struct fields reference_fields = FIELDS("`reference`", reference_table);

static const struct field limits_table[] = {
    {"potential", FIELD_PAIR, DIM_POTENTIAL, P(e_limit), true, NULL, -20, 20, NULL, NULL,
     "lowest and highest potential of the sample that may ever be applied"},
    {"current", NUMBER(CURRENT, i_limit), true, NULL, 1e-15, 1, NULL, NULL,
     "largest magnitude of the current that may ever flow"},
};
static const struct fields limits_fields = FIELDS("`limits`", limits_table);

static const struct field surface_table[] = {
    {"clearance", NUMBER(LENGTH, clearance), false, "2 um", 10e-9, 1e-3, NULL, NULL,
     "free height above the highest obstacle when moving sideways"},
    {"peak", NUMBER(LENGTH, peak), false, "1 um", 0, 1e-3, NULL, NULL,
     "height of the highest obstacle above the mean surface (particles, steps)"},
    {"sigma", NUMBER(LENGTH, sigma), false, "0.1 um", 0, 1e-3, NULL, NULL,
     "standard deviation of heights about the fitted surface that is expected before it is known"},
    {"drift", NUMBER(SPEED, drift), false, "1 nm/min", 0, 1e-6, NULL, NULL,
     "how fast the surface may drift up or down at most (temperature, evaporation): the night's drift must "
     "fit "
     "into the range of z"},
    {"drop", NUMBER(LENGTH, drop), false, NULL, 1e-9, 100e-6, NULL, NULL,
     "height by which the drop protrudes below the glass; half the aperture if left out. An approach never "
     "goes so far below the predicted contact that glass could meet a spot that gives no current"},
};
static const struct fields surface_fields = FIELDS("`surface`", surface_table);

static const char *const signals[] = {"current", NULL};
static const char *const kinds[] = {"transient", "steady", NULL};

static const struct field contact_table[] = {
    {"signal", FIELD_CHOICE, DIM_NONE, P(approach.signal), false, "current", 0, 0, signals, NULL,
     "what shows the contact"},
    {"kind", FIELD_CHOICE, DIM_NONE, P(approach.contact_kind), false, "transient", 0, 0, kinds, NULL,
     "a short charging current, or a current that stays"},
    {"threshold", VALUE(CURRENT, approach.threshold), true, NULL, 1e-15, 1, NULL, NULL,
     "smallest change of the current that counts as contact"},
    {"sigmas", VALUE(NONE, approach.sigmas), false, "6", 3, 100, NULL, NULL,
     "the change must also exceed this many standard deviations of the noise"},
};
static const struct fields contact_fields = FIELDS("`approach.contact`", contact_table);

static const struct field approach_table[] = {
    {"bias", VALUE(POTENTIAL, approach.bias), true, NULL, -20, 20, NULL, NULL,
     "potential of the sample during the approach"},
    {"speed", VALUE(SPEED, approach.speed), true, NULL, 1e-9, 100e-6, NULL, NULL,
     "speed of the slow approach"},
    {"leash", VALUE(LENGTH, approach.leash), false, NULL, 1e-9, 10e-6, NULL, NULL,
     "how far the commanded height may be ahead of the last good sample; 0.3 um or `surface.drop` if left "
     "out, "
     "whichever is smaller"},
    {"travel", VALUE(LENGTH, approach.travel), true, NULL, 100e-9, 1e-3, NULL, NULL,
     "longest slow approach while the surface is unknown"},
    {"sample", VALUE(TIME, approach.interval), false, "1 ms", 10e-6, 1, NULL, NULL,
     "time between samples during the approach"},
    {"contact", FIELD_MAP, DIM_NONE, 0, true, NULL, 0, 0, NULL, &contact_fields, "what counts as contact"},
    {"confirm", VALUE(TIME, approach.confirm), false, "50 ms", 1e-3, 60, NULL, NULL,
     "time at rest in which the contact must show again"},
    {"ceiling", VALUE(CURRENT, approach.ceiling), false, NULL, 1e-15, 1, NULL, NULL,
     "current at which the cell is opened at once; `limits.current` if left out"},
};
static const struct fields approach_fields = FIELDS("`approach`", approach_table);

static const struct field retract_table[] = {
    {"bias", VALUE(POTENTIAL, retract.bias), false, NULL, -20, 20, NULL, NULL,
     "potential of the sample until the drop has broken; that of the approach if left out"},
    {"detach", VALUE(SPEED, retract.detach), false, "1 um/s", 1e-9, 1e-3, NULL, NULL,
     "speed while the break is watched for"},
    {"then", VALUE(SPEED, retract.then), false, "10 um/s", 1e-9, 10e-3, NULL, NULL, "speed afterwards"},
    {"travel", VALUE(LENGTH, retract.travel), false, NULL, 100e-9, 1e-3, NULL, NULL,
     "distance within which the drop must break; 5 um or 10 wetted diameters if left out, whichever is "
     "larger"},
};
static const struct fields retract_fields = FIELDS("`retract`", retract_table);

static const struct field alive_table[] = {
    {"amplitude", NUMBER(POTENTIAL, alive.amplitude), false, "0.1 V", 1e-3, 2, NULL, NULL,
     "the triangle that proves the signal alive goes this far to both sides of the bias, in air"},
    {"rate", NUMBER(SCAN_RATE, alive.rate), false, "10 V/s", 1e-3, 1000, NULL, NULL,
     "scan rate of that triangle"},
    {"blank-rate", NUMBER(SCAN_RATE, alive.blank_rate), false, "10 V/s", 1e-3, 1000, NULL, NULL,
     "scan rate of the blank over the range of the voltammograms, in air"},
};
static const struct fields alive_fields = FIELDS("`alive`", alive_table);

static const struct field landing_table[] = {
    {"ocp", FIELD_PAIR, DIM_POTENTIAL, P(landing.ocp), true, NULL, -20, 20, NULL, NULL,
     "open-circuit potentials that are accepted, lowest and highest; a contact outside is "
     "`landing-rejected`: "
     "no step "
     "is done there"},
    {"for", NUMBER(TIME, landing.duration), false, "0.5 s", 1e-3, 1e4, NULL, NULL,
     "how long the open circuit is watched; the mean of the second half counts"},
    {"sample", NUMBER(TIME, landing.interval), false, "10 ms", 10e-6, 3600, NULL, NULL,
     "time between samples"},
};
static const struct fields landing_fields = FIELDS("`landing`", landing_table);

static const struct field vary_table[] = {
    {"design", FIELD_CHOICE, DIM_NONE, P(design), false, "randomised-blocks", 0, 0, design_names, NULL,
     "how combinations of levels are given to sites: full-factorial in the order written, over and over; "
     "completely-randomised over all sites; randomised-blocks, each combination once in each run of "
     "neighbouring "
     "sites; latin-square, each once in each row and column of a square of the grid; by-column, by-row and "
     "by-region, the same at all of its sites; gradient, in equal steps from the first level to the last"},
    {"along", FIELD_CHOICE, DIM_NONE, P(along), false, "x", 0, 0, along_names, NULL,
     "gradient: what the levels are linear in, x, y or the number of the site"},
    {"shuffle", FIELD_BOOL, DIM_NONE, P(shuffle), false, "no", 0, 0, NULL, NULL,
     "by-column, by-row, by-region: deal the combinations in random order instead of as written"},
    {"factors", FIELD_NODE, DIM_NONE, P(factors_node), true, NULL, 0, 0, NULL, &factor_fields,
     "name: list of levels, or one value per site from a file; `$name` elsewhere takes the level of the site",
     NODE_FACTORS},
    {"linked", FIELD_NODE, DIM_NONE, P(linked_node), false, NULL, 0, 0, NULL, NULL,
     "factors that vary together, such as [[cutoff, rate]]: each takes its first level where the others do",
     NODE_NAME_LISTS},
};
static const struct fields vary_fields = FIELDS("`vary`", vary_table);

/* In the order of enum fault_policy. */
static const char *const policies[] = {"retry", "spare", "skip", "pause", "abort", NULL};
static const char *const stops[] = {"pause", "abort", NULL};

static const struct field consecutive_table[] = {
    {"count", FIELD_INT, DIM_NONE, P(faults.consecutive_count), false, "5", 1, 1000000, NULL, NULL,
     "number of bad sites in a row"},
    {"then", FIELD_CHOICE, DIM_NONE, P(faults.consecutive_then), false, "pause", 0, 0, stops, NULL,
     "what to do after that many"},
};
static const struct fields consecutive_fields = FIELDS("`faults.consecutive`", consecutive_table);

static const struct field total_table[] = {
    {"count", FIELD_INT, DIM_NONE, P(faults.total_count), false, NULL, 1, 1000000, NULL, NULL,
     "number of bad sites altogether, counted from the start or the last resume; 50 or a quarter of the "
     "planned sites, whichever is more, if left out"},
    {"then", FIELD_CHOICE, DIM_NONE, P(faults.total_then), false, "pause", 0, 0, stops, NULL,
     "what to do after that many"},
};
static const struct fields total_fields = FIELDS("`faults.total`", total_table);

static const struct field recover_table[] = {
    {"consecutive", FIELD_INT, DIM_NONE, P(faults.recover_consecutive), false, "3", 0, 1000, NULL, NULL,
     "so often in a row, without a site measured in between"},
    {"total", FIELD_INT, DIM_NONE, P(faults.recover_total), false, "12", 0, 1000000, NULL, NULL,
     "so often altogether, counted from the start or the last resume"},
    {"then", FIELD_CHOICE, DIM_NONE, P(faults.recover_then), false, "pause", 0, 0, stops, NULL,
     "what to do when that is used up"},
    {"back-off", FIELD_PAIR, DIM_TIME, P(faults.back_off), false, NULL, 0, 86400, NULL, NULL,
     "wait before the first try to bring an instrument back, or to try a site again in place, and at most; "
     "doubled from try to try; 10 s and 10 min if left out"},
};
static const struct fields recover_fields = FIELDS("`faults.recover`", recover_table);

static const struct field faults_table[] = {
#define X(id_, name_, place_, allowed_, policy_, word_, what_)                                               \
    {.key = name_,                                                                                           \
     .kind = FIELD_CHOICE,                                                                                   \
     .offset = P(faults.policy[FAULT_##id_]),                                                                \
     .fallback = word_,                                                                                      \
     .choices = policies,                                                                                    \
     .first = POLICY_FIRST_##allowed_,                                                                       \
     .help = what_},
    FAULT_CHOICE_TABLE(X)
#undef X
        {"spreading", NUMBER(NONE, faults.spreading), false, "1.5", 1, 1000, NULL, NULL,
         "meniscus-spreading: the contact capacitance behind the last step, divided by that at contact, "
         "beyond "
         "which the wetted area counts as grown; it must also be significant (4 standard deviations)"},
    {"consecutive", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &consecutive_fields,
     "bad sites in a row that show that something is wrong with all"},
    {"total", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &total_fields,
     "bad sites altogether, likewise"},
    {"recover", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &recover_fields,
     "how often an instrument that failed is brought back without the operator: made safe, found again, "
     "identified, retracted, verified"},
};
static const struct fields faults_fields = FIELDS("`faults`", faults_table);

/* In the order of enum control_then. */
static const char *const control_thens[] = {"pause", "flag", NULL};

static const struct field control_table[] = {
    {"every", FIELD_INT, DIM_NONE, P(controls.every), false, NULL, 1, 1000000, NULL, NULL,
     "a control before the first site and after every so many visited ones, spares included; one more behind "
     "the last site if a spot is left"},
    {"after", NUMBER(TIME, controls.after), false, NULL, 1, 1e8, NULL, NULL,
     "a control whenever this time has passed since the last one, between two sites"},
    {"patch", TEXT(controls.patch), true, NULL, 0, 0, NULL, NULL,
     "region of the grid whose places are the fresh spots of the controls, in their order; none of them is "
     "measured as a site. A spot that gives no measurement is followed by the next, at most 3 in a row, then "
     "the run pauses"},
    {"steps", FIELD_NODE, DIM_NONE, P(controls.steps_node), false, NULL, 0, 0, NULL, &site_fields,
     "list of the steps at a control, without factors; those of `site` if left out", NODE_STEPS},
    {"accept", FIELD_NODE, DIM_NONE, P(controls.accept_node), false, NULL, 0, 0, NULL, NULL,
     "what a control must show, such as {formation.q_sei@1: [-600 fC, -500 fC]}; a value that is missing or "
     "outside makes the control a failed one. Without it a control that is measured is good",
     NODE_INTERVALS},
    {"then", FIELD_CHOICE, DIM_NONE, P(controls.then), false, "pause", 0, 0, control_thens, NULL,
     "after a failed control: pause, and begin with a new control when resumed; or flag and go on. Sites "
     "between the last good control and the failed one get the flag control-failed in both cases, and so do "
     "all after it until a control is good again"},
};
static const char *const control_rules[] = {"every", "after", NULL};
const struct fields control_fields = {
    .what = "`control`",
    .field = control_table,
    .n = sizeof control_table / sizeof control_table[0],
    .any_of = control_rules,
};

static const struct field when_table[] = {
    {"feature", TEXT(stop.when.feature), true, NULL, 0, 0, NULL, NULL,
     "feature that is to be known well enough, such as formation.q_irr@1"},
    {"by", TEXT(stop.when.by), false, NULL, 0, 0, NULL, NULL,
     "factor: each of its levels for itself; all sites together if left out"},
    {"half-width", FIELD_NODE, DIM_NONE, P(stop.when.half_width_node), true, NULL, 0, 0, NULL, NULL,
     "half the width of the 95 % confidence interval of the median, from order statistics: in % of the "
     "median, or in the unit of the feature",
     NODE_AMOUNT},
    {"at-least", FIELD_INT, DIM_NONE, P(stop.when.at_least), false, "20", 1, 1000000, NULL, NULL,
     "so many measured sites, at each level, before it is judged; 6 are the least that give an interval. Not "
     "counted are sites measured with a probe of another aperture than the present one (--new-probe), nor "
     "those flagged probe-suspect"},
};
static const struct fields when_fields = FIELDS("`stop.when`", when_table);

static const struct field stop_table[] = {
    {"after", NUMBER(TIME, stop.after), false, NULL, 1, 1e8, NULL, NULL,
     "no new site is begun after this time, counted from the start or the last resume; the run pauses"},
    {"by", TEXT(stop.by), false, NULL, 0, 0, NULL, NULL,
     "clock time, \"06:30\" for the next one after the start or \"2026-11-23 06:30\", local time: no site is "
     "begun that would end later; the run pauses"},
    {"count", FIELD_INT, DIM_NONE, P(stop.count), false, NULL, 1, 1000000, NULL, NULL,
     "measured sites per combination of levels: further sites of a combination that has so many are left "
     "out as not-visited"},
    {"when", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &when_fields,
     "enough is known: once every level has its sites and its interval is narrow enough the run is finished. "
     "Until then all levels go on, so that the design stays balanced in place and time"},
};
const struct fields stop_fields = FIELDS("`stop`", stop_table);

static const struct field health_table[] = {
    {"watch", FIELD_BOOL, DIM_NONE, P(health.watch), false, "yes", 0, 0, NULL, NULL,
     "whether the control charts are kept; what follows from them is said by `tip-blocked`, `tip-broken` and "
     "`tip-wetting` of `faults`"},
    {"baseline", FIELD_INT, DIM_NONE, P(health.baseline), false, "12", 8, 50, NULL, NULL,
     "so many landings, in each region of the grid, say what is usual before a change is judged; while "
     "nothing is suspicious up to 50 do. A probe that blocks within the first ones is not told by the "
     "charts: "
     "`consecutive` and `total` of `faults`, and controls, hold from the first site on"},
    {"sigmas", NUMBER(NONE, health.sigmas), false, "5", 3, 10, NULL, NULL,
     "limits of the charts, in standard deviations of what they show: smaller ones tell a change earlier, "
     "and "
     "more often where there is none"},
};
static const struct fields health_fields = FIELDS("`health`", health_table);

static const struct field sei_table[] = {
    {"step", TEXT(sei.step), true, NULL, 0, 0, NULL, NULL, "name of the cv step that forms the SEI"},
    {"window", FIELD_PAIR, DIM_POTENTIAL, P(sei.window), true, NULL, -20, 20, NULL, NULL,
     "potentials between which the charge is counted as SEI"},
};
static const struct fields sei_fields = FIELDS("`analysis.sei`", sei_table);

static const struct field wetting_table[] = {
    {"potential", NUMBER(POTENTIAL, wet_check_potential), true, NULL, -20, 20, NULL, NULL,
     "where the capacitance is read as a measure of the wetted area"},
};
static const struct fields wetting_fields = FIELDS("`analysis.wetting`", wetting_table);

static const struct field analysis_table[] = {
    {"sei", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &sei_fields, "SEI charge and its ratio"},
    {"wetting", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &wetting_fields, "check of the wetted area"},
};
static const struct fields analysis_fields = FIELDS("`analysis`", analysis_table);

static const struct field protocol_table[] = {
    {"seccm", FIELD_FORMAT, DIM_NONE, P(format), true, NULL, 1, 1, NULL, NULL,
     "format of the file; this version reads 1"},
    {"name", TEXT(name), true, NULL, 0, 0, NULL, NULL, "what this experiment is"},
    {"sample", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &sample_fields, "the sample"},
    {"electrolyte", TEXT(electrolyte), false, NULL, 0, 0, NULL, NULL, "what is in the pipette"},
    {"operator", TEXT(operator_name), false, NULL, 0, 0, NULL, NULL, "who runs it"},
    {"seed", FIELD_INT, DIM_NONE, P(seed), false, "1", 0, 0, NULL, NULL,
     "chooses the randomisation: the same seed gives the same plan"},
    {"probe", FIELD_MAP, DIM_NONE, 0, true, NULL, 0, 0, NULL, &probe_fields, "the pipette"},
    {"reference", FIELD_MAP, DIM_NONE, 0, true, NULL, 0, 0, NULL, &reference_fields,
     "what potentials are versus"},
    {"rig", TEXT(rig_path), true, NULL, 0, 0, NULL, NULL, "file of the rig, relative to this file"},
    {"grid", FIELD_NODE, DIM_NONE, P(grid_node), true, NULL, 0, 0, NULL, &grid_fields,
     "file of the grid, relative to this file, or the grid itself", NODE_FILE_OR_MAP},
    {"avoid", FIELD_STRINGS, DIM_NONE, P(avoid), false, NULL, 0, 0, NULL, NULL,
     "results files of earlier runs on this sample, relative to this file: sites keep away from the spots "
     "that were touched there"},
    {"limits", FIELD_MAP, DIM_NONE, 0, true, NULL, 0, 0, NULL, &limits_fields, "what must never be exceeded"},
    {"surface", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &surface_fields,
     "what is expected of the sample's heights"},
    {"approach", FIELD_MAP, DIM_NONE, 0, true, NULL, 0, 0, NULL, &approach_fields,
     "how the drop is brought to the sample"},
    {"retract", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &retract_fields,
     "how it is taken off again"},
    {"alive", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &alive_fields,
     "proof of the signal and the blank before each descent"},
    {"landing", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &landing_fields,
     "test of each contact by its open-circuit potential, before the steps"},
    {"vary", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &vary_fields, "what differs from site to site"},
    {"site", FIELD_NODE, DIM_NONE, P(site_node), true, NULL, 0, 0, NULL, &site_fields,
     "list of the steps at each site", NODE_STEPS},
    {"steps", FIELD_NODE, DIM_NONE, P(steps_node), false, NULL, 0, 0, NULL, NULL,
     "steps that `use` puts in where they are wanted, by name", NODE_NAMED_STEPS},
    {"faults", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &faults_fields,
     "what to do when a site goes wrong"},
    {"control", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &control_fields,
     "fresh spots of a reference patch, visited between the sites: drift and health of the probe"},
    {"health", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &health_fields,
     "control charts of what each landing shows of the probe: blocked, broken, wet outside"},
    {"stop", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &stop_fields, "when to end early"},
    {"analysis", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &analysis_fields,
     "settings of the analysis that depend on the chemistry"},
};
const struct fields protocol_fields = FIELDS("the protocol", protocol_table);
