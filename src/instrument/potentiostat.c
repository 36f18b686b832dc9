/* Passes each call on to the driver; the array below is the list of drivers. */
#include "instrument/potentiostat.h"

#include <string.h>

#include "instrument/potentiostat_ops.h"

/* Whose fault it is, in errors. */
#define DEVICE "potentiostat"

static const struct potentiostat_driver *const drivers[] = {&methodscript_driver};
static const char *const names[] = {"methodscript", NULL};

const struct potentiostat_driver *potentiostat_driver(const char *name)
{
    for (size_t k = 0; k < sizeof(drivers) / sizeof(drivers[0]); k++)
        if (strcmp(drivers[k]->name, name) == 0)
            return drivers[k];
    return NULL;
}

const char *const *potentiostat_driver_names(void)
{
    return names;
}

void potentiostat_close(struct potentiostat *p)
{
    if (p)
        p->ops->close(p);
}

bool potentiostat_identify(struct potentiostat *p, char *id, size_t n, struct err *e)
{
    return p->ops->identify(p, id, n, e) || err_device(e, DEVICE);
}

bool potentiostat_compile(struct potentiostat *p, const struct program *g, struct buf *text, struct err *e)
{
    return p->ops->compile(p, g, text, e) || err_device(e, DEVICE);
}

double potentiostat_stream_rate(struct potentiostat *p, const struct segment *s)
{
    return p->ops->sample_bytes(p, s) / segment_interval(s);
}

double potentiostat_line_rate(double baud)
{
    return baud / 10;
}

bool potentiostat_load(struct potentiostat *p, const struct program *g, struct potentiostat_load *out,
                       struct err *e)
{
    struct buf text = {0};
    bool ok = p->ops->compile(p, g, &text, e);
    if (ok) {
        *out = (struct potentiostat_load){.text = text.n, .text_max = p->ops->text_max(p)};
        for (int k = 0; k < g->n; k++) {
            double rate = potentiostat_stream_rate(p, &g->segment[k]);
            if (rate > out->rate) {
                out->rate = rate;
                out->segment = k;
            }
        }
    }
    buf_free(&text);
    return ok;
}

bool potentiostat_start(struct potentiostat *p, const struct program *g, struct err *e)
{
    p->late = dialogue_late(p->dialogue);
    return p->ops->start(p, g, e) || err_device(e, DEVICE);
}

enum potentiostat_item_kind potentiostat_next(struct potentiostat *p, struct potentiostat_item *out,
                                              struct err *e)
{
    enum potentiostat_item_kind kind = p->ops->next(p, out, e);
    if (kind == PSTAT_FAILED)
        err_device(e, DEVICE);
    return kind;
}

struct event *potentiostat_event(struct potentiostat *p)
{
    return dialogue_event(p->dialogue);
}

bool potentiostat_advance(struct potentiostat *p, struct err *e)
{
    return p->ops->advance(p, e) || err_device(e, DEVICE);
}

bool potentiostat_finish(struct potentiostat *p, struct err *e)
{
    return p->ops->finish(p, e) || err_device(e, DEVICE);
}

bool potentiostat_cut(struct potentiostat *p, struct err *e)
{
    return p->ops->cut(p, e) || err_device(e, DEVICE);
}

bool potentiostat_settle(struct potentiostat *p, ns_t timeout, struct err *e)
{
    return p->ops->settle(p, timeout, e) || err_device(e, DEVICE);
}

bool potentiostat_explain(struct potentiostat *p, struct err *e)
{
    struct err found = ERR_INIT;
    if (e->code != ERR_SILENT)
        return false;
    if (!p->ops->explain || !p->ops->explain(p, &found)) {
        if (dialogue_late(p->dialogue) == p->late)
            return false;
        err_set(&found, ERR_LATE, "the answer came behind its deadline");
    }
    p->late = dialogue_late(p->dialogue);
    err_set(e, found.code, "%s: %s", e->text, found.text);
    err_device(e, DEVICE);
    return true;
}

bool potentiostat_may_be_anew(struct potentiostat *p)
{
    return p->ops->may_be_anew && p->ops->may_be_anew(p);
}

void potentiostat_cut_bytes(struct potentiostat *p, struct buf *out)
{
    p->ops->cut_bytes(p, out);
}

int potentiostat_errands(struct potentiostat *p, struct errand *out, int max)
{
    if (p->ops->errands)
        return p->ops->errands(p, out, max);
    struct buf cut = {0};
    potentiostat_cut_bytes(p, &cut);
    if (max > 0)
        out[0] = errand_make("cell off", 0, cut.p, cut.n);
    buf_free(&cut);
    return max > 0 ? 1 : 0;
}
