/* What a sample file and the `probe:` map of a simulated rig may say, with defaults of the sizes seen in
 * practice: a 400 nm aperture on HOPG in a carbonate electrolyte. */
#include "sim/world_config.h"

#include <math.h>
#include <stdlib.h>

#define S(member) offsetof(struct sample_config, member)
#define P(member) offsetof(struct probe_config, member)
#define Q(key_, dim_, offset_, fallback_, min_, max_, help_)                                                 \
    {                                                                                                        \
        .key = key_, .kind = FIELD_QUANTITY, .dim = DIM_##dim_, .offset = offset_, .fallback = fallback_,    \
        .min = min_, .max = max_, .help = help_                                                              \
    }
#define MAP(key_, sub_, help_)                                                                               \
    {                                                                                                        \
        .key = key_, .kind = FIELD_MAP, .offset = 0, .sub = &sub_, .help = help_                             \
    }

/* Nested maps use offset 0, so that every table below counts from the start of the whole configuration; lists
 * are read by their own parsers, through nodes looked up again by key. */

static const struct field disk_field[] = {
    {.key = "x",
     .kind = FIELD_QUANTITY,
     .dim = DIM_LENGTH,
     .offset = offsetof(struct surface_disk, x),
     .required = true,
     .help = "Centre, along the sample."},
    {.key = "y",
     .kind = FIELD_QUANTITY,
     .dim = DIM_LENGTH,
     .offset = offsetof(struct surface_disk, y),
     .required = true,
     .help = "Centre, along the sample."},
    {.key = "radius",
     .kind = FIELD_QUANTITY,
     .dim = DIM_LENGTH,
     .offset = offsetof(struct surface_disk, radius),
     .required = true,
     .min = 1e-9,
     .max = 1e-2,
     .help = "Radius."},
    {.key = "height",
     .kind = FIELD_QUANTITY,
     .dim = DIM_LENGTH,
     .offset = offsetof(struct surface_disk, height),
     .fallback = "0 m",
     .min = 0,
     .max = 1e-4,
     .help = "Height of the middle above the surface (particles only)."},
    Q("activity", NONE, offsetof(struct surface_disk, activity), "1", 0, 10,
      "Reversible storage of this particle in relation to that of the sample: how well it is connected."),
};
static const struct fields disk_fields = FIELDS("a disk", disk_field);

static const struct field region_field[] = {
    {.key = "name",
     .kind = FIELD_STRING,
     .offset = offsetof(struct region, name),
     .help = "Name of the region."},
    {.key = "x",
     .kind = FIELD_QUANTITY,
     .dim = DIM_LENGTH,
     .offset = offsetof(struct region, x),
     .required = true,
     .help = "Middle of the region."},
    {.key = "y",
     .kind = FIELD_QUANTITY,
     .dim = DIM_LENGTH,
     .offset = offsetof(struct region, y),
     .required = true,
     .help = "Middle of the region."},
    {.key = "radius",
     .kind = FIELD_QUANTITY,
     .dim = DIM_LENGTH,
     .offset = offsetof(struct region, radius),
     .min = 1e-9,
     .max = 1,
     .help = "Radius of a round region."},
    {.key = "width",
     .kind = FIELD_QUANTITY,
     .dim = DIM_LENGTH,
     .offset = offsetof(struct region, width),
     .min = 1e-9,
     .max = 1,
     .help = "Extent of a rectangular region along x."},
    {.key = "height",
     .kind = FIELD_QUANTITY,
     .dim = DIM_LENGTH,
     .offset = offsetof(struct region, height),
     .min = 1e-9,
     .max = 1,
     .help = "Extent of a rectangular region along y."},
    Q("edge-density", NONE, offsetof(struct region, edge_density), "0.3", 0, 1,
      "Mean edge density inside, 0 to 1."),
    Q("spread", NONE, offsetof(struct region, spread), "1", 0, 10,
      "Factor of all site-to-site spreads inside; 0 = uniform."),
    Q("corrosion-potential", POTENTIAL, offsetof(struct region, corrosion_potential), NULL, -5, 6,
      "Corrosion potential inside; that of the sample if left out."),
    Q("corrosion-density", CURRENT_DENSITY, offsetof(struct region, corrosion_density), NULL, 0, 1e6,
      "Corrosion current density inside; that of the sample if left out."),
};
static const struct fields region_fields = FIELDS("a region", region_field);

static const struct field steps_field[] = {
    Q("height", LENGTH, S(surface.steps.height), "0 nm", 0, 1e-6,
      "Height of a terrace step; 0 = no terraces."),
    Q("spacing", LENGTH, S(surface.steps.spacing), "1 um", 1e-9, 1e-2, "Mean width of a terrace."),
    Q("direction", ANGLE, S(surface.steps.direction), "30 deg", 0, 0,
      "Way up the stairs, from +x toward +y."),
};
static const struct fields steps_fields = FIELDS("the steps", steps_field);

static const struct field particles_field[] = {
    Q("fraction", NONE, S(surface.particles.fraction), "0", 0, 1,
      "Part of the lattice cells that hold a particle."),
    Q("spacing", LENGTH, S(surface.particles.spacing), "5 um", 1e-8, 1e-2, "Side of a lattice cell."),
    Q("radius", LENGTH, S(surface.particles.radius), "0.5 um", 1e-9, 1e-3, "Median radius of the footprint."),
    Q("height", LENGTH, S(surface.particles.height), "0.3 um", 0, 1e-4,
      "Height of a particle of median radius."),
    Q("spread", NONE, S(surface.particles.spread), "30 %", 0, 2, "Log-normal spread of the radius."),
    {.key = "insulating",
     .kind = FIELD_BOOL,
     .offset = S(surface.particles.insulating),
     .fallback = "no",
     .help = "Particles carry no current (dirt) instead of being electrode material."},
    {.key = "list",
     .kind = FIELD_NODE,
     .offset = S(surface.particles.list),
     .sub = &disk_fields,
     .form = NODE_MAPS,
     .help = "Particles at given places."},
};
static const struct fields particles_fields = FIELDS("the particles", particles_field);

static const struct field insulating_field[] = {
    Q("fraction", NONE, S(surface.insulating.fraction), "0", 0, 1,
      "Part of the area that carries no current."),
    Q("size", LENGTH, S(surface.insulating.size), "3 um", 1e-8, 1e-2,
      "Side of the square patches of that part."),
    {.key = "list",
     .kind = FIELD_NODE,
     .offset = S(surface.insulating.list),
     .sub = &disk_fields,
     .form = NODE_MAPS,
     .help = "Insulating disks at given places."},
};
static const struct fields insulating_fields = FIELDS("the insulating patches", insulating_field);

static const struct field surface_field[] = {
    Q("slope-x", ANGLE, S(surface.slope_x), "0 deg", -0.2, 0.2,
      "Tilt: how steeply the sample rises toward +x."),
    Q("slope-y", ANGLE, S(surface.slope_y), "0 deg", -0.2, 0.2,
      "Tilt: how steeply the sample rises toward +y."),
    Q("roughness", LENGTH, S(surface.roughness), "20 nm", 0, 1e-5, "RMS roughness."),
    Q("correlation", LENGTH, S(surface.correlation), "2 um", 1e-9, 1e-2, "Lateral length of the roughness."),
    MAP("steps", steps_fields, "Terraces."),
    MAP("particles", particles_fields, "Particles on the surface."),
    MAP("insulating", insulating_fields, "Where no current flows: binder, oxide, dirt."),
};
static const struct fields surface_fields = FIELDS("the surface", surface_field);

static const struct field wetting_field[] = {
    Q("start", NONE, S(wetting.start), "1", 0.2, 4, "Diameter of the first touch / aperture."),
    Q("ratio", NONE, S(wetting.ratio), "1.5", 0.2, 4, "Median diameter after spreading / aperture."),
    Q("spread", NONE, S(wetting.spread), "10 %", 0, 1, "Log-normal spread of that ratio from site to site."),
    Q("fast-part", NONE, S(wetting.fast_part), "70 %", 0, 1, "Part of the spreading that is fast."),
    Q("fast", TIME, S(wetting.fast), "10 ms", 1e-5, 1e3, "Time constant of the fast part."),
    Q("slow", TIME, S(wetting.slow), "2 s", 1e-5, 1e5, "Time constant of the rest."),
    Q("compression", NONE, S(wetting.compression), "2", 0, 20,
      "Growth of the diameter per length by which the glass is lowered below the height of contact."),
    Q("electrowetting", NONE, S(wetting.electrowetting), "0", 0, 2,
      "Growth of diameter / aperture per square volt from the potential of zero charge."),
    Q("low-below", POTENTIAL, S(wetting.low_below), "1 V", -5, 5, "Potential versus Li/Li+ below which ..."),
    Q("low-gain", NONE, S(wetting.low_gain), "0", 0, 10, "... diameter / aperture grows by this per volt."),
    Q("largest", NONE, S(wetting.largest), "3", 0.2, 10, "Largest diameter / aperture."),
    Q("residue", NONE, S(wetting.residue), "1.3", 1, 5, "Diameter of the residue / wetted diameter."),
    Q("residue-height", LENGTH, S(wetting.residue_height), "60 nm", 0, 1e-5,
      "Height of a residue, by which a drop above it touches earlier."),
};
static const struct fields wetting_fields = FIELDS("the wetting", wetting_field);

static const struct field edges_field[] = {
    Q("mean", NONE, S(edges.mean), "0.3", 0, 1,
      "Mean edge density of the bulk, 0 (basal plane) to 1 (all edges)."),
    Q("spread", NONE, S(edges.spread), "0.1", 0, 1, "Standard deviation over the surface."),
    Q("correlation", LENGTH, S(edges.correlation), "10 um", 1e-9, 1, "Lateral length over which it varies."),
};
static const struct fields edges_fields = FIELDS("the edge density", edges_field);

static const struct field layer_field[] = {
    Q("capacitance", CAPACITANCE_DENSITY, S(layer.capacitance), "10 uF/cm2", 1e-6, 10,
      "Double-layer capacitance of a surface without edges."),
    Q("edge-gain", NONE, S(layer.edge_gain), "50 %", 0, 20, "Relative rise of it at edge density 1."),
    Q("spread", NONE, S(layer.spread), "5 %", 0, 1, "Log-normal spread from site to site."),
    Q("zero-charge", POTENTIAL, S(layer.zero_charge), "3 V", -5, 5,
      "Potential of zero charge versus Li/Li+."),
};
static const struct fields layer_fields = FIELDS("the double layer", layer_field);

static const struct field sei_field[] = {
    Q("charge", CHARGE_DENSITY, S(sei.charge), "0.7 mC/cm2", 0, 1e4,
      "Charge that completes the dense film at edge density 0; 0 = no film."),
    Q("charge-edge", NONE, S(sei.charge_edge), "1.5", 0, 100, "Relative rise of it at edge density 1."),
    Q("charge-spread", NONE, S(sei.charge_spread), "12 %", 0, 2, "Log-normal spread from site to site."),
    Q("onset", POTENTIAL, S(sei.onset), "1 V", -5, 5, "Onset versus Li/Li+ at edge density 0."),
    Q("onset-edge", POTENTIAL, S(sei.onset_edge), "1.5 V", -5, 5, "Onset at edge density 1."),
    Q("onset-spread", POTENTIAL, S(sei.onset_spread), "20 mV", 0, 1, "Standard deviation from site to site."),
    Q("onset-current", CURRENT_DENSITY, S(sei.onset_current), "100 uA/cm2", 1e-6, 1e4,
      "Current density of the bare surface at the onset."),
    Q("tafel", POTENTIAL, S(sei.tafel), "60 mV", 5e-3, 1, "Fall of potential per factor e of the current."),
    Q("blocking", NONE, S(sei.blocking), "12 %", 0.01, 100,
      "Part of `charge` that slows further growth by a factor e."),
    Q("residual", NONE, S(sei.residual), "30 %", 0, 10,
      "Growth through the finished film: part of `charge` per second and volt below the onset (up to 0.5 V), "
      "at first."),
    Q("residual-edge", NONE, S(sei.residual_edge), "85 %", 0, 1,
      "Relative loss of it at edge density 1: a better passivating film."),
    Q("dissolve-rate", FREQUENCY, S(sei.dissolve_rate), "0 Hz", 0, 1e3,
      "Rate at which the soluble part dissolves on the anodic side; 0 = it stays."),
    Q("dissolve-above", POTENTIAL, S(sei.dissolve_above), "1.8 V", -5, 5,
      "Potential above which it dissolves."),
    Q("soluble", NONE, S(sei.soluble), "40 %", 0, 1, "Part of the film that can dissolve."),
    Q("recovered", NONE, S(sei.recovered), "30 %", 0, 1,
      "Part of its charge that flows as oxidation current."),
};
static const struct fields sei_fields = FIELDS("the SEI", sei_field);

static const char *const host_kinds[] = {"none", "intercalation", "plating", NULL};
static const struct field host_field[] = {
    {.key = "kind",
     .kind = FIELD_CHOICE,
     .offset = S(host.kind),
     .choices = host_kinds,
     .fallback = "none",
     .help = "Whether lithium is stored in the electrode or plated on it."},
    Q("exchange", CURRENT_DENSITY, S(host.exchange), "1 mA/cm2", 1e-9, 1e7, "Exchange current density."),
    Q("potential", POTENTIAL, S(host.potential), "0.12 V", -1, 5, "Potential of a half-filled host."),
    Q("slope", POTENTIAL, S(host.slope), "0.05 V", 0, 2,
      "Fall of the equilibrium potential from empty to full."),
    Q("capacity", CHARGE_DENSITY, S(host.capacity), "5 mC/cm2", 1e-6, 1e7, "Charge that fills the host."),
    Q("filling", NONE, S(host.filling), "0", 0, 1,
      "Occupied part of a fresh host: 0 for a negative, nearly 1 for a positive electrode as made."),
    Q("nucleation", POTENTIAL, S(host.nucleation), "0.12 V", 0, 2,
      "Overpotential at which nuclei of plated metal form at the given rate."),
    Q("nucleation-rate", FREQUENCY, S(host.nucleation_rate), "10 Hz", 1e-6, 1e6, "That rate."),
    Q("efficiency", NONE, S(host.efficiency), "95 %", 0, 1,
      "Part of the plated charge that can be stripped."),
};
static const struct fields host_fields = FIELDS("the host", host_field);

static const struct field redox_field[] = {
    Q("limiting-current", CURRENT, S(redox.limiting), "0 A", 0, 0,
      "Steady-state limiting current; positive for an oxidation, negative for a reduction, 0 = no couple."),
    Q("formal-potential", POTENTIAL, S(redox.formal), "3.2 V", -5, 6, "Formal potential versus Li/Li+."),
    Q("rate-constant", SPEED, S(redox.rate), "0.1 cm/s", 1e-12, 1e3, "Standard rate constant."),
    Q("transfer", NONE, S(redox.transfer), "0.5", 0.05, 0.95, "Transfer coefficient."),
    Q("mass-transfer", SPEED, S(redox.mass), "0.1 cm/s", 1e-9, 1e3,
      "Mass-transfer coefficient for the area of the aperture; falls as the wetted area grows."),
};
static const struct fields redox_fields = FIELDS("the redox couple", redox_field);

static const struct field trace_field[] = {
    Q("density", CURRENT_DENSITY, S(trace.density), "30 uA/cm2", 0, 1e4,
      "Reduction current density of trace oxygen and water after contact."),
    Q("below", POTENTIAL, S(trace.below), "2.8 V", -5, 5, "Potential versus Li/Li+ below which it flows."),
    Q("decay", TIME, S(trace.decay), "3 s", 1e-3, 1e6, "Time after which it has fallen to half."),
};
static const struct fields trace_fields = FIELDS("the trace reduction", trace_field);

static const struct field corrosion_field[] = {
    Q("density", CURRENT_DENSITY, S(corrosion.density), "0 A/m2", 0, 1e6,
      "Corrosion current density: dissolution and reduction at the corrosion potential; 0 = none."),
    Q("potential", POTENTIAL, S(corrosion.potential), "0 V", -5, 6,
      "Corrosion potential, on the same scale as that of the reference electrode of the probe."),
    Q("spread", POTENTIAL, S(corrosion_spread), "0 mV", 0, 1, "Standard deviation of it from site to site."),
    Q("anodic", POTENTIAL, S(corrosion.anodic), "60 mV", 1e-3, 1,
      "Tafel slope of the dissolution per decade."),
    Q("cathodic", POTENTIAL, S(corrosion.cathodic), "120 mV", 1e-3, 1,
      "Tafel slope of the reduction per decade."),
};
static const struct fields corrosion_fields = FIELDS("the corrosion", corrosion_field);

static const struct field binder_field[] = {
    Q("film", NONE, S(binder.film), "1", 0, 10, "Charge of the film there, relative to the particles."),
    Q("host", NONE, S(binder.host), "1", 0, 10, "Reversible storage there, relative to the particles."),
    Q("capacitance", NONE, S(binder.capacitance), "1", 0.01, 10,
      "Double-layer capacitance there, relative to the particles."),
};
static const struct fields binder_fields = FIELDS("the binder", binder_field);

static const struct field drift_field[] = {
    Q("rate", SPEED, S(drift.rate), "0 nm/min", -1e-7, 1e-7, "Steady rise of the sample against the stage."),
    Q("walk", LENGTH, S(drift.walk), "0 nm", 0, 1e-5, "RMS of its slow wandering over hours."),
};
static const struct fields drift_fields = FIELDS("the drift", drift_field);

static const struct field sample_field[] = {
    {.key = "name", .kind = FIELD_STRING, .offset = S(name), .help = "Name of the sample."},
    {.key = "note", .kind = FIELD_STRING, .offset = S(note), .help = "Anything worth knowing."},
    MAP("surface", surface_fields, "Shape."),
    MAP("wetting", wetting_fields, "How the drop spreads."),
    MAP("edge-density", edges_fields, "The property of the surface that the film follows."),
    MAP("double-layer", layer_fields, "Double layer."),
    MAP("sei", sei_fields, "Film formed by reduction of the electrolyte."),
    MAP("host", host_fields, "Reversible storage of lithium."),
    MAP("redox", redox_fields, "A dissolved redox couple."),
    MAP("trace", trace_fields, "Trace oxygen and water."),
    MAP("corrosion", corrosion_fields, "A metal that dissolves."),
    MAP("binder", binder_fields, "What lies between the particles of a composite electrode."),
    MAP("drift", drift_fields, "Thermal drift in z."),
    {.key = "regions",
     .kind = FIELD_NODE,
     .offset = S(region),
     .sub = &region_fields,
     .form = NODE_MAPS,
     .help = "Regions with their own edge density, the reference patch among them; numbered from 1 in this "
             "order."},
};
const struct fields sample_fields = FIELDS("the sample", sample_field);

static const struct field meniscus_field[] = {
    Q("height", LENGTH, P(meniscus.height), "100 nm", 1e-9, 1e-5,
      "How far the drop protrudes below the glass."),
    Q("spread", NONE, P(meniscus.height_spread), "8 %", 0, 0.5,
      "Standard deviation of it from site to site."),
    Q("break", NONE, P(meniscus.breaks), "2.5", 1, 100, "Median height at which the bridge breaks / height."),
    Q("break-spread", NONE, P(meniscus.break_spread), "15 %", 0, 1,
      "Log-normal spread of it from site to site."),
};
static const struct fields meniscus_fields = FIELDS("the meniscus", meniscus_field);

static const struct field qrce_field[] = {
    Q("potential", POTENTIAL, P(qrce.potential), "3.2 V", -5, 6, "True potential of the QRCE versus Li/Li+."),
    Q("rate", DRIFT_POTENTIAL, P(qrce.rate), "0 V/s", -1e-3, 1e-3, "Steady drift."),
    Q("walk", POTENTIAL, P(qrce.walk), "0 mV", 0, 1, "RMS of its slow wandering over hours."),
    Q("jump-every", TIME, P(qrce.jump_every), "0 s", 0, 1e7,
      "Time between jumps of the potential; 0 = none."),
    Q("jump", POTENTIAL, P(qrce.jump), "10 mV", 0, 1, "Standard deviation of the levels between jumps."),
};
static const struct fields qrce_fields = FIELDS("the reference electrode", qrce_field);

static const struct field probe_field[] = {
    Q("aperture", LENGTH, P(aperture), "400 nm", 1e-8, 1e-4, "Diameter of the opening."),
    Q("wall", NONE, P(wall), "1.5", 1, 10, "Outer diameter of the glass at its end / aperture."),
    Q("resistance", RESISTANCE, P(resistance), "10 Mohm", 1, 1e13, "Resistance of the pipette."),
    Q("stray", CAPACITANCE, P(stray), "1 pF", 1e-16, 1e-6, "Stray capacitance of the rig, probe far away."),
    Q("stray-gain", NONE, P(stray_gain), "1 %", 0, 10,
      "Relative rise of it when the probe is at the surface."),
    Q("leak", RESISTANCE, P(leak), "5 Tohm", 1e3, 1e30, "Leak resistance between probe and sample."),
    Q("evaporation", NONE, P(evaporation), "0", 0, 100, "Relative growth of the resistance per hour."),
    Q("clog", NONE, P(clog), "0", 0, 1, "Probability per contact that the resistance jumps for good."),
    Q("clog-factor", NONE, P(clog_factor), "10", 1, 1e9, "What it is multiplied by then."),
    Q("blocked", NONE, P(blocked), "0", 0, 1,
      "Probability per contact that the opening is blocked for good."),
    MAP("meniscus", meniscus_fields, "The drop."),
    MAP("qrce", qrce_fields, "Quasi-reference counter electrode."),
};
const struct fields probe_fields = FIELDS("the simulated probe", probe_field);

static const struct ynode *list_of(const struct ynode *n, struct diags *d)
{
    if (n && ynode_kind(n) != Y_LIST) {
        diags_error(d, ynode_mark(n), "a list is wanted here");
        return NULL;
    }
    return n;
}

static struct surface_disk *read_disks(const struct ynode *map, int *n, struct diags *d)
{
    const struct ynode *list = list_of(ynode_get(map, "list"), d);
    *n = list ? ynode_count(list) : 0;
    struct surface_disk *disk = *n ? xcalloc((size_t)*n, sizeof *disk) : NULL;
    for (int i = 0; i < *n; i++)
        schema_read(ynode_item(list, i), &disk_fields, &disk[i], d);
    return disk;
}

static void read_region(const struct ynode *n, struct region *r, struct diags *d)
{
    bool round = false, square = false;
    if (schema_read(n, &region_fields, r, d)) {
        round = !isnan(r->radius);
        square = !isnan(r->width) && !isnan(r->height);
        if (round == square)
            diags_error(d, ynode_mark(n), "a region has either `radius` or both `width` and `height`");
    }
}

bool sample_config_read(const struct ynode *n, struct sample_config *out, struct diags *d)
{
    int before = diags_errors(d);
    *out = (struct sample_config){0};
    schema_read(n, &sample_fields, out, d);
    const struct ynode *surface = ynode_get(n, "surface"), *regions = list_of(ynode_get(n, "regions"), d);
    out->surface.particles.list = read_disks(ynode_get(surface, "particles"), &out->surface.particles.n, d);
    out->surface.insulating.list =
        read_disks(ynode_get(surface, "insulating"), &out->surface.insulating.n, d);
    out->regions = regions ? ynode_count(regions) : 0;
    out->region = out->regions ? xcalloc((size_t)out->regions, sizeof *out->region) : NULL;
    for (int i = 0; i < out->regions; i++)
        read_region(ynode_item(regions, i), &out->region[i], d);
    if (out->wetting.ratio < out->wetting.start || out->wetting.largest < out->wetting.ratio)
        diags_error(d, n ? ynode_mark(n) : (struct mark){0}, "wetting: start <= ratio <= largest must hold");
    return diags_errors(d) == before;
}

bool probe_config_read(const struct ynode *n, struct probe_config *out, struct diags *d)
{
    *out = (struct probe_config){0};
    return schema_read(n, &probe_fields, out, d);
}

void sample_config_free(struct sample_config *c)
{
    for (int i = 0; i < c->regions; i++)
        schema_free(&region_fields, &c->region[i]);
    free(c->region);
    free(c->surface.particles.list);
    free(c->surface.insulating.list);
    schema_free(&sample_fields, c);
}
