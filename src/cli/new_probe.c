/* The end of a new probe is elsewhere: a mark that was found with both of them says where. */
#include "cli/new_probe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quantity.h"

#define FIDUCIALS_MAX 64
#define LISTED        8 /* sites in a message */
/* m: ends of probes in one holder differ by less; a digit that was mistyped makes more of it. */
#define FAR 40e-6

/* --- words --------------------------------------------------------------------------------------------- */

/* "12.3 um, 45 um" into n lengths (or n - 1, the last one being 0); ERR_USAGE. */
static bool lengths(const char *option, const char *text, int least, int n, double *out, struct err *e)
{
    char copy[200], *at = copy, *word;
    double v[3] = {0};
    int found = 0;
    snprintf(copy, sizeof copy, "%s", text);
    for (; (word = strsep(&at, ",")) != NULL; found++) {
        struct err why = ERR_INIT;
        if (found < n && !quantity_parse(word + strspn(word, " "), DIM_LENGTH, &v[found], &why))
            return err_set(e, ERR_USAGE, "--%s %s: %s", option, text, why.text);
    }
    if (found < least || found > n)
        return err_set(e, ERR_USAGE, "--%s %s: wants %d lengths with commas between, e.g. \"10.5 um, 99 um\"",
                       option, text, least);
    memcpy(out, v, (size_t)n * sizeof *v);
    return true;
}

/* "[N:]X,Y"; *which 0 = not said. */
static bool read_fiducial(const char *text, int *which, double at[2], struct err *e)
{
    const char *colon = strchr(text, ':');
    char *end = NULL;
    *which = 0;
    if (colon) {
        long n = strtol(text, &end, 10);
        if (end != colon || n < 1 || n > FIDUCIALS_MAX)
            return err_set(e, ERR_USAGE, "--fiducial %s: `N:` is the number of a fiducial, from 1", text);
        *which = (int)n;
    }
    return lengths("fiducial", colon ? colon + 1 : text, 2, 2, at, e);
}

static bool read_aperture(const char *text, double *out, struct err *e)
{
    struct err why = ERR_INIT;
    double v;
    if (!quantity_parse(text, DIM_LENGTH, &v, &why))
        return err_set(e, ERR_USAGE, "--aperture %s: %s", text, why.text);
    if (!(v >= 5e-9 && v <= 100e-6))
        return err_set(e, ERR_USAGE, "--aperture %s: 5 nm to 100 um", text);
    *out = v;
    return true;
}

bool new_probe_check(const struct new_probe *w, struct err *e)
{
    double v[3];
    int which;
    if (!w->id && (w->aperture || w->fiducial || w->offset || w->simulated))
        return err_set(e, ERR_USAGE,
                       "resume: --aperture, --fiducial, --offset and --sim-shift say something of a "
                       "--new-probe ID");
    if (w->id && (!*w->id || strlen(w->id) > 63))
        return err_set(e, ERR_USAGE, "resume: --new-probe wants a name of 1 to 63 bytes");
    if (w->fiducial && w->offset)
        return err_set(e, ERR_USAGE, "resume: --fiducial and --offset say the same: give one of them");
    return (!w->aperture || read_aperture(w->aperture, v, e)) &&
           (!w->fiducial || read_fiducial(w->fiducial, &which, v, e)) &&
           (!w->offset || lengths("offset", w->offset, 2, 2, v, e)) &&
           (!w->simulated || lengths("sim-shift", w->simulated, 2, 3, v, e));
}

/* --- the probe ----------------------------------------------------------------------------------------- */

/* The newest one that has made attempts, or the first. */
static const struct probe *used_probe(const struct stored *s)
{
    const struct probe *last = &s->probe[s->n_probes - 1];
    return s->n_probes > 1 && last->from_attempt > s->last_attempt ? last - 1 : last;
}

bool new_probe_aperture(const struct new_probe *w, const struct stored *s, double *aperture, struct err *e)
{
    const struct probe *last = w->id ? used_probe(s) : &s->probe[s->n_probes - 1];
    if (w->id && w->aperture)
        return read_aperture(w->aperture, aperture, e);
    *aperture = last->number > 1 && isfinite(last->aperture) ? last->aperture : 0;
    return true;
}

static bool offset_by_fiducial(const struct new_probe *w, const struct protocol *p, struct probe *out,
                               struct err *e)
{
    static double known[FIDUCIALS_MAX][2];
    int n = protocol_fiducials(p, known, FIDUCIALS_MAX), which;
    if (!read_fiducial(w->fiducial, &which, out->fiducial, e))
        return false;
    if (n == 0)
        return err_set(
            e, ERR_INPUT,
            "--fiducial: the run has none on record (`probe.fiducial` of its protocol, or those of an "
            "image), so there is nothing to compare with: measure by how much the new probe's end is "
            "displaced from the last one's and give it with --offset DX,DY");
    if (which == 0 && n > 1)
        return err_set(
            e, ERR_USAGE,
            "--fiducial: the run has %d of them on record: say which one, N:X,Y (the first lies at "
            "%.3f, %.3f um)",
            n, known[0][0] * 1e6, known[0][1] * 1e6);
    int at = which ? which - 1 : 0;
    if (at >= n)
        return err_set(e, ERR_USAGE, "--fiducial: there is no number %d, the run has %d on record", which, n);
    for (int k = 0; k < 2; k++)
        out->offset[k] = out->fiducial[k] - known[at][k];
    return true;
}

static bool ask_for_offset(const struct protocol *p, struct err *e)
{
    static double known[FIDUCIALS_MAX][2];
    int n = protocol_fiducials(p, known, FIDUCIALS_MAX);
    if (n == 0)
        return err_set(
            e, ERR_USAGE,
            "--new-probe: where is its end? The run has no fiducial on record, so measure by how much "
            "it is displaced from the last probe's: --offset DX,DY");
    return err_set(e, ERR_USAGE,
                   "--new-probe: where is its end? Find the mark that lay at x %.3f y %.3f um with the first "
                   "probe and give the stage's position there: --fiducial %sX,Y",
                   known[0][0] * 1e6, known[0][1] * 1e6, n > 1 ? "1:" : "");
}

/* A wrong place of the end puts every further site on the wrong spot of the sample, and nothing shows it. */
static bool is_near(const struct new_probe *w, const struct probe *before, const struct probe *now,
                    struct err *e)
{
    double dx = now->offset[0] - before->offset[0], dy = now->offset[1] - before->offset[1];
    if (w->accept || hypot(dx, dy) <= FAR)
        return true;
    return err_set(
        e, ERR_INPUT,
        "--%s %s: the new probe's end would lie %.1f, %.1f um from the last one's, more than %.0f um: "
        "is every digit right? If so, say it once more with --accept",
        w->fiducial ? "fiducial" : "offset", w->fiducial ? w->fiducial : w->offset, dx * 1e6, dy * 1e6,
        FAR * 1e6);
}

bool new_probe_resolve(const struct new_probe *w, const struct stored *s, const struct protocol *p,
                       struct probe *out, struct err *e)
{
    if (!w->id) {
        *out = s->probe[s->n_probes - 1];
        return true;
    }
    const struct probe *before = used_probe(s);
    struct probe made = *before;
    made.number = before->number + 1;
    if (made.number > PROBES_MAX)
        return err_set(e, ERR_LIMIT, "--new-probe: a run has at most %d probes", PROBES_MAX);
    snprintf(made.id, sizeof made.id, "%s", w->id);
    made.from_attempt = s->last_attempt + 1;
    made.fiducial[0] = made.fiducial[1] = NAN;
    if (!new_probe_aperture(w, s, &made.aperture, e))
        return false;
    if (!(made.aperture > 0))
        made.aperture = before->aperture;
    if (w->simulated && !lengths("sim-shift", w->simulated, 2, 3, made.simulated, e))
        return false;
    if (w->fiducial) {
        if (!offset_by_fiducial(w, p, &made, e))
            return false;
    } else if (w->offset) {
        double by[2];
        if (!lengths("offset", w->offset, 2, 2, by, e))
            return false;
        for (int k = 0; k < 2; k++)
            made.offset[k] = before->offset[k] + by[k];
    } else {
        return ask_for_offset(p, e);
    }
    for (int k = 0; k < 2; k++) /* decisions are made in whole picometres */
        made.offset[k] = rint(made.offset[k] * 1e12) / 1e12;
    if (!is_near(w, before, &made, e))
        return false;
    *out = made;
    return true;
}

/* --- where it can go ----------------------------------------------------------------------------------- */

static bool inside(const struct rig_config *c, double x, double y)
{
    return x >= c->limit[AXIS_X][0] && x <= c->limit[AXIS_X][1] && y >= c->limit[AXIS_Y][0] &&
           y <= c->limit[AXIS_Y][1];
}

bool new_probe_reaches(const struct probe *probe, const struct plan *plan, const struct run_before *before,
                       struct err *e)
{
    const struct rig_config *c = plan->protocol->rig;
    struct buf list = {0};
    int bad = 0;
    for (int k = 0; k < plan_places(plan); k++) {
        const struct plan_site *s = &plan->site[k];
        if (before[k].outcome != OUTCOME_NONE && !before[k].again)
            continue;
        double x = s->x + probe->offset[0], y = s->y + probe->offset[1];
        if (inside(c, x, y))
            continue;
        if (bad++ < LISTED)
            buf_printf(&list, "%s%d (%.3f, %.3f um)", bad > 1 ? ", " : "", s->site, x * 1e6, y * 1e6);
    }
    if (bad)
        err_set(
            e, ERR_LIMIT,
            "probe %d (%s): with its end displaced by %.3f, %.3f um the stage can not bring it to %d places "
            "that may still be visited: %s%s; it reaches x %.3f to %.3f, y %.3f to %.3f um",
            probe->number, probe->id, probe->offset[0] * 1e6, probe->offset[1] * 1e6, bad, list.p,
            bad > LISTED ? ", ..." : "", c->limit[AXIS_X][0] * 1e6, c->limit[AXIS_X][1] * 1e6,
            c->limit[AXIS_Y][0] * 1e6, c->limit[AXIS_Y][1] * 1e6);
    buf_free(&list);
    return bad == 0;
}
