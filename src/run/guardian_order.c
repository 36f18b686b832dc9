/* The order to the guardian: the errands of both devices in the sequence of the safe state (S4). Stop and
 * cell off are written at once, without waiting for anything; then the retraction; then what proves them. */
#include <stdio.h>

#include "run/guardian_message.h"

static void add_tasks(struct guardian_order *o, int link, const struct errand *q, int n)
{
    for (int k = 0; k < n && o->n_tasks < GUARDIAN_ERRANDS; k++) {
        int at = o->n_tasks++;
        for (; at > 0 && o->task[at - 1].errand.turn > q[k].turn; at--)
            o->task[at] = o->task[at - 1];
        o->task[at] = (struct guardian_task){link, q[k]};
    }
}

static int add_link(struct guardian_order *o, struct guardian_descriptors *d, const struct link *k)
{
    int at = o->n_links++;
    snprintf(o->device[at], sizeof o->device[at], "%s", link_device(k));
    d->link[at] = link_fd(k);
    return at;
}

/* A link in memory leads to a device inside of this process, which ends with it. */
void guardian_order_make(struct rig *rig, struct guardian_order *o, struct guardian_descriptors *d)
{
    const struct rig_config *c = rig->config;
    struct errand q[GUARDIAN_ERRANDS];
    if (link_fd(rig->stage_link) >= 0) {
        int n = stage_errands(rig->stage, c->z_retracted, c->speed_z, q, STAGE_ERRANDS);
        add_tasks(o, add_link(o, d, rig->stage_link), q, n);
    }
    if (link_fd(rig->pstat_link) >= 0) {
        int n = potentiostat_errands(rig->pstat, q, POTENTIOSTAT_ERRANDS);
        add_tasks(o, add_link(o, d, rig->pstat_link), q, n);
    }
}
