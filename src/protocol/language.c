/* Protocol, grid and rig files in words. The keys come from the parser's tables; what stands here is what
 * tables can not say, and one example each, which the tests read. */
#include "protocol/language.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/schema_help.h"
#include "base/schema_json.h"
#include "instrument/rig.h"
#include "protocol/grid.h"
#include "protocol/protocol.h"
#include "protocol/step_read.h"

static const char quantities[] = "Quantities carry their unit: `50 mV/s`, `2 um`, `-1 mA/cm2`, `10 min`, `5 "
                                 "%`. Any unit of the right dimension is "
                                 "understood. Keys that are not listed here are errors. Files are YAML.\n\n";

#define STEPS_TEXT                                                                                           \
    "Steps are played one after another; the cell is never left floating in between, but where a change "    \
    "to or from a constant current or the question of a condition forces a gap, whose state `between` "      \
    "says. `until` ends a step early: any of its conditions does, those inside `all` only together.\n\n"     \
    "`repeat` plays its steps over and over; `when` plays them only if a feature of an earlier step meets "  \
    "a condition. Features are those of `seccm features`: formation.q_sei@1 is the SEI charge of the first " \
    "cycle of the step `formation`, formation.q_sei that of its newest one. Cycles go on over the passes "   \
    "of "                                                                                                    \
    "a repeat. A missing value never counts as a number.\n\n"                                                \
    "`use: NAME` puts in what `steps` at the top level gives that name to, `use: {step: NAME, as: OTHER}` "  \
    "the same under another name; `include: FILE` puts in the steps of a file of its own (`seccm help "      \
    "steps`), which lies in the protocol's folder or below."

static const char protocol_intro[] =
    "A protocol says what happens at each site, and what differs from site to site.\n\n"
    "Potentials are those of the sample versus `reference.electrode`; currents are positive for oxidation of "
    "the "
    "sample; the rig file knows the signs of the wiring.\n\n"
    "Where `$name` is accepted, the value can differ from site to site: `vary.factors` defines the name with "
    "its levels, "
    "and `vary.design` says which site gets which. Factors in one list of `vary.linked` vary together. A "
    "factor can also "
    "take one value per site from a table: `{from: {file: levels.csv, column: potential}}`, or from a column "
    "that the grid's points have beside x and y: `{from: {column: potential}}`. Without `$name` "
    "nothing "
    "varies and `vary` is left out.\n\n"
    "Designs: full-factorial (in the order written, over and over), completely-randomised, randomised-blocks "
    "(each "
    "combination once in each run of neighbouring sites: against drift and slopes; the default), "
    "latin-square (each once in "
    "each row and column of a square), by-column, by-row, by-region, and gradient (linear in x, y or the "
    "number of the "
    "site). `seccm plan` shows the count per combination and warns where levels go with position or time.\n\n"
    "`control` visits fresh spots of a reference patch between the sites: `{every: 25, patch: reference, "
    "accept: "
    "{formation.q_sei@1: [-600 fC, -500 fC]}, then: pause}`. The patch is a region of the grid. Tables and "
    "statistics leave the controls out; `--role control` shows them.\n\n"
    "`stop` ends a run early: after a time, by a clock time (`by: \"06:30\"`), with enough measured sites "
    "per "
    "combination of levels (`count: 30`), or once a median is known well enough: `when: {feature: "
    "formation.q_irr@1, by: cutoff, half-width: 5 %, at-least: 20}`.\n\n" STEPS_TEXT;

static const char protocol_example[] =
    "seccm: 1\n"
    "name: SEI at two cut-offs and two rates\n"
    "sample: {name: HOPG, note: freshly cleaved}\n"
    "electrolyte: \"1 M LiPF6 in EC:EMC 3:7\"\n"
    "probe: {id: P17, aperture: 400 nm}\n"
    "reference: {electrode: \"Li/Li+ by Ag QRCE\", offset: 3.2 V, uncertainty: 0.1 V}\n"
    "rig: rig.yaml\n"
    "grid: grid.yaml\n"
    "limits: {potential: [0 V, 4 V], current: 5 nA}\n"
    "approach:\n"
    "  bias: 2 V\n"
    "  speed: 1 um/s\n"
    "  travel: 12 um\n"
    "  contact: {threshold: 3 pA}\n"
    "vary:\n"
    "  design: latin-square\n"
    "  factors: {cutoff: [1 V, 0.5 V], rate: [0.5 V/s, 1 V/s], n: [5, 10]}\n"
    "  linked: [[rate, n]]\n"
    "site:\n"
    "  - hold: {potential: 3 V, for: 0.5 s}\n"
    "  - cv: {name: formation, start: 3 V, vertices: [$cutoff, 3 V], rate: $rate, "
    "cycles: $n}\n"
    "  - galvanostatic: {current: -2 pA, until: {potential: \"< $cutoff\", elapsed: 20 s}}\n"
    "  - ocp: {for: 2 s}\n"
    "stop: {after: 10 h, by: \"06:30\"}\n";

static const char steps_intro[] =
    "A file of steps is put into a protocol by `- include: FILE` where its steps are wanted, in `site` or in "
    "another list of steps. `$name` and `use` mean there what the protocol says.\n\n" STEPS_TEXT;

static const char steps_example[] =
    "seccm: 1\n"
    "name: from the landing to charge and discharge\n"
    "steps:\n"
    "  - ocp: {name: landing, for: 30 s, drift: 1 mV/s, over: 2 s}\n"
    "  - hold: {potential: 3 V, for: 10 s, until: {current: \"< 1 pA\"}}\n"
    "  - repeat:\n"
    "      count: 20\n"
    "      until: {feature: formation.q_irr, above: -5 fC}\n"
    "      steps:\n"
    "        - cv: {name: formation, start: 3 V, vertices: [0.5 V, 3 V], rate: 1 V/s}\n"
    "  - when:\n"
    "      feature: formation.q_red@1\n"
    "      below: -500 fC\n"
    "      steps:\n"
    "        - cv: {start: 3 V, vertices: [0.5 V, 2 V, 0.5 V, 3 V], end: 2.5 V, rate: [0.1 V/s, 1 V/s],\n"
    "               cycles: 2}\n"
    "        - lsv: {start: 2.5 V, end: 1 V, rate: 0.5 V/s, sample: 2 ms}\n"
    "  - galvanostatic:\n"
    "      density: -1 mA/cm2\n"
    "      until: {potential: \"< 0.5 V\", elapsed: 60 s}\n"
    "      reverse: {density: 1 mA/cm2, until: {potential: \"> 2 V\", elapsed: 60 s, capacity: 100 %}}\n"
    "      cycles: 3\n"
    "  - pulse: {potentials: [2 V, 2.5 V], for: [1 s, 4 s], count: 5}\n"
    "  - rest: {for: 5 s, cell: hold}\n";

static const char grid_intro[] =
    "A grid says where the sites are and in which order they are visited. Coordinates are the "
    "stage's. A protocol names a grid file or holds the same keys itself, under `grid`.";

static const char grid_example[] = "grid: 1\n"
                                   "name: six by six\n"
                                   "shape: rectangle\n"
                                   "columns: 6\n"
                                   "rows: 6\n"
                                   "pitch: 5 um\n"
                                   "origin: {x: 10 um, y: 10 um}\n"
                                   "spares: 6\n";

static const char rig_intro[] = "A rig file says which instruments there are, how they are linked, mounted "
                                "and wired, and what they may do. "
                                "`seccm rig check` compares it with the instruments. Signs have no defaults: "
                                "a wrong one drives the tip into the "
                                "sample or the potential beyond its limit.";

static const char rig_example[] = "rig: 1\n"
                                  "name: bench\n"
                                  "stage:\n"
                                  "  driver: pi-gcs\n"
                                  "  link: serial:/dev/serial/by-id/usb-PI_E-727-if00-port0\n"
                                  "  axes: {x: \"1\", y: \"2\", z: \"3\"}\n"
                                  "  toward-sample: -1\n"
                                  "  x: [2 um, 98 um]\n"
                                  "  y: [2 um, 98 um]\n"
                                  "  z: [1 um, 99 um]\n"
                                  "  retracted: 99 um\n"
                                  "potentiostat:\n"
                                  "  driver: methodscript\n"
                                  "  model: nexus\n"
                                  "  link: serial:/dev/serial/by-id/usb-PalmSens_Nexus-if00\n"
                                  "wiring: {potential: +1, current: +1}\n"
                                  "limits: {potential: [-4.5 V, 2.5 V], current: 20 nA}\n"
                                  "air: {stray: 1.5 pF, noise: 0.3 pA}\n";

const struct language languages[LANGUAGES] = {
    {"protocol", "Protocol of seccm", &protocol_fields, protocol_intro, protocol_example},
    {"steps", "Steps of seccm", &fragment_fields, steps_intro, steps_example},
    {"grid", "Grid of seccm", &grid_fields, grid_intro, grid_example},
    {"rig", "Rig of seccm", &rig_fields, rig_intro, rig_example},
};

const struct language *language_find(const char *name)
{
    for (int k = 0; k < LANGUAGES; k++)
        if (strcmp(languages[k].name, name) == 0)
            return &languages[k];
    return NULL;
}

void language_schema(const struct language *l, const struct fields *simulate, struct buf *out)
{
    char id[64];
    snprintf(id, sizeof id, "urn:seccm:%s:1", l->name);
    schema_json(l->fields, id, l->title, simulate, out);
}

static void paragraphs(const char *text, struct buf *out)
{
    while (*text) {
        const char *end = strstr(text, "\n\n");
        size_t n = end ? (size_t)(end - text) : strlen(text);
        struct buf one = {0};
        buf_add(&one, text, n);
        help_wrap(one.p, 0, out);
        buf_char(out, '\n');
        buf_free(&one);
        text += n + (end ? 2 : 0);
    }
}

void language_help(const struct language *l, struct buf *out)
{
    buf_printf(out, "%s\n\n", l->title);
    paragraphs(l->intro, out);
    paragraphs(quantities, out);
    buf_str(out, "Keys\n");
    schema_help(l->fields, out);
    buf_str(out, "\nExample\n\n");
    buf_str(out, l->example);
}
