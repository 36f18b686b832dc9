/* The ladder of the safe state against a controller of four axes whose every rung can be broken by itself. It
 * lives at the far end of a memory link and moves at once. Whatever is broken, x and y are never touched,
 * "up" is said only where the glass truly is up, and each rung is tried only when those before it have
 * failed. */
#include "run/ladder.h"

#include "fixture.h"

enum { X, Y, Z, COARSE, AXES };

struct controller {
    struct link *far;
    struct buf line;
    double at[AXES], target[AXES], speed[AXES]; /* um, um/s */
    bool servo[AXES];
    int error;
    /* what is broken */
    bool silent;       /* obeys, and says nothing */
    bool stuck;        /* closed loop moves nothing but the coarse axis */
    bool servo_gone;   /* of z: can not be switched on */
    bool open_stuck;   /* its voltage moves z nowhere */
    bool open_wrong;   /* ... toward the sample */
    double steep_from; /* um: a volt is worth twice as much from here on; 0 = nowhere */
    bool coarse_stuck; /* the coarse axis stops half way */
    int servo_on_sideways, moves_sideways;
};

static struct night n;
static struct controller c;
static struct rig *rig;
static char said[4000];

/* ---- the controller ---- */

static int axis_of(const char *word)
{
    return word && word[0] >= '1' && word[0] <= '4' && !word[1] ? word[0] - '1' : -1;
}

static void move(int a, double to)
{
    c.moves_sideways += a < Z;
    if (!c.servo[a]) {
        c.error = 5;
        return;
    }
    c.target[a] = to;
    if (a == COARSE && c.coarse_stuck)
        c.at[a] = 0.5 * (c.at[a] + to);
    else if (a == COARSE || !c.stuck)
        c.at[a] = to;
}

static void switch_servo(int a, bool on)
{
    c.servo_on_sideways += a < Z;
    if (on && a == Z && c.servo_gone)
        c.error = 1024;
    else
        c.servo[a] = on;
}

static double um_per_volt(void)
{
    return c.steep_from > 0 && c.at[Z] > c.steep_from ? 1.2 : 0.6;
}

static void set(const char *name, int a, double v)
{
    if (!strcmp(name, "MOV"))
        move(a, v);
    else if (!strcmp(name, "VEL"))
        c.speed[a] = v;
    else if (!strcmp(name, "SVO"))
        switch_servo(a, v != 0);
    else if (!strcmp(name, "SVR") && c.servo[a])
        c.error = 79;
    else if (!strcmp(name, "SVR"))
        c.at[a] += c.open_stuck ? 0 : c.open_wrong ? -v : um_per_volt() * v;
    else
        fail_msg("`%s` was not expected", name);
}

static double get(const char *name, int a)
{
    return !strcmp(name, "POS?")   ? c.at[a]
           : !strcmp(name, "SVO?") ? c.servo[a]
           : !strcmp(name, "VEL?") ? c.speed[a]
           : !strcmp(name, "ONT?") ? c.at[a] == c.target[a]
           : !strcmp(name, "TMN?") ? 0
                                   : (a == COARSE ? 1000 : 200);
}

static void execute(char *line)
{
    char *rest = NULL, *name = strtok_r(line, " ", &rest), *word;
    struct buf out = {0};
    if (!name)
        return;
    bool asks = strchr(name, '?');
    if (!strcmp(name, "ERR?")) {
        buf_printf(&out, "%d\n", c.error);
        c.error = 0;
    }
    while ((word = strtok_r(NULL, " ", &rest))) {
        int a = axis_of(word);
        assert_true(a >= 0);
        if (asks)
            buf_printf(&out, "%s%d=%.6f", out.n ? " \n" : "", a + 1, get(name, a));
        else
            set(name, a, strtod(strtok_r(NULL, " ", &rest), NULL));
    }
    if (asks && strcmp(name, "ERR?") != 0)
        buf_char(&out, '\n');
    if (out.n && !c.silent)
        assert_true(link_write(c.far, out.p, out.n, NULL));
    buf_free(&out);
}

static void hear(void *ctx)
{
    char bytes[256];
    size_t count;
    (void)ctx;
    while ((count = link_read(c.far, bytes, sizeof bytes, NULL)) > 0)
        for (size_t k = 0; k < count; k++) {
            if (bytes[k] == 0x18) {
                memcpy(c.target, c.at, sizeof c.at);
                c.error = 10;
            } else if (bytes[k] != '\n') {
                buf_char(&c.line, bytes[k]);
            } else if (c.line.n) {
                execute(c.line.p);
                buf_clear(&c.line);
            }
        }
}

/* ---- scenes ---- */

/* z at 50.2 um, retracted at 60 um; the coarse axis at 100 um lifts by 200 um. */
static void open_scene(bool coarse)
{
    struct err e = ERR_INIT;
    night_open(&n, &(struct night_spec){.columns = 1});
    struct rig_config *config = n.protocol->rig;
    if (coarse) {
        config->coarse_axis = xstrdup("4"); /* freed with the protocol */
        config->coarse_away = 1;
        config->coarse_by = 200e-6;
        config->coarse_speed = 100e-6;
    }
    c = (struct controller){.at = {10, 20, 50.2, 100}, .servo = {true, true, true, false}};
    memcpy(c.target, c.at, sizeof c.at);
    for (int a = 0; a < AXES; a++)
        c.speed[a] = 10;
    struct link *stage, *pstat, *nobody;
    link_memory_pair(n.loop, 0, "stage", &stage, &c.far);
    link_memory_pair(n.loop, 0, "potentiostat", &pstat, &nobody);
    link_on_readable(c.far, hear, NULL);
    rig = rig_open(n.loop, config, stage, pstat, 0, config->e_limit, config->i_limit, &e);
    if (!rig)
        fail_msg("%s", e.text);
    link_close(nobody);
    said[0] = 0;
}

static void close_scene(void)
{
    rig_close(rig);
    link_close(c.far);
    buf_free(&c.line);
    night_close(&n);
}

static void listen(void *ctx, const char *text)
{
    (void)ctx;
    size_t used = strlen(said);
    snprintf(said + used, sizeof said - used, "%s\n", text);
}

/* Climbs, and looks at what must hold whatever happened. */
static enum rung climb(struct err *why, struct err *e)
{
    struct ladder l = {.rig = rig, .at = {10e-6, 20e-6, NAN}, .why = why, .say = listen};
    *e = (struct err)ERR_INIT;
    enum rung r = ladder_climb(&l, e);
    double up = fmax(c.at[Z] - 60, c.at[COARSE] - 300);
    if (r != RUNG_NONE && up < -2.1)
        fail_msg("%s, with z at %.3f and the coarse axis at %.3f um\n%s", rung_name(r), c.at[Z], c.at[COARSE],
                 said);
    assert_int_equal(c.moves_sideways, 0);
    assert_int_equal(c.servo_on_sideways, 0);
    assert_true(c.at[X] == 10 && c.at[Y] == 20);
    return r;
}

static bool sideways_is_refused(void)
{
    struct err e = ERR_INIT;
    bool sent = stage_move(rig->stage, 1u << AXIS_X, (double[]){50e-6, 0, 0}, &e);
    loop_sleep_until(n.loop, loop_now(n.loop) + NS_MS);
    bool moved = c.moves_sideways;
    c.moves_sideways = 0;
    assert_true(sent == moved && (sent || e.code == ERR_LIMIT));
    return !sent;
}

static void a_stage_in_order(void **state)
{
    (void)state;
    struct err e;
    open_scene(true);
    assert_int_equal(climb(NULL, &e), RUNG_CLOSED_LOOP);
    assert_string_equal(said, "");
    assert_true(c.at[Z] == 60 && c.at[COARSE] == 100);
    assert_false(sideways_is_refused());
    close_scene();
}

static void a_lost_servo_is_switched_on_where_z_stands(void **state)
{
    (void)state;
    struct err e, why = ERR_INIT;
    open_scene(true);
    c.servo[X] = c.servo[Y] = c.servo[Z] = false;
    err_set(&why, ERR_MISMATCH, "stage: z does not rise");
    assert_int_equal(climb(&why, &e), RUNG_SERVO_BACK);
    assert_true(c.at[Z] == 60 && c.at[COARSE] == 100);
    assert_false(c.servo[X] || c.servo[Y]);
    assert_int_equal(why.code, ERR_SERVO);
    assert_string_equal(why.device, "stage");
    assert_int_equal(fault_of_err(&why), FAULT_SERVO_LOST);
    close_scene();
}

static void a_fault_of_another_device_is_not_explained_by_the_stage(void **state)
{
    (void)state;
    struct err e, why = ERR_INIT;
    open_scene(false);
    c.servo[X] = false;
    err_set(&why, ERR_SILENT, "no data");
    err_device(&why, "potentiostat");
    assert_int_equal(climb(&why, &e), RUNG_CLOSED_LOOP);
    assert_int_equal(why.code, ERR_SILENT);
    assert_string_equal(why.text, "no data");
    close_scene();
}

static void open_loop_where_the_servo_stays_off(void **state)
{
    (void)state;
    struct err e;
    open_scene(true);
    c.servo[Z] = false;
    c.servo_gone = true;
    assert_int_equal(climb(NULL, &e), RUNG_OPEN_LOOP);
    assert_true(c.at[Z] > 59.5 - 1e-9 && c.at[Z] < 60.2 && c.at[COARSE] == 100);
    assert_non_null(strstr(said, "servo of z lost"));
    assert_non_null(strstr(said, "stays off"));
    assert_true(sideways_is_refused());
    close_scene();
}

static void open_loop_where_z_does_not_follow_its_servo(void **state)
{
    (void)state;
    struct err e;
    open_scene(true);
    c.stuck = true;
    assert_int_equal(climb(NULL, &e), RUNG_OPEN_LOOP);
    assert_true(c.at[Z] > 59.5 - 1e-9 && c.at[COARSE] == 100);
    assert_true(sideways_is_refused());
    close_scene();
}

/* Wherever that begins: not beyond the end of the envelope. */
static void a_volt_that_is_worth_more_near_the_end(void **state)
{
    (void)state;
    struct err e;
    for (double from = 58; from < 59.4; from += 0.1) {
        open_scene(true);
        c.stuck = true;
        c.steep_from = from;
        assert_int_equal(climb(NULL, &e), RUNG_OPEN_LOOP);
        if (c.at[Z] < 59.5 - 1e-9 || c.at[Z] > 60)
            fail_msg("steep from %g um: %.3f um", from, c.at[Z]);
        close_scene();
    }
}

static void the_coarse_axis_where_nothing_else_moves(void **state)
{
    (void)state;
    struct err e;
    static const bool wrong[2] = {false, true};
    for (int k = 0; k < 2; k++) {
        open_scene(true);
        c.stuck = true;
        c.open_stuck = !wrong[k];
        c.open_wrong = wrong[k];
        assert_int_equal(climb(NULL, &e), RUNG_COARSE);
        assert_true(c.at[COARSE] == 300);
        assert_true(fabs(c.at[Z] - 50.2) < 1e-6); /* a step the wrong way was taken back */
        assert_true(c.servo[Z]);                  /* and z is held again */
        assert_true(rig->lifted);
        assert_true(sideways_is_refused());
        assert_non_null(strstr(said, "coarse axis: 200.0 um up"));
        assert_int_equal(climb(NULL, &e), RUNG_COARSE); /* asked again it goes no further */
        assert_true(c.at[COARSE] == 300);
        assert_false(rig_recover(rig, &e)); /* that is an operator's */
        assert_int_equal(e.code, ERR_LIMIT);
        assert_non_null(strstr(e.text, "coarse axis"));
        close_scene();
    }
}

static void a_stage_that_does_not_move_and_is_up(void **state)
{
    (void)state;
    struct err e;
    open_scene(true);
    c.at[Z] = c.target[Z] = 59.9;
    c.stuck = c.open_stuck = true;
    assert_int_equal(climb(NULL, &e), RUNG_STANDS);
    assert_int_equal(e.code, ERR_OFF_TARGET);
    assert_true(c.servo[Z] && c.at[COARSE] == 100);
    assert_true(sideways_is_refused());
    close_scene();
}

static void no_rung_left(void **state)
{
    (void)state;
    struct err e;
    for (int coarse = 0; coarse < 2; coarse++) {
        open_scene(coarse);
        c.stuck = c.open_stuck = c.coarse_stuck = true;
        assert_int_equal(climb(NULL, &e), RUNG_NONE);
        assert_true(e.code != ERR_NONE && !strcmp(e.device, "stage"));
        assert_true(sideways_is_refused());
        assert_true(rig->lifted == coarse); /* by half of it */
        assert_non_null(strstr(said, "x and y are frozen"));
        close_scene();
    }
}

static void a_silent_stage_is_told_to_go_up_and_not_believed(void **state)
{
    (void)state;
    struct err e;
    open_scene(true);
    c.silent = true;
    ns_t begun = loop_now(n.loop);
    assert_int_equal(climb(NULL, &e), RUNG_NONE);
    assert_int_equal(e.code, ERR_SILENT);
    assert_true(c.at[Z] == 60);
    assert_true(sideways_is_refused());
    assert_true(loop_now(n.loop) - begun < 10 * NS_S);
    close_scene();
}

static void a_link_that_is_gone(void **state)
{
    (void)state;
    struct err e;
    open_scene(true);
    link_close(c.far);
    c.far = NULL;
    assert_int_equal(climb(NULL, &e), RUNG_NONE);
    assert_int_equal(e.code, ERR_LINK);
    close_scene();
}

/* Its velocity is back at its own; where x and y are nobody knows. */
static void behind_a_reset_the_coarse_axis_comes_first(void **state)
{
    (void)state;
    for (int coarse = 0; coarse < 2; coarse++) {
        struct err e = ERR_INIT, why = ERR_INIT;
        open_scene(coarse);
        assert_true(stage_set_speed(rig->stage, AXIS_Z, 20e-6, &e));
        loop_sleep_until(n.loop, loop_now(n.loop) + NS_MS);
        c.speed[Z] = 10;
        c.servo[X] = c.servo[Y] = c.servo[Z] = false;
        err_set(&why, ERR_MISMATCH, "stage: z does not rise");
        enum rung r = climb(&why, &e);
        assert_int_equal(r, RUNG_SERVO_BACK);
        assert_int_equal(why.code, ERR_RESET);
        assert_int_equal(fault_of_err(&why), FAULT_STAGE_RESET);
        assert_true(c.at[COARSE] == (coarse ? 300 : 100));
        assert_true(c.at[Z] == 60);
        assert_true(rig->lifted == coarse);
        assert_true(sideways_is_refused() == coarse);
        const char *lift = strstr(said, "coarse axis"), *servo = strstr(said, "servo of z lost");
        assert_true(servo && (!coarse || (lift && lift < servo)));
        close_scene();
    }
}

/* Nobody suspected the stage: the refused retraction tells. */
static void a_reset_that_shows_only_on_the_way_up(void **state)
{
    (void)state;
    struct err e = ERR_INIT, why = ERR_INIT;
    open_scene(true);
    assert_true(stage_set_speed(rig->stage, AXIS_X, 20e-6, &e));
    loop_sleep_until(n.loop, loop_now(n.loop) + NS_MS);
    c.speed[X] = 10;
    c.servo[X] = c.servo[Y] = c.servo[Z] = false;
    err_set(&why, ERR_LIMIT, "noise");
    assert_int_equal(climb(&why, &e), RUNG_SERVO_BACK);
    assert_int_equal(why.code, ERR_LIMIT);
    assert_true(c.at[COARSE] == 300 && c.at[Z] == 60);
    close_scene();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stage_in_order),
        cmocka_unit_test(a_lost_servo_is_switched_on_where_z_stands),
        cmocka_unit_test(a_fault_of_another_device_is_not_explained_by_the_stage),
        cmocka_unit_test(open_loop_where_the_servo_stays_off),
        cmocka_unit_test(open_loop_where_z_does_not_follow_its_servo),
        cmocka_unit_test(a_volt_that_is_worth_more_near_the_end),
        cmocka_unit_test(the_coarse_axis_where_nothing_else_moves),
        cmocka_unit_test(a_stage_that_does_not_move_and_is_up),
        cmocka_unit_test(no_rung_left),
        cmocka_unit_test(a_silent_stage_is_told_to_go_up_and_not_believed),
        cmocka_unit_test(a_link_that_is_gone),
        cmocka_unit_test(behind_a_reset_the_coarse_axis_comes_first),
        cmocka_unit_test(a_reset_that_shows_only_on_the_way_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
