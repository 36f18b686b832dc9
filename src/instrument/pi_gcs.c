/* Stages behind a PI controller that speaks GCS 2.0 (E-727, E-753, E-709 ...).
 *
 * Set commands are silent, also when they fail; the one error slot is read where a caller asks for it
 * (stage_check, stage_move_wait), so that commanding a target costs no round trip. All axes are asked for in
 * one question. The controller counts in um with its own sign of z; the rig frame is metres with z rising
 * away from the sample:
 *
 *   z(rig) = -toward_sample * z(controller)
 */
#include "instrument/gcs.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "instrument/gcs_errors.h"
#include "instrument/gcs_reply.h"

struct gcs *gcs_of(struct stage *s)
{
    return (struct gcs *)s;
}

/* The two directions of the mounting: um of the controller <-> m of the rig. */
static double axis_sign(const struct stage *s, int a)
{
    return a == AXIS_Z ? -s->config.toward_sample : 1;
}

double gcs_to_rig(const struct stage *s, int a, double um)
{
    return axis_sign(s, a) * um * 1e-6;
}

double gcs_to_controller(const struct stage *s, int a, double m)
{
    return axis_sign(s, a) * m * 1e6;
}

void gcs_add_value(struct buf *b, const char *axis, double value)
{
    long long pm = llround(value * 1e6);
    long long mag = llabs(pm);
    buf_printf(b, " %s %s%lld.%06lld", axis, pm < 0 ? "-" : "", mag / 1000000, mag % 1000000);
}

bool gcs_send(struct stage *s, struct buf *line, struct err *e)
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

/* Whether a reply may answer a question: an error number is one number, the others name axes, an
 * identification its maker. */
static bool fits(const char *question, const char *reply)
{
    long code;
    if (strncmp(question, "ERR?", 4) == 0)
        return gcs_reply_integer(reply, &code);
    if (strncmp(question, "*IDN?", 5) == 0)
        return strchr(reply, ',') != NULL;
    return strncmp(question, "SAI?", 4) == 0 ? !strpbrk(reply, "=,") : strchr(reply, '=') != NULL;
}

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

bool gcs_ask_values(struct stage *s, const char *mnemonic, unsigned mask, double value[AXIS_COUNT],
                    struct err *e)
{
    char text[80];
    const char *reply;
    return dialogue_query(s->dialogue, question(s, mnemonic, mask, text, sizeof(text)), REPLY_GCS,
                          GCS_REPLY_TIMEOUT, &reply, e) &&
           read_values(s, reply, mask, value, e);
}

bool gcs_ask_value(struct stage *s, const char *mnemonic, const char *axis, double *value, struct err *e)
{
    char text[80];
    const char *reply;
    snprintf(text, sizeof text, "%s %s\n", mnemonic, axis);
    if (!dialogue_query(s->dialogue, text, REPLY_GCS, GCS_REPLY_TIMEOUT, &reply, e))
        return false;
    return gcs_reply_value(reply, axis, value) || dialogue_mismatch(s->dialogue, e, reply, "one number");
}

bool gcs_read_error(struct stage *s, long *code, struct err *e)
{
    const char *reply;
    if (!dialogue_query(s->dialogue, "ERR?\n", REPLY_LINE, GCS_REPLY_TIMEOUT, &reply, e))
        return false;
    if (!gcs_reply_integer(reply, code))
        return dialogue_mismatch(s->dialogue, e, reply, "an error number");
    if (*code != GCS_OK && *code != GCS_STOPPED && *code != GCS_SERVO_ON)
        gcs_of(s)->error = *code;
    return true;
}

static bool refused(struct err *e, long code)
{
    return err_set(e, gcs_error_kind(code), "stage: error %ld, %s", code, gcs_error_text(code));
}

bool gcs_check(struct stage *s, struct err *e)
{
    long code;
    if (!gcs_read_error(s, &code, e))
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
    if (!dialogue_query(s->dialogue, "SAI?\n", REPLY_GCS, GCS_REPLY_TIMEOUT, &reply, e))
        return false;
    for (int a = 0; a < AXIS_COUNT; a++) {
        if (gcs_reply_has_line(reply, s->config.id[a]))
            continue;
        dialogue_mismatch(s->dialogue, e, reply, "the axes of the rig file");
        return err_context(e, "axis %s: the controller has no axis named \"%s\"", axis_name((enum axis)a),
                           s->config.id[a]);
    }
    return gcs_has_coarse(s, reply, e);
}

static bool gcs_identify(struct stage *s, char *id, size_t n, struct err *e)
{
    const char *reply;
    if (!dialogue_query(s->dialogue, "*IDN?\n", REPLY_LINE, GCS_REPLY_TIMEOUT, &reply, e))
        return false;
    if (!is_pi(reply))
        return dialogue_mismatch(s->dialogue, e, reply, "an identification of Physik Instrumente");
    char text[160];
    snprintf(text, sizeof(text), "%s", reply);
    /* An error left over from somebody else's session would be taken for ours; on some units it blocks
     * commands. */
    long stale;
    struct gcs *g = gcs_of(s);
    if (!gcs_read_error(s, &stale, e) || !check_axes(s, e))
        return false;
    g->error = GCS_OK;
    for (int a = 0; a < AXIS_COUNT; a++)
        g->target[a] = NAN; /* speeds stay: by them a controller that has started anew is known */
    snprintf(id, n, "%s", text);
    return true;
}

static bool gcs_read_limits(struct stage *s, double limit[AXIS_COUNT][2], struct err *e)
{
    double low[AXIS_COUNT], high[AXIS_COUNT];
    if (!gcs_ask_values(s, "TMN?", all_axes, low, e) || !gcs_ask_values(s, "TMX?", all_axes, high, e))
        return false;
    for (int a = 0; a < AXIS_COUNT; a++) {
        double p = gcs_to_rig(s, a, low[a]), q = gcs_to_rig(s, a, high[a]);
        limit[a][0] = fmin(p, q);
        limit[a][1] = fmax(p, q);
        gcs_of(s)->limit[a][0] = low[a];
        gcs_of(s)->limit[a][1] = high[a];
    }
    return gcs_coarse_has_room(s, e);
}

bool gcs_servo(struct stage *s, bool on[AXIS_COUNT], struct err *e)
{
    double state[AXIS_COUNT];
    if (!gcs_ask_values(s, "SVO?", all_axes, state, e))
        return false;
    for (int a = 0; a < AXIS_COUNT; a++)
        on[a] = state[a] != 0;
    return true;
}

/* First axis of mask whose servo is off; AXIS_COUNT if none is. */
static int first_off(unsigned mask, const bool on[AXIS_COUNT])
{
    for (int a = 0; a < AXIS_COUNT; a++)
        if ((mask & 1u << a) && !on[a])
            return a;
    return AXIS_COUNT;
}

/* The controller takes the present position as target when its servo is switched on. */
static bool gcs_servo_on(struct stage *s, unsigned mask, struct err *e)
{
    bool on[AXIS_COUNT];
    struct buf line = {0};
    if (!gcs_servo(s, on, e))
        return false;
    if (first_off(mask, on) == AXIS_COUNT)
        return true;
    buf_str(&line, "SVO");
    for (int a = 0; a < AXIS_COUNT; a++)
        if ((mask & 1u << a) && !on[a])
            buf_printf(&line, " %s 1", s->config.id[a]);
    if (!gcs_send(s, &line, e) || !gcs_check(s, e) || !gcs_servo(s, on, e))
        return false;
    int off = first_off(mask, on);
    return off == AXIS_COUNT ||
           err_set(e, ERR_SERVO, "axis %s: the servo stays off", axis_name((enum axis)off));
}

static void note_speed(struct gcs *g, int a, double speed)
{
    if (speed == g->speed[a])
        return;
    memmove(g->speeds[a] + 1, g->speeds[a], (GCS_SPEEDS - 1) * sizeof g->speeds[a][0]);
    g->speeds[a][0] = g->speed[a];
    g->speed[a] = speed;
}

static bool gcs_set_speed(struct stage *s, enum axis a, double speed, struct err *e)
{
    struct buf line = {0};
    buf_str(&line, "VEL");
    for (int k = 0; k < AXIS_COUNT; k++)
        if ((k == AXIS_Z) == (a == AXIS_Z)) {
            gcs_add_value(&line, s->config.id[k], speed * 1e6);
            note_speed(gcs_of(s), k, speed * 1e6);
        }
    return gcs_send(s, &line, e);
}

static bool gcs_move(struct stage *s, unsigned mask, const double target[AXIS_COUNT], struct err *e)
{
    struct buf line = {0};
    gcs_of(s)->error = GCS_OK;
    buf_str(&line, "MOV");
    for (int a = 0; a < AXIS_COUNT; a++)
        if (mask & 1u << a) {
            gcs_of(s)->from[a] = gcs_of(s)->at[a];
            gcs_of(s)->target[a] = gcs_to_controller(s, a, target[a]);
            gcs_add_value(&line, s->config.id[a], gcs_of(s)->target[a]);
        }
    return gcs_send(s, &line, e);
}

static void take_position(struct stage *s, const double um[AXIS_COUNT], double position[AXIS_COUNT])
{
    memcpy(gcs_of(s)->at, um, sizeof gcs_of(s)->at);
    gcs_of(s)->pushed = 0;
    for (int a = 0; a < AXIS_COUNT; a++)
        position[a] = gcs_to_rig(s, a, um[a]);
}

static bool gcs_ask_position(struct stage *s, struct err *e)
{
    char text[80];
    struct gcs *g = gcs_of(s);
    g->asked_at = loop_now(link_loop(dialogue_link(s->dialogue)));
    return dialogue_ask(s->dialogue, question(s, "POS?", all_axes, text, sizeof(text)), REPLY_GCS,
                        GCS_REPLY_TIMEOUT, e);
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
    take_position(s, um, position);
    if (asked)
        *asked = gcs_of(s)->asked_at;
    if (at)
        *at = came;
    return REPLY_READY;
}

bool gcs_position(struct stage *s, double position[AXIS_COUNT], struct err *e)
{
    double um[AXIS_COUNT];
    if (!gcs_ask_values(s, "POS?", all_axes, um, e))
        return false;
    take_position(s, um, position);
    return true;
}

static bool gcs_on_target(struct stage *s, unsigned mask, bool *yes, struct err *e)
{
    double state[AXIS_COUNT];
    if (!gcs_ask_values(s, "ONT?", mask, state, e))
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
    return dialogue_send_bytes(s->dialogue, GCS_STOP_BYTE, 1, e);
}

/* Code 10 is the acknowledgement of a stop; a controller may be set to suppress it and then says 0. A push up
 * that was not needed may have been refused behind it. */
static bool read_stopped(struct stage *s, struct err *e)
{
    long code;
    dialogue_drain(s->dialogue, GCS_QUIET, GCS_QUIET_LIMIT);
    if (!gcs_read_error(s, &code, e))
        return false;
    return code == GCS_STOPPED || code == GCS_OK || code == GCS_SERVO_ON || refused(e, code);
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
        if (why.code != ERR_MISMATCH && why.code != ERR_LATE)
            break;
        dialogue_drain(s->dialogue, GCS_QUIET, GCS_QUIET_LIMIT);
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
    .restarted = gcs_restarted,
    .explain = gcs_explain,
    .retract_open_loop = gcs_retract_open_loop,
    .push_up = gcs_push_up,
    .lift = gcs_lift,
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
    for (int a = 0; a < AXIS_COUNT; a++) {
        gcs_forget_speeds(g, a);
        g->limit[a][0] = g->limit[a][1] = g->target[a] = g->at[a] = g->from[a] = NAN;
    }
    dialogue_tell_late(d, fits);
    return &g->base;
}

const struct stage_driver pi_gcs_driver = {"pi-gcs", gcs_open};
