/* Puts a simulated rig together and breaks it on demand. */
#include "sim/rig.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/shelf.h"
#include "sim/rig_config.h"

#define SAMPLE_FILE_LIMIT (1 << 20)

/* Switches one fault on and off again. */
struct planned_fault {
    struct sim_rig *rig;
    enum sim_fault fault;
    struct timer on, off;
    struct planned_fault *next;
};

struct sim_rig {
    struct sim_bench bench;
    struct sim_stage_config stage_config;
    struct pstat_config pstat_config;
    struct stage_gcs *stage;
    struct pstat_ms *pstat;
    struct planned_fault *faults;
};

/* --- sample -------------------------------------------------------------------------------------------- */

static bool is_name(const struct ynode *sample)
{
    return sample && ynode_kind(sample) == Y_SCALAR && !ynode_is_null(sample);
}

/* Files that were stored before samples were have it on disk only. */
static struct source *read_sample(const struct ynode *name, struct err *e)
{
    const struct shelf *shelf = shelf_in_use();
    struct mark m = ynode_mark(name);
    char *path = source_beside(m.source ? m.source->path : NULL, ynode_text(name));
    if (shelf && !shelf_find(shelf, path, NULL))
        shelf_use(NULL);
    struct source *s = source_read(path, SAMPLE_FILE_LIMIT, e);
    shelf_use(shelf);
    free(path);
    return s;
}

struct source *sim_sample_source(const struct ynode *simulate, struct err *e)
{
    const struct ynode *sample = ynode_get(simulate, "sample");
    return is_name(sample) ? read_sample(sample, e) : NULL;
}

static struct world *world_from_file(const struct ynode *name, const struct ynode *probe, uint64_t seed,
                                     struct diags *d)
{
    struct err e = ERR_INIT;
    struct source *s = read_sample(name, &e);
    if (!s) {
        diags_error(d, ynode_mark(name), "the sample can not be read: %s", e.text);
        return NULL;
    }
    struct ytree *tree = ytree_parse(s, d);
    struct world *w = tree ? world_new(ytree_root(tree), probe, seed, d) : NULL;
    ytree_free(tree);
    source_free(s);
    return w;
}

static struct world *make_world(const struct sim_rig_config *c, uint64_t seed, struct diags *d)
{
    return is_name(c->sample) ? world_from_file(c->sample, c->probe, seed, d)
                              : world_new(c->sample, c->probe, seed, d);
}

static void plan_faults(struct sim_rig *r, const struct items *planned);

/* --- life ---------------------------------------------------------------------------------------------- */

struct sim_rig *sim_rig_new(struct loop *l, const struct ynode *simulate, uint64_t seed_override,
                            struct diags *d)
{
    struct sim_rig_config c;
    struct sim_rig *r = xcalloc(1, sizeof *r);
    bool ok = sim_rig_config_read(simulate, &c, d);
    uint64_t seed = seed_override ? seed_override : (uint64_t)c.seed;
    if (ok) {
        /* All three parts are looked at, so that all errors come at once. */
        ok = sim_stage_config_read(c.stage, &r->stage_config, d);
        ok = sim_pstat_config_read(c.potentiostat, &r->pstat_config, d) && ok;
        r->bench = (struct sim_bench){.loop = l, .seed = seed, .world = make_world(&c, seed, d)};
        ok = ok && r->bench.world;
        if (ok) {
            r->bench.at = loop_now(l);
            world_begin(r->bench.world, r->bench.at);
        }
    }
    if (ok) {
        r->stage = stage_gcs_new(&r->bench, &r->stage_config);
        r->pstat = pstat_ms_new(&r->bench, &r->pstat_config);
        plan_faults(r, &c.faults);
    } else {
        sim_rig_free(r);
        r = NULL;
    }
    sim_rig_config_free(&c);
    return r;
}

bool sim_rig_check(const struct ynode *simulate, struct diags *d)
{
    struct err e = ERR_INIT;
    struct loop *l = loop_new(LOOP_VIRTUAL, 1, &e);
    struct sim_rig *r = l ? sim_rig_new(l, simulate, 0, d) : NULL;
    bool ok = r != NULL;
    sim_rig_free(r);
    loop_free(l);
    return ok;
}

void sim_rig_free(struct sim_rig *r)
{
    if (!r)
        return;
    while (r->faults) {
        struct planned_fault *f = r->faults;
        r->faults = f->next;
        timer_cancel(r->bench.loop, &f->on);
        timer_cancel(r->bench.loop, &f->off);
        free(f);
    }
    pstat_ms_free(r->pstat);
    stage_gcs_free(r->stage);
    world_free(r->bench.world);
    sim_stage_config_free(&r->stage_config);
    sim_pstat_config_free(&r->pstat_config);
    free(r);
}

static bool is_stage(const char *device)
{
    return strcmp(device, "stage") == 0;
}

void sim_rig_attach(struct sim_rig *r, const char *device, struct link *far)
{
    if (is_stage(device))
        stage_gcs_attach(r->stage, far);
    else
        pstat_ms_attach(r->pstat, far);
}

struct world *sim_rig_world(struct sim_rig *r)
{
    return r->bench.world;
}

int sim_rig_baud(const struct sim_rig *r, const char *device)
{
    return (int)(is_stage(device) ? r->stage_config.baud : r->pstat_config.baud);
}

bool sim_rig_axis(const struct sim_rig *r, const char *id, struct sim_axis_map *out)
{
    for (int k = 0; k < r->stage_config.axes; k++) {
        const struct sim_axis_config *a = &r->stage_config.axis[k];
        if (strcmp(a->id, id) != 0)
            continue;
        *out = (struct sim_axis_map){a->world, a->direction, a->offset};
        return true;
    }
    return false;
}

/* --- faults -------------------------------------------------------------------------------------------- */

/* Each part takes its own and ignores the others'. */
static void set_fault(struct sim_rig *r, enum sim_fault f, bool on)
{
    sim_bench_advance(&r->bench, loop_now(r->bench.loop));
    stage_gcs_fault(r->stage, f, on);
    pstat_ms_fault(r->pstat, f, on);
    world_fault(r->bench.world, f, on);
}

static void fault_begins(void *ctx)
{
    struct planned_fault *f = ctx;
    set_fault(f->rig, f->fault, true);
}

static void fault_ends(void *ctx)
{
    struct planned_fault *f = ctx;
    set_fault(f->rig, f->fault, false);
}

void sim_rig_fault(struct sim_rig *r, enum sim_fault fault, ns_t at, ns_t until)
{
    struct planned_fault *f = xcalloc(1, sizeof *f);
    *f = (struct planned_fault){.rig = r, .fault = fault, .next = r->faults};
    r->faults = f;
    timer_set(r->bench.loop, &f->on, at, fault_begins, f);
    if (until > at && until != NS_NEVER && !sim_fault_once(fault))
        timer_set(r->bench.loop, &f->off, until, fault_ends, f);
}

void sim_rig_mend(struct sim_rig *r)
{
    for (struct planned_fault *f = r->faults; f; f = f->next) {
        timer_cancel(r->bench.loop, &f->on);
        timer_cancel(r->bench.loop, &f->off);
        set_fault(r, f->fault, false);
    }
}

static void plan_faults(struct sim_rig *r, const struct items *planned)
{
    const struct sim_planned_fault *f = planned->v;
    ns_t now = loop_now(r->bench.loop);
    for (int k = 0; k < planned->n; k++) {
        ns_t at = ns_from_s(f[k].at), until = isnan(f[k].lasts) ? NS_NEVER : at + ns_from_s(f[k].lasts);
        bool over = sim_fault_once((enum sim_fault)f[k].kind) ? at < now : until <= now;
        if (!over)
            sim_rig_fault(r, (enum sim_fault)f[k].kind, at > now ? at : now, until);
    }
}

void sim_rig_probe(struct sim_rig *r, double xyz[3], enum cell_mode *cell)
{
    sim_bench_advance(&r->bench, loop_now(r->bench.loop));
    world_probe(r->bench.world, xyz);
    *cell = world_cell_mode(r->bench.world);
}
