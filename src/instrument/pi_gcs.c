/* Stages behind a PI controller that speaks GCS 2.0 (E-727, E-753, E-709 ...).
 *
 * Set commands are silent, also when they fail; the one error slot is read where a caller asks for it
 * (stage_check, stage_move_wait), so that commanding a target costs no round trip. All axes are asked for in
 * one question. The controller counts in um with its own sign of z; the rig frame is metres with z rising
 * away from the sample:
 *
 *   z(rig) = -toward_sample * z(controller)
 */
#include "instrument/stage_ops.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "instrument/gcs_errors.h"
#include "instrument/gcs_reply.h"

/* A reply of three axes takes about 6 ms at 115200 baud; FTDI adapters may add 16 ms. */
#define REPLY_TIMEOUT (300 * NS_MS)
/* After a stop: this long without input, and what was on its way has arrived. */
#define QUIET       (10 * NS_MS)
#define QUIET_LIMIT (300 * NS_MS)
#define STOP        "\x18"

struct gcs {
    struct stage base;
    ns_t asked_at;
};

static struct gcs *gcs_of(struct stage *s)
{
    return (struct gcs *)s;
}

/* The two directions of the mounting: um of the controller <-> m of the rig. */
static double axis_sign(const struct stage *s, int a)
{
    return a == AXIS_Z ? -s->config.toward_sample : 1;
}

static double to_rig(const struct stage *s, int a, double um)
{
    return axis_sign(s, a) * um * 1e-6;
}

static double to_controller(const struct stage *s, int a, double m)
{
    return axis_sign(s, a) * m * 1e6;
}

/* Appends " AXIS VALUE" with the value in um and six decimals (1 pm), with a point whatever the locale. */
static void add_axis_value(struct buf *b, const char *axis, double um)
{
    long long pm = llround(um * 1e6);
    long long mag = llabs(pm);
    buf_printf(b, " %s %s%lld.%06lld", axis, pm < 0 ? "-" : "", mag / 1000000, mag % 1000000);
}

static bool send(struct stage *s, struct buf *line, struct err *e)
{
    buf_char(line, '\n');
    bool ok = dialogue_send_bytes(s->dialogue, line->p, line->n, e);
    buf_free(line);
    return ok;
}

/* "POS? 1 2 3\n" for the axes of mask. */
static const char *question(const struct stage *s, const char *mnemonic, unsigned mask, char *text, size_t n)
{
    size_t used = (size_t)snprintf(text, n, "%s", mnemonic);
    for (int a = 0; a < AXIS_COUNT; a++)
        if (mask & 1u << a)
            used += (size_t)snprintf(text + used, n - used, " %s", s->config.id[a]);
    snprintf(text + used, n - used, "\n");
    return text;
}

static const unsigned all_axes = 1u << AXIS_X | 1u << AXIS_Y | 1u << AXIS_Z;

static bool read_values(struct stage *s, const char *reply, unsigned mask, double value[AXIS_COUNT],
                        struct err *e)
{
    double v[AXIS_COUNT] = {0};
    for (int a = 0; a < AXIS_COUNT; a++)
        if ((mask & 1u << a) && !gcs_reply_value(reply, s->config.id[a], &v[a]))
            return dialogue_mismatch(s->dialogue, e, reply, "one number for each axis");
    for (int a = 0; a < AXIS_COUNT; a++)
        if (mask & 1u << a)
            value[a] = v[a];
    return true;
}

static bool ask_values(struct stage *s, const char *mnemonic, unsigned mask, double value[AXIS_COUNT],
                       struct err *e)
{
    char text[80];
    const char *reply;
    return dialogue_query(s->dialogue, question(s, mnemonic, mask, text, sizeof(text)), REPLY_GCS,
                          REPLY_TIMEOUT, &reply, e) &&
           read_values(s, reply, mask, value, e);
}

static bool read_error(struct stage *s, long *code, struct err *e)
{
    const char *reply;
    if (!dialogue_query(s->dialogue, "ERR?\n", REPLY_LINE, REPLY_TIMEOUT, &reply, e))
        return false;
    if (!gcs_reply_integer(reply, code))
        return dialogue_mismatch(s->dialogue, e, reply, "an error number");
    return true;
}

static bool refused(struct err *e, long code)
{
    return err_set(e, ERR_REFUSED, "stage: error %ld, %s", code, gcs_error_text(code));
}

static bool gcs_check(struct stage *s, struct err *e)
{
    long code;
    if (!read_error(s, &code, e))
        return false;
    return code == GCS_OK || refused(e, code);
}

static bool is_pi(const char *id)
{
    return strcasestr(id, "Physik Instrumente") != NULL;
}

static bool check_axes(struct stage *s, struct err *e)
{
    const char *reply;
    if (!dialogue_query(s->dialogue, "SAI?\n", REPLY_GCS, REPLY_TIMEOUT, &reply, e))
        return false;
    for (int a = 0; a < AXIS_COUNT; a++) {
        if (gcs_reply_has_line(reply, s->config.id[a]))
            continue;
        dialogue_mismatch(s->dialogue, e, reply, "the axes of the rig file");
        return err_context(e, "axis %s: the controller has no axis named \"%s\"", axis_name((enum axis)a),
                           s->config.id[a]);
    }
    return true;
}

static bool gcs_identify(struct stage *s, char *id, size_t n, struct err *e)
{
    const char *reply;
    if (!dialogue_query(s->dialogue, "*IDN?\n", REPLY_LINE, REPLY_TIMEOUT, &reply, e))
        return false;
    if (!is_pi(reply))
        return dialogue_mismatch(s->dialogue, e, reply, "an identification of Physik Instrumente");
    char text[160];
    snprintf(text, sizeof(text), "%s", reply);
    /* An error left over from somebody else's session would be taken for ours; on some units it blocks
     * commands. */
    long stale;
    if (!read_error(s, &stale, e) || !check_axes(s, e))
        return false;
    snprintf(id, n, "%s", text);
    return true;
}

static bool gcs_read_limits(struct stage *s, double limit[AXIS_COUNT][2], struct err *e)
{
    double low[AXIS_COUNT], high[AXIS_COUNT];
    if (!ask_values(s, "TMN?", all_axes, low, e) || !ask_values(s, "TMX?", all_axes, high, e))
        return false;
    for (int a = 0; a < AXIS_COUNT; a++) {
        double p = to_rig(s, a, low[a]), q = to_rig(s, a, high[a]);
        limit[a][0] = fmin(p, q);
        limit[a][1] = fmax(p, q);
    }
    return true;
}

static bool gcs_servo(struct stage *s, bool on[AXIS_COUNT], struct err *e)
{
    double state[AXIS_COUNT];
    if (!ask_values(s, "SVO?", all_axes, state, e))
        return false;
    for (int a = 0; a < AXIS_COUNT; a++)
        on[a] = state[a] != 0;
    return true;
}

/* The controller takes the present position as target when its servo is switched on. */
static bool gcs_servo_on(struct stage *s, struct err *e)
{
    bool on[AXIS_COUNT];
    if (!gcs_servo(s, on, e))
        return false;
    if (on[AXIS_X] && on[AXIS_Y] && on[AXIS_Z])
        return true;
    struct buf line = {0};
    buf_str(&line, "SVO");
    for (int a = 0; a < AXIS_COUNT; a++)
        if (!on[a])
            buf_printf(&line, " %s 1", s->config.id[a]);
    if (!send(s, &line, e) || !gcs_check(s, e) || !gcs_servo(s, on, e))
        return false;
    for (int a = 0; a < AXIS_COUNT; a++)
        if (!on[a])
            return err_set(e, ERR_MISMATCH, "axis %s: the servo stays off", axis_name((enum axis)a));
    return true;
}

static bool gcs_set_speed(struct stage *s, enum axis a, double speed, struct err *e)
{
    struct buf line = {0};
    buf_str(&line, "VEL");
    for (int k = 0; k < AXIS_COUNT; k++)
        if ((k == AXIS_Z) == (a == AXIS_Z))
            add_axis_value(&line, s->config.id[k], speed * 1e6);
    return send(s, &line, e);
}

static bool gcs_move(struct stage *s, unsigned mask, const double target[AXIS_COUNT], struct err *e)
{
    struct buf line = {0};
    buf_str(&line, "MOV");
    for (int a = 0; a < AXIS_COUNT; a++)
        if (mask & 1u << a)
            add_axis_value(&line, s->config.id[a], to_controller(s, a, target[a]));
    return send(s, &line, e);
}

static void rig_position(struct stage *s, const double um[AXIS_COUNT], double position[AXIS_COUNT])
{
    for (int a = 0; a < AXIS_COUNT; a++)
        position[a] = to_rig(s, a, um[a]);
}

static bool gcs_ask_position(struct stage *s, struct err *e)
{
    char text[80];
    struct gcs *g = gcs_of(s);
    g->asked_at = loop_now(link_loop(dialogue_link(s->dialogue)));
    return dialogue_ask(s->dialogue, question(s, "POS?", all_axes, text, sizeof(text)), REPLY_GCS,
                        REPLY_TIMEOUT, e);
}

static enum reply_state gcs_poll_position(struct stage *s, double position[AXIS_COUNT], ns_t *asked, ns_t *at,
                                          struct err *e)
{
    const char *reply;
    ns_t came = 0;
    double um[AXIS_COUNT];
    enum reply_state state = dialogue_poll(s->dialogue, &reply, &came, e);
    if (state != REPLY_READY)
        return state;
    if (!read_values(s, reply, all_axes, um, e))
        return REPLY_FAILED;
    rig_position(s, um, position);
    if (asked)
        *asked = gcs_of(s)->asked_at;
    if (at)
        *at = came;
    return REPLY_READY;
}

static bool gcs_position(struct stage *s, double position[AXIS_COUNT], struct err *e)
{
    double um[AXIS_COUNT];
    if (!ask_values(s, "POS?", all_axes, um, e))
        return false;
    rig_position(s, um, position);
    return true;
}

static bool gcs_on_target(struct stage *s, unsigned mask, bool *yes, struct err *e)
{
    double state[AXIS_COUNT];
    if (!ask_values(s, "ONT?", mask, state, e))
        return false;
    bool all = true;
    for (int a = 0; a < AXIS_COUNT; a++)
        if ((mask & 1u << a) && state[a] != 1)
            all = false;
    *yes = all;
    return true;
}

static bool gcs_halt(struct stage *s, struct err *e)
{
    dialogue_cancel(s->dialogue);
    return dialogue_send_bytes(s->dialogue, STOP, 1, e);
}

/* Code 10 is the acknowledgement of a stop; a controller may be set to suppress it and then says 0. */
static bool read_stopped(struct stage *s, struct err *e)
{
    long code;
    dialogue_drain(s->dialogue, QUIET, QUIET_LIMIT);
    if (!read_error(s, &code, e))
        return false;
    return code == GCS_STOPPED || code == GCS_OK || refused(e, code);
}

/* A question that the stop cut off, or one whose answer was given up, may be answered after all, and then
 * every answer is taken for that to the next question. Positions can be told from other answers: asking again
 * gets back into step. */
#define IN_STEP 3

static bool position_at_rest(struct stage *s, double position[AXIS_COUNT], struct err *e)
{
    struct err why = ERR_INIT;
    for (int attempt = 0; attempt < IN_STEP; attempt++) {
        err_clear(&why);
        if (gcs_position(s, position, &why))
            return true;
        if (why.code != ERR_MISMATCH)
            break;
        dialogue_drain(s->dialogue, QUIET, QUIET_LIMIT);
    }
    return err_set(e, why.code, "%s", why.text);
}

static bool gcs_halt_confirm(struct stage *s, double position[AXIS_COUNT], struct err *e)
{
    /* The stop needs no parser and overtakes a move that still waits in the controller's input, which then
     * runs behind it. The first answer proves that everything sent before has been executed (whatever it
     * says: an older error that hid the acknowledgement, silence, half a line), so the stop is always
     * repeated, and only the second answer counts. */
    read_stopped(s, NULL);
    if (!gcs_halt(s, e) || !read_stopped(s, e))
        return err_context(e, "the stop was not acknowledged");
    return position_at_rest(s, position, e);
}

static void gcs_halt_bytes(struct stage *s, struct buf *out)
{
    (void)s;
    buf_str(out, STOP);
}

/* Height as the controller counts it, um, clamped to the envelope. */
static double height_inside(const struct stage *s, double z)
{
    double inside = fmin(fmax(z, s->config.limit[AXIS_Z][0]), s->config.limit[AXIS_Z][1]);
    return to_controller(s, AXIS_Z, inside);
}

/* The leading LF ends a line that a dying program may have left half sent. */
static void gcs_retract_bytes(struct stage *s, double z, struct buf *out)
{
    buf_str(out, "\nMOV");
    add_axis_value(out, s->config.id[AXIS_Z], height_inside(s, z));
    buf_char(out, '\n');
}

/* Not a number, a name or a command: ends a half-sent line so that it is refused, not obeyed with a number
 * that lost its last digits. */
#define SPOIL "~\n"
/* A target is reached by less than the controller's noise and creep. */
#define ARRIVED 10 /* tolerances */

static struct errand asking(const char *what, int turn, const struct buf *bytes, enum errand_kind kind,
                            const char *wanted, ns_t timeout)
{
    struct errand q = errand_make(what, turn, bytes->p, bytes->n);
    q.kind = kind;
    snprintf(q.wanted, sizeof q.wanted, "%s", wanted);
    q.quiet = QUIET;
    q.answer = REPLY_TIMEOUT;
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
    add_axis_value(&b, axis, speed * 1e6);
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
    double um = height_inside(s, z), near = ARRIVED * s->config.tolerance * 1e6;
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

/* See gcs_halt_confirm() for why the stop is repeated behind the first answer. Here, moreover, a line may
 * have been left half sent: it is spoilt and ended between two stops. */
static int gcs_errands(struct stage *s, double z, double speed, struct errand *out, int max)
{
    struct buf spoil = {0}, again = {0};
    buf_str(&spoil, SPOIL STOP "ERR?\n");
    buf_str(&again, STOP "ERR?\n");
    struct errand all[] = {
        errand_make("stop", 0, STOP, 1),
        asking("all that was sent before is done", 1, &spoil, ERRAND_NUMBER, "", NS_S),
        asking("stop again", 1, &again, ERRAND_TEXT, "10\n|0\n", NS_S),
        gcs_retraction(s, z, speed),
        gcs_arrival(s, z, speed),
        gcs_retraction(s, z, speed),
        gcs_arrival(s, z, speed),
    };
    int n = (int)(sizeof all / sizeof all[0]);
    all[1].low = -INFINITY;
    all[1].high = INFINITY;
    all[5].turn = 2;
    all[5].only_unproven = all[6].only_unproven = true;
    n = n < max ? n : max;
    memcpy(out, all, (size_t)n * sizeof *out);
    buf_free(&spoil);
    buf_free(&again);
    return n;
}

static void gcs_close(struct stage *s)
{
    free(s);
}

static const struct stage_ops ops = {
    .close = gcs_close,
    .identify = gcs_identify,
    .read_limits = gcs_read_limits,
    .servo = gcs_servo,
    .servo_on = gcs_servo_on,
    .set_speed = gcs_set_speed,
    .move = gcs_move,
    .check = gcs_check,
    .ask_position = gcs_ask_position,
    .poll_position = gcs_poll_position,
    .position = gcs_position,
    .on_target = gcs_on_target,
    .halt = gcs_halt,
    .halt_confirm = gcs_halt_confirm,
    .halt_bytes = gcs_halt_bytes,
    .retract_bytes = gcs_retract_bytes,
    .errands = gcs_errands,
};

static struct stage *gcs_open(struct dialogue *d, const struct stage_config *c, struct err *e)
{
    if (c->toward_sample != 1 && c->toward_sample != -1) {
        err_set(e, ERR_INPUT, "the direction toward the sample must be +1 or -1");
        return NULL;
    }
    struct gcs *g = xcalloc(1, sizeof(*g));
    g->base.ops = &ops;
    g->base.dialogue = d;
    g->base.config = *c;
    return &g->base;
}

const struct stage_driver pi_gcs_driver = {"pi-gcs", gcs_open};
