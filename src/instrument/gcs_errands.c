/* Bytes and errands of a GCS stage for a guardian, who has nothing of it but its link. */
#include "instrument/gcs.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void gcs_halt_bytes(struct stage *s, struct buf *out)
{
    (void)s;
    buf_str(out, GCS_STOP_BYTE);
}

/* Height as the controller counts it, um, clamped to the envelope. */
static double height_inside(const struct stage *s, double z)
{
    double inside = fmin(fmax(z, s->config.limit[AXIS_Z][0]), s->config.limit[AXIS_Z][1]);
    return gcs_to_controller(s, AXIS_Z, inside);
}

/* The leading LF ends a line that a dying program may have left half sent. */
void gcs_retract_bytes(struct stage *s, double z, struct buf *out)
{
    buf_str(out, "\nMOV");
    gcs_add_value(out, s->config.id[AXIS_Z], height_inside(s, z));
    buf_char(out, '\n');
}

/* Not a number, a name or a command: ends a half-sent line so that it is refused, not obeyed with a number
 * that lost its last digits. */
#define SPOIL "~\n"

static struct errand asking(const char *what, int turn, const struct buf *bytes, enum errand_kind kind,
                            const char *wanted, ns_t timeout)
{
    struct errand q = errand_make(what, turn, bytes->p, bytes->n);
    q.kind = kind;
    snprintf(q.wanted, sizeof q.wanted, "%s", wanted);
    q.quiet = GCS_QUIET;
    q.answer = GCS_REPLY_TIMEOUT;
    q.timeout = timeout;
    return q;
}

/* The servo is switched on in passing: where it is on nothing changes, where it was lost it holds z where it
 * is. The error slot tells whether all three were taken. */
static struct errand gcs_retraction(struct stage *s, double z, double speed)
{
    struct buf b = {0};
    const char *axis = s->config.id[AXIS_Z];
    buf_printf(&b, "SVO %s 1\nVEL", axis);
    gcs_add_value(&b, axis, speed * 1e6);
    gcs_retract_bytes(s, z, &b);
    buf_str(&b, "ERR?\n");
    struct errand q = asking("retraction", 1, &b, ERRAND_TEXT, "0\n", NS_S);
    buf_free(&b);
    return q;
}

static struct errand gcs_arrival(struct stage *s, double z, double speed)
{
    struct buf b = {0};
    char wanted[32];
    double um = height_inside(s, z), near = GCS_ARRIVED * s->config.tolerance * 1e6;
    double way = s->config.limit[AXIS_Z][1] - s->config.limit[AXIS_Z][0];
    buf_printf(&b, "POS? %s\n", s->config.id[AXIS_Z]);
    snprintf(wanted, sizeof wanted, "%s=", s->config.id[AXIS_Z]);
    struct errand q = asking("arrival", 2, &b, ERRAND_NUMBER, wanted, ns_from_s(2 * way / speed + 2));
    q.low = um - near;
    q.high = um + near;
    q.answer = 100 * NS_MS;
    snprintf(q.proves, sizeof q.proves, "retracted");
    buf_free(&b);
    return q;
}

/* The coarse axis goes by as much as the rig file says from wherever it stands then, sent once: relative, so
 * that a head that somebody has raised meanwhile is not lowered. Its proof counts from where it was read
 * before. */
static int coarse_errands(struct stage *s, struct errand out[3])
{
    const struct stage_coarse *c = &s->config.coarse;
    struct buf where = {0}, lift = {0};
    char wanted[32];
    if (!c->id[0])
        return 0;
    double by = c->by * 1e6;
    buf_printf(&where, "POS? %s\n", c->id);
    buf_printf(&lift, "SVO %s 1\nVEL", c->id);
    gcs_add_value(&lift, c->id, c->speed * 1e6);
    buf_str(&lift, "\nMVR");
    gcs_add_value(&lift, c->id, c->away * by);
    buf_str(&lift, "\nERR?\n");
    snprintf(wanted, sizeof wanted, "%s=", c->id);
    out[0] = asking("coarse axis", 3, &where, ERRAND_NOTE, wanted, NS_S);
    out[1] = asking("coarse axis up", 3, &lift, ERRAND_TEXT, "0\n", 0);
    out[2] =
        asking("coarse axis arrived", 3, &where, ERRAND_CHANGE, wanted, ns_from_s(2 * c->by / c->speed + 2));
    out[2].low = c->away > 0 ? GCS_LIFTED * by : -INFINITY;
    out[2].high = c->away > 0 ? INFINITY : -GCS_LIFTED * by;
    out[2].answer = 100 * NS_MS;
    snprintf(out[2].proves, sizeof out[2].proves, "lifted by coarse axis");
    buf_free(&where);
    buf_free(&lift);
    return 3;
}

/* See gcs_halt_confirm() for why the stop is repeated behind the first answer. Here, moreover, a line may
 * have been left half sent: it is spoilt and ended between two stops. */
int gcs_errands(struct stage *s, double z, double speed, struct errand *out, int max)
{
    struct buf spoil = {0}, again = {0};
    buf_str(&spoil, SPOIL GCS_STOP_BYTE "ERR?\n");
    buf_str(&again, GCS_STOP_BYTE "ERR?\n");
    struct errand all[STAGE_ERRANDS] = {
        errand_make("stop", 0, GCS_STOP_BYTE, 1),
        asking("all that was sent before is done", 1, &spoil, ERRAND_NUMBER, "", NS_S),
        asking("stop again", 1, &again, ERRAND_TEXT, "10\n|0\n", NS_S),
        gcs_retraction(s, z, speed),
        gcs_arrival(s, z, speed),
        gcs_retraction(s, z, speed),
        gcs_arrival(s, z, speed),
    };
    int n = 7 + coarse_errands(s, all + 7);
    all[1].low = -INFINITY;
    all[1].high = INFINITY;
    all[5].turn = 2;
    for (int k = 5; k < n; k++)
        all[k].only_unproven = true;
    n = n < max ? n : max;
    memcpy(out, all, (size_t)n * sizeof *out);
    buf_free(&spoil);
    buf_free(&again);
    return n;
}
