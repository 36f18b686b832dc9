/* The last question before a run, asked at the desk: would the potentiostat take these programs? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/load.h"
#include "cli/session.h"
#include "run/segments.h"

/* Programs differ only by their levels; more combinations than this are judged by the first ones. */
#define COMBINATIONS_MAX 512

/* A driver without a device: enough to compile programs. */
struct desk {
    struct loop *loop;
    struct link *host, *far;
    struct dialogue *dialogue;
    struct potentiostat *pstat;
};

static bool desk_open(struct desk *k, const struct plan *p, struct err *e)
{
    const struct rig_config *c = p->protocol->rig;
    const struct potentiostat_driver *driver = potentiostat_driver(c->pstat_driver_name);
    struct potentiostat_config config = {.model = c->model, .bandwidth = c->bandwidth};
    config.wiring = (struct wiring){c->potential_sign, c->current_sign, p->protocol->offset};
    session_limits(p, config.e_limit, &config.i_limit);
    if (!driver || !(k->loop = loop_new(LOOP_VIRTUAL, 1, e)))
        return false;
    link_memory_pair(k->loop, 0, "potentiostat", &k->host, &k->far);
    k->dialogue = dialogue_new(k->host);
    k->pstat = driver->open(k->dialogue, &config, e);
    return k->pstat != NULL;
}

static void desk_close(struct desk *k)
{
    if (k->pstat)
        potentiostat_close(k->pstat);
    if (k->dialogue)
        dialogue_free(k->dialogue);
    if (k->host) {
        link_close(k->host);
        link_close(k->far);
    }
    loop_free(k->loop);
}

static bool seen_before(const struct plan *p, int site)
{
    for (int k = 0; k < site; k++)
        if (!memcmp(p->site[k].level, p->site[site].level, sizeof p->site[k].level))
            return true;
    return false;
}

static void levels_text(const struct plan *p, const int *level, char *text, size_t n)
{
    text[0] = '\0';
    for (int f = 0; f < p->protocol->n_factors; f++) {
        size_t used = strlen(text);
        snprintf(text + used, n - used, "%s%s = %s", f ? ", " : " with ", p->protocol->factor[f].name,
                 p->protocol->factor[f].text[level[f]]);
    }
}

static struct mark mark_of(const struct plan *p, const struct site_program *s, const char *text)
{
    int segment = -1;
    if (sscanf(text, "segment %d", &segment) == 1 && segment >= 0 && segment < s->program.n &&
        s->step[segment] >= 0)
        return p->protocol->step[s->step[segment]].mark;
    return (struct mark){.source = p->protocol->source, .line = 1, .column = 1};
}

/* What the samples of a step need beyond what the line carries comes late, and a late contact sample is a
 * deeper touch. Told once for each step and once for what the approach itself does. */
static void check_rates(const struct plan *p, const struct desk *desk, const struct site_program *s,
                        const struct potentiostat_load *load, bool *told, struct diags *d)
{
    const struct rig_config *c = p->protocol->rig;
    double carried = potentiostat_line_rate((double)c->pstat_baud);
    bool line = strncmp(c->pstat_link, "serial:", 7) == 0 || strncmp(c->pstat_link, "usb:", 4) == 0 ||
                strcmp(c->pstat_link, "simulated") == 0;
    if (!line || load->rate <= carried)
        return;
    for (int k = 0; k < s->program.n; k++) {
        const struct segment *g = &s->program.segment[k];
        double rate = potentiostat_stream_rate(desk->pstat, g);
        int step = s->step[k] + 1;
        if (rate <= carried || told[step])
            continue;
        told[step] = true;
        struct mark m = {.source = p->protocol->source, .line = 1, .column = 1};
        diags_warning(d, step ? p->protocol->step[step - 1].mark : m,
                      "%s%s at a sample every %.4g ms sends %.3g kB/s; the potentiostat's line of %lld baud "
                      "carries %.3g kB/s: samples will come late",
                      step ? "" : "the phase ", step ? "this step" : segment_role_name(s->role[k]),
                      1e3 * segment_interval(g), rate / 1e3, (long long)c->pstat_baud, carried / 1e3);
        diags_hint(d, "sample less often, or raise the line's `baud` in the rig file (USB itself has no such "
                      "limit)");
    }
}

/* Program of the site `k` of the plan, or of a control. */
static void try_program(const struct desk *desk, const struct plan *p, int k, struct site_program *s,
                        bool *told, struct diags *d)
{
    const struct plan_site *site = &p->site[k];
    struct potentiostat_load load;
    struct err e = ERR_INIT;
    char levels[256] = " at a control site";
    site_program_make(p, site->level, site->control, s);
    if (!site->control)
        levels_text(p, site->level, levels, sizeof levels);
    if (!potentiostat_load(desk->pstat, &s->program, &load, &e))
        diags_error(d, mark_of(p, s, e.text), "the potentiostat can not do this%s: %s", levels, e.text);
    else
        check_rates(p, desk, s, &load, told, d);
}

bool check_programs(const struct plan *p, struct diags *d)
{
    struct desk desk = {0};
    struct err e = ERR_INIT;
    struct site_program *s = xcalloc(1, sizeof *s);
    bool *told = xcalloc((size_t)p->protocol->n_steps + 1, sizeof *told);
    int before = diags_errors(d), tried = 0;
    bool open = desk_open(&desk, p, &e);
    if (!open)
        diags_error(d, (struct mark){.source = p->protocol->source, .line = 1, .column = 1}, "%s", e.text);
    for (int k = 0; open && k < p->n_sites && tried < COMBINATIONS_MAX && diags_errors(d) - before < 8; k++) {
        if (k > 0 && (p->protocol->n_factors == 0 || seen_before(p, k)))
            continue;
        tried++;
        try_program(&desk, p, k, s, told, d);
    }
    if (open && p->n_controls)
        try_program(&desk, p, p->n_sites + p->n_spares, s, told, d);
    desk_close(&desk);
    free(told);
    free(s);
    return diags_errors(d) == before;
}
