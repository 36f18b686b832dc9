/* Opens what the rig file names and proves that it is what the file says. */
#include "instrument/rig.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Stopping a program that an earlier session may have left running, and opening the cell. */
#define SETTLE_TIME (6 * NS_S)

static struct link *open_link(struct loop *l, const char *text, int64_t baud, int flow, const char *device,
                              struct err *e)
{
    struct link_spec spec;
    if (strcmp(text, "simulated") == 0) {
        err_set(e, ERR_INTERNAL, "%s: a simulated link must be given", device);
        return NULL;
    }
    if (!link_spec_parse(text, &spec, e))
        return NULL;
    spec.baud = (int)baud;
    spec.flow = (enum link_flow)flow;
    return link_open(l, &spec, device, e);
}

static bool open_links(struct rig *r, struct err *e)
{
    const struct rig_config *c = r->config;
    if (!r->stage_link)
        r->stage_link = open_link(r->loop, c->stage_link, c->stage_baud, c->stage_flow, "stage", e);
    if (!r->stage_link)
        return false;
    if (!r->pstat_link)
        r->pstat_link = open_link(r->loop, c->pstat_link, c->pstat_baud, c->pstat_flow, "potentiostat", e);
    if (!r->pstat_link)
        return false;
    r->stage_dialogue = dialogue_new(r->stage_link);
    r->pstat_dialogue = dialogue_new(r->pstat_link);
    return true;
}

static bool open_stage(struct rig *r, struct err *e)
{
    const struct rig_config *c = r->config;
    struct stage_config s = {.toward_sample = c->toward_sample, .tolerance = c->tolerance};
    for (int a = 0; a < AXIS_COUNT; a++)
        snprintf(s.id[a], sizeof(s.id[a]), "%s", c->axis[a]);
    if (c->coarse_axis) {
        s.coarse =
            (struct stage_coarse){.away = c->coarse_away, .by = c->coarse_by, .speed = c->coarse_speed};
        snprintf(s.coarse.id, sizeof(s.coarse.id), "%s", c->coarse_axis);
    }
    memcpy(s.limit, c->limit, sizeof(s.limit));
    r->stage = stage_driver(c->stage_driver_name)->open(r->stage_dialogue, &s, e);
    return r->stage != NULL;
}

static bool open_pstat(struct rig *r, const double e_limit[2], double i_limit, struct err *e)
{
    const struct rig_config *c = r->config;
    struct potentiostat_config p = {
        .model = c->model,
        .wiring = r->wiring,
        .bandwidth = c->bandwidth,
        .e_limit = {fmax(e_limit[0], c->e_limit[0]), fmin(e_limit[1], c->e_limit[1])},
        .i_limit = fmin(i_limit, c->i_limit),
        .autorange = c->autorange};
    r->pstat = potentiostat_driver(c->pstat_driver_name)->open(r->pstat_dialogue, &p, e);
    return r->pstat != NULL;
}

struct rig *rig_open(struct loop *l, const struct rig_config *c, struct link *stage_link,
                     struct link *pstat_link, double offset, const double e_limit[2], double i_limit,
                     struct err *e)
{
    struct rig *r = xcalloc(1, sizeof(*r));
    r->config = c;
    r->loop = l;
    r->stage_link = stage_link;
    r->pstat_link = pstat_link;
    r->wiring = (struct wiring){c->potential_sign, c->current_sign, offset};
    if (open_links(r, e) && open_stage(r, e) && open_pstat(r, e_limit, i_limit, e))
        return r;
    err_context(e, "rig %s", c->name);
    rig_close(r);
    return NULL;
}

void rig_close(struct rig *r)
{
    if (!r)
        return;
    stage_close(r->stage);
    potentiostat_close(r->pstat);
    dialogue_free(r->stage_dialogue);
    dialogue_free(r->pstat_dialogue);
    if (r->stage_link)
        link_close(r->stage_link);
    if (r->pstat_link)
        link_close(r->pstat_link);
    free(r);
}

bool rig_identify_stage(struct rig *r, struct err *e)
{
    double limit[AXIS_COUNT][2];
    return (stage_identify(r->stage, r->stage_id, sizeof(r->stage_id), e) &&
            stage_read_limits(r->stage, limit, e)) ||
           err_context(e, "stage");
}

/* A program left running by an earlier session would answer in between: it is stopped and the cell opened
 * first. */
bool rig_identify_pstat(struct rig *r, struct err *e)
{
    return (potentiostat_settle(r->pstat, SETTLE_TIME, e) &&
            potentiostat_identify(r->pstat, r->pstat_id, sizeof(r->pstat_id), e)) ||
           err_context(e, "potentiostat");
}

bool rig_identify(struct rig *r, struct err *e)
{
    struct err of_stage = ERR_INIT, of_pstat = ERR_INIT;
    bool open = rig_identify_pstat(r, &of_pstat), there = rig_identify_stage(r, &of_stage);
    if (open && there)
        return true;
    const struct err *first = open ? &of_stage : &of_pstat;
    err_set(e, first->code, "%.500s%s%.500s", of_pstat.text, open || there ? "" : "; ", of_stage.text);
    return err_device(e, first->device);
}
