/* The report's static parts: identity, what happened, provenance. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/report_parts.h"
#include "output/status.h"
#include "output/tables.h"
#include "output/units.h"

#define EVENTS_SHOWN 60
#define SITES_SHOWN  60

/* --- identity ------------------------------------------------------------------------------------------ */

static void fact_begin(const char *name, struct buf *out)
{
    buf_printf(out, "<div><dt>%s</dt><dd>", name);
}

static void fact(const char *name, const char *value, struct buf *out)
{
    if (!*value)
        return;
    fact_begin(name, out);
    report_escape(value, out);
    buf_str(out, "</dd></div>\n");
}

static void fact_of(const struct data *d, const char *name, const char *key, struct buf *out)
{
    char *value = results_info(d->r, key);
    fact(name, value, out);
    free(value);
}

/* Sample with its note. */
static void fact_sample(const struct data *d, struct buf *out)
{
    char *sample = results_info(d->r, "meta.sample"), *note = results_info(d->r, "meta.sample_note");
    struct buf text = {0};
    buf_printf(&text, "%s%s%s", sample, *sample && *note ? ", " : "", note);
    fact("Sample", text.p, out);
    buf_free(&text);
    free(sample);
    free(note);
}

static void fact_reference(const struct data *d, struct buf *out)
{
    double sd = NAN;
    struct buf text = {0};
    buf_printf(&text, "%s, offset %+g V", d->frame.reference, d->frame.offset);
    if (results_info_double(d->r, "offset_uncertainty", &sd) && isfinite(sd))
        buf_printf(&text, " ± %g V", sd);
    fact("Reference", text.p, out);
    buf_free(&text);
}

static void fact_probe(const struct data *d, struct buf *out)
{
    double aperture = NAN, wetted = NAN, sd = NAN;
    char size[40], *id = results_info(d->r, "meta.probe");
    struct buf text = {0};
    buf_str(&text, id);
    if (results_info_double(d->r, "aperture", &aperture) && isfinite(aperture))
        buf_printf(&text, "%s%s aperture", *id ? ", " : "",
                   quantity_format(aperture, DIM_LENGTH, size, sizeof size));
    if (results_info_double(d->r, "wetted", &wetted) && isfinite(wetted)) {
        buf_printf(&text, ", wetted %g", wetted);
        if (results_info_double(d->r, "wetted_uncertainty", &sd) && isfinite(sd))
            buf_printf(&text, " ± %g", sd);
        buf_str(&text, " × aperture (declared)");
    }
    for (int k = 1; k < d->n_probes; k++)
        buf_printf(&text, "; from attempt %" PRId64 " on %s, %s aperture, displaced by %.3f, %.3f um",
                   d->probe[k].from_attempt, d->probe[k].id,
                   quantity_format(d->probe[k].aperture, DIM_LENGTH, size, sizeof size),
                   d->probe[k].offset[0] * 1e6, d->probe[k].offset[1] * 1e6);
    fact("Probe", text.n ? text.p : "", out);
    buf_free(&text);
    free(id);
}

static void fact_wiring(const struct data *d, struct buf *out)
{
    char text[96];
    snprintf(text, sizeof text, "oxidation positive; wiring: potential %+d, current %+d",
             d->frame.potential_sign, d->frame.current_sign);
    fact("Currents", text, out);
}

/* 2000-01-01T00:00:00.000Z as people write it, without fractions of a second. */
static void fact_begun(const struct data *d, struct buf *out)
{
    char *utc = results_info(d->r, "utc"), text[48];
    snprintf(text, sizeof text, "%.10s %.8s UTC", utc, strlen(utc) > 11 ? utc + 11 : "");
    fact("Begun", strlen(utc) > 18 ? text : utc, out);
    free(utc);
}

bool report_header(const struct data *d, struct buf *out, struct err *e)
{
    (void)e;
    char *mode = results_info(d->r, "mode"), *crashes = results_info(d->r, "sim.crashes");
    char *name = results_info(d->r, "meta.name");
    buf_str(out, "<p class=\"kind\">SECCM run");
    if (*crashes)
        buf_str(out, " on a simulated rig");
    if (*mode && strcmp(mode, "real") != 0)
        buf_printf(out, ", %s time", strcmp(mode, "virtual") == 0 ? "virtual" : "scaled");
    buf_str(out, "</p>\n<h1>");
    report_escape(*name ? name : results_path(d->r), out);
    buf_str(out, "</h1>\n<dl class=\"facts\">\n");
    fact_sample(d, out);
    fact_of(d, "Electrolyte", "meta.electrolyte", out);
    fact_probe(d, out);
    fact_reference(d, out);
    fact_wiring(d, out);
    fact_of(d, "Operator", "meta.operator", out);
    fact_begun(d, out);
    fact_of(d, "Run", "run_id", out);
    buf_str(out, "</dl>\n");
    free(mode);
    free(crashes);
    free(name);
    return true;
}

/* --- what happened ------------------------------------------------------------------------------------- */

static void tile(const char *value, const char *unit, const char *name, const char *more, bool bad,
                 struct buf *out)
{
    buf_printf(out, "<div class=\"tile%s\"><b>", bad ? " bad" : "");
    report_escape(value, out);
    if (*unit) {
        buf_str(out, " <small>");
        report_escape(unit, out);
        buf_str(out, "</small>");
    }
    buf_str(out, "</b><span>");
    report_escape(name, out);
    if (*more) {
        buf_str(out, " <i>");
        report_escape(more, out);
        buf_str(out, "</i>");
    }
    buf_str(out, "</span></div>\n");
}

static void tile_count(int count, const char *name, const char *more, bool bad, struct buf *out)
{
    char text[24];
    snprintf(text, sizeof text, "%d", count);
    tile(text, "", name, more, bad, out);
}

/* Seconds in the unit people would say. */
static void tile_time(double s, const char *name, struct buf *out)
{
    char text[32];
    if (!isfinite(s))
        return;
    snprintf(text, sizeof text, "%.3g", s < 120 ? s : s < 7200 ? s / 60 : s / 3600);
    tile(text, s < 120 ? "s" : s < 7200 ? "min" : "h", name, "", false, out);
}

static void outcome_tiles(const struct status *s, struct buf *out)
{
    char more[64];
    if (s->spares)
        snprintf(more, sizeof more, "of %d sites and %d spare%s", s->planned, s->spares,
                 s->spares == 1 ? "" : "s");
    else
        snprintf(more, sizeof more, "of %d sites", s->planned);
    tile_count(s->by_outcome[OUTCOME_MEASURED], "measured", more, false, out);
    for (int o = 0; o < OUTCOME_COUNT; o++)
        if (o != OUTCOME_MEASURED && s->by_outcome[o])
            tile_count(s->by_outcome[o], o == OUTCOME_NONE ? "in progress" : outcome_name((enum outcome)o),
                       "", false, out);
}

struct counters {
    struct buf *out;
    int n;
};

static void counter(void *ctx, const char *key, const char *value)
{
    struct counters *c = ctx;
    if (strncmp(key, "sim.", 4) != 0)
        return;
    /* Landings and visits to a used spot are no mistakes; everything else must be 0. */
    bool harmless = strcmp(key, "sim.contacts") == 0 || strcmp(key, "sim.revisited") == 0;
    buf_str(c->out, c->n++ ? ", " : "<p class=\"sim\">The simulated sample counted ");
    bool bad = !harmless && strcmp(value, "0") != 0;
    buf_str(c->out, bad ? "<b class=\"bad\">" : "");
    for (const char *p = key + 4; *p; p++)
        buf_char(c->out, *p == '_' ? ' ' : *p == '<' || *p == '&' ? '?' : *p);
    buf_char(c->out, ' ');
    report_escape(value, c->out);
    buf_str(c->out, bad ? "</b>" : "");
}

bool report_summary(const struct data *d, struct buf *out, struct err *e)
{
    struct status s;
    if (!status_read(d, &s, e))
        return false;
    buf_str(out, "<div class=\"tiles\">\n");
    outcome_tiles(&s, out);
    if (s.controls) {
        char more[48];
        snprintf(more, sizeof more, "of %d spots, %d failed", s.controls, s.controls_failed);
        tile_count(s.controls_used, "controls", more, s.controls_failed > 0, out);
    }
    tile_time(s.now_s, "duration", out);
    tile_time(s.per_site_s, "per site", out);
    tile_count(s.warnings, s.warnings == 1 ? "warning" : "warnings", "", false, out);
    tile_count(s.faults, s.faults == 1 ? "fault" : "faults", "", s.faults > 0, out);
    buf_str(out, "</div>\n<p class=\"state\">State: ");
    report_escape(status_words(&s), out);
    if (*s.reason) {
        buf_str(out, ": ");
        report_escape(s.reason, out);
    }
    buf_str(out, ".</p>\n");
    struct counters c = {out, 0};
    if (!results_info_each(d->r, counter, &c, e))
        return false;
    buf_str(out, c.n ? ".</p>\n" : "");
    return true;
}

/* --- provenance ---------------------------------------------------------------------------------------- */

static void html_row(const struct table *t, int row, struct buf *out)
{
    buf_str(out, "<tr>");
    for (int c = 0; c < table_columns(t); c++) {
        bool text = table_kind(t, c) == CELL_TEXT;
        double number = table_get_number(t, row, c);
        buf_str(out, text ? "<td>" : "<td class=\"n\">");
        if (text)
            report_escape(table_get_text(t, row, c), out);
        else if (isfinite(number))
            report_number(unit_show(number, table_dim(t, c)), 6, out);
        buf_str(out, "</td>");
    }
    buf_str(out, "</tr>\n");
}

/* A table under a line that opens it; at most `most` rows. */
static void html_table(const char *title, const struct table *t, int most, struct buf *out)
{
    int n = table_rows(t);
    buf_printf(out, "<details><summary>%s (%d)</summary>\n<div class=\"scroll\"><table><thead><tr>", title,
               n);
    for (int c = 0; c < table_columns(t); c++) {
        const struct unit *u = unit_of(table_dim(t, c));
        buf_str(out, table_kind(t, c) == CELL_TEXT ? "<th>" : "<th class=\"n\">");
        report_escape(table_name(t, c), out);
        if (*u->label)
            buf_printf(out, " / %s", u->label);
        buf_str(out, "</th>");
    }
    buf_str(out, "</tr></thead><tbody>\n");
    for (int row = 0; row < n && row < most; row++)
        html_row(t, row, out);
    buf_str(out, "</tbody></table></div>\n");
    if (n > most)
        buf_printf(out, "<p class=\"note\">The first %d of %d; the results file has all.</p>\n", most, n);
    buf_str(out, "</details>\n");
}

/* Sites that were to be measured and were not. */
static struct table *lost_sites(const struct data *d)
{
    struct table *t = table_new();
    table_column(t, "site", CELL_INT, DIM_NONE);
    for (int f = 0; f < d->n_factors; f++)
        table_column(t, d->factor[f].name, CELL_TEXT, DIM_NONE);
    table_column(t, "outcome", CELL_TEXT, DIM_NONE);
    table_column(t, "fault", CELL_TEXT, DIM_NONE);
    table_column(t, "reason", CELL_TEXT, DIM_NONE);
    table_column(t, "touched", CELL_TEXT, DIM_NONE);
    table_column(t, "attempts", CELL_INT, DIM_NONE);
    for (int k = 0; k < d->sites.n; k++) {
        const struct results_site *s = &d->sites.site[k];
        if (s->outcome == OUTCOME_MEASURED || (s->spare && s->attempts == 0))
            continue;
        table_int(t, s->site);
        for (int f = 0; f < d->n_factors; f++)
            table_text(t, data_level(d, k, f));
        table_text(t, data_outcome(d, k));
        table_text(t, s->fault);
        table_text(t, s->reason);
        table_text(t, touched_name(s->touched));
        table_int(t, s->attempts);
    }
    return t;
}

/* What is more than the ordinary course: without the states that each hop passes through. */
static void keep_notable(struct table *events)
{
    int n = table_rows(events), kind = 0;
    while (strcmp(table_name(events, kind), "kind") != 0)
        kind++;
    bool *keep = xcalloc((size_t)n + 1, sizeof *keep);
    for (int row = 0; row < n; row++)
        keep[row] = strcmp(table_get_text(events, row, kind), "state") != 0;
    table_keep(events, keep);
    free(keep);
}

bool report_provenance(const struct data *d, struct buf *out, struct err *e)
{
    struct table *lost = lost_sites(d);
    if (table_rows(lost))
        html_table("Sites without a measurement", lost, SITES_SHOWN, out);
    table_free(lost);
    struct table *events = tables_events(d->r, e), *run = events ? tables_run(d->r, e) : NULL;
    if (run) {
        keep_notable(events);
        if (table_rows(events))
            html_table("Warnings, faults and what else was out of the ordinary", events, EVENTS_SHOWN, out);
        html_table("Provenance", run, 1000, out);
    }
    bool ok = run;
    table_free(events);
    table_free(run);
    return ok;
}
