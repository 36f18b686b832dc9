/* Bringing back the simulated rig after its links or its stage have failed: what is opened, what has to be
 * proven, and what is refused. */
#include "fixture.h"

static struct night n;

static void open_scene(void)
{
    night_open(&n, &(struct night_spec){.columns = 1});
}

static void close_scene(void)
{
    struct world_counters seen = world_counters(sim_rig_world(n.sim));
    assert_int_equal(seen.crashes + seen.drags + seen.wet_travel + seen.envelope, 0);
    night_close(&n);
}

static void pass(ns_t t)
{
    loop_sleep_until(n.loop, loop_now(n.loop) + t);
}

static void hang_up(struct link *k)
{
    link_fault(k, &(struct link_fault){.kind = LINK_FAULT_HANGUP, .at = loop_now(n.loop)});
    pass(NS_MS);
    assert_false(link_up(k, NULL));
}

/* Half way down with the cell on, and going on to 45 um, through the surface, if nobody stops it. */
static void start_down(void)
{
    struct err e = ERR_INIT;
    struct program g = {.n = 1};
    g.segment[0] = (struct segment){
        .kind = SEGMENT_HOLD, .potential = 2, .duration = 600, .interval = 1e-3, .i_full = 1e-9};
    if (!potentiostat_start(n.rig->pstat, &g, &e) || !stage_set_speed(n.rig->stage, AXIS_Z, 1e-6, &e) ||
        !stage_move(n.rig->stage, 1u << AXIS_Z, (double[]){0, 0, 45e-6}, &e))
        fail_msg("%s", e.text);
    pass(3 * NS_S);
}

static void recovers(void)
{
    struct err e = ERR_INIT;
    if (!rig_recover(n.rig, &e))
        fail_msg("%s", e.text);
    enum cell_mode cell;
    bool on[AXIS_COUNT];
    assert_true(fabs(true_z(&n, &cell) - 60e-6) < 50e-9);
    assert_int_equal(cell, CELL_OPEN);
    assert_true(stage_servo(n.rig->stage, on, &e));
    assert_true(on[AXIS_X] && on[AXIS_Y] && on[AXIS_Z]);
}

static void does_not_recover(enum err_code code, const char *device, const char *part)
{
    struct err e = ERR_INIT;
    assert_false(rig_recover(n.rig, &e));
    if (e.code != code || strcmp(e.device, device) != 0 || !strstr(e.text, part))
        fail_msg("%s of \"%s\": %s", err_name(e.code), e.device, e.text);
}

static void nothing_was_wrong(void **state)
{
    (void)state;
    open_scene();
    struct link *stage = n.rig->stage_link;
    recovers();
    assert_ptr_equal(n.rig->stage_link, stage);
    close_scene();
}

static void both_were_unplugged_on_the_way_down(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    char stage_id[160];
    open_scene();
    memcpy(stage_id, n.rig->stage_id, sizeof stage_id);
    start_down();
    hang_up(n.rig->stage_link);
    hang_up(n.rig->pstat_link);
    n.unplugged = true;
    does_not_recover(ERR_LINK, "stage", "not plugged in");
    n.unplugged = false;
    recovers();
    assert_string_equal(n.rig->stage_id, stage_id);
    assert_true(link_up(n.rig->stage_link, NULL) && link_up(n.rig->pstat_link, NULL));
    /* and work goes on */
    start_down();
    struct potentiostat_item item;
    assert_int_equal(potentiostat_next(n.rig->pstat, &item, &e), PSTAT_BEGIN);
    recovers();
    close_scene();
}

static void a_rig_that_nobody_can_plug_in_again(void **state)
{
    (void)state;
    open_scene();
    n.rig->reopen = NULL;
    hang_up(n.rig->pstat_link);
    does_not_recover(ERR_LINK, "potentiostat", "can not be opened again");
    close_scene();
}

/* The stage comes up all the same. */
static void only_the_potentiostat_is_gone(void **state)
{
    (void)state;
    enum cell_mode cell;
    open_scene();
    start_down();
    hang_up(n.rig->pstat_link);
    n.unplugged = true;
    does_not_recover(ERR_LINK, "potentiostat", "not plugged in");
    assert_true(fabs(true_z(&n, &cell) - 60e-6) < 50e-9);
    n.unplugged = false;
    recovers();
    close_scene();
}

static void another_unit_is_refused(void **state)
{
    (void)state;
    open_scene();
    char found[160];
    memcpy(found, n.rig->pstat_id, sizeof found);
    snprintf(n.rig->pstat_id, sizeof n.rig->pstat_id, "nexus, firmware 1, serial OTHER");
    does_not_recover(ERR_MISMATCH, "potentiostat", "serial OTHER");
    does_not_recover(ERR_MISMATCH, "potentiostat", found);
    assert_string_equal(n.rig->pstat_id, "nexus, firmware 1, serial OTHER"); /* and stays refused */
    memcpy(n.rig->pstat_id, found, sizeof found);
    snprintf(n.rig->stage_id, sizeof n.rig->stage_id, "Physik Instrumente, E-727, 7, 1");
    start_down();
    does_not_recover(ERR_MISMATCH, "stage", "E-727, 7, 1");
    close_scene();
}

static void servos_come_back_where_the_axes_stand(void **state)
{
    (void)state;
    open_scene();
    ns_t now = loop_now(n.loop);
    sim_rig_fault(n.sim, SIM_STAGE_SERVO_LOST, now, now + 10 * NS_MS);
    pass(20 * NS_MS);
    stage_freeze(n.rig->stage, true);
    recovers();
    struct err e = ERR_INIT;
    assert_true(stage_move(n.rig->stage, 1u << AXIS_X, (double[]){20e-6, 0, 0}, &e)); /* free again */
    close_scene();
}

static void a_servo_that_stays_off_is_no_recovery(void **state)
{
    (void)state;
    open_scene();
    sim_rig_fault(n.sim, SIM_STAGE_SERVO_LOST, loop_now(n.loop), NS_NEVER);
    pass(20 * NS_MS);
    does_not_recover(ERR_SERVO, "stage", "");
    close_scene();
}

static void a_silent_stage_is_no_recovery(void **state)
{
    (void)state;
    open_scene();
    sim_rig_fault(n.sim, SIM_STAGE_SILENT, loop_now(n.loop), loop_now(n.loop) + 60 * NS_S);
    pass(20 * NS_MS);
    does_not_recover(ERR_SILENT, "stage", "*IDN?");
    pass(60 * NS_S);
    recovers();
    close_scene();
}

/* What a controller does not know any more is asked before it is told anew; going on is the caller's to say.
 */
static void the_stage_has_started_anew(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    double at[3], later[3];
    enum cell_mode cell;
    open_scene();
    if (!stage_set_speed(n.rig->stage, AXIS_X, 50e-6, &e))
        fail_msg("%s", e.text);
    start_down();
    sim_rig_fault(n.sim, SIM_STAGE_RESET, loop_now(n.loop), loop_now(n.loop));
    pass(2 * NS_S);
    does_not_recover(ERR_RESET, "stage", "started anew");
    sim_rig_probe(n.sim, at, &cell);
    assert_true(fabs(at[2] + SAMPLE_PLANE - 60e-6) < 50e-9); /* up all the same */
    assert_false(stage_move(n.rig->stage, 1u << AXIS_X, (double[]){20e-6, 0, 0}, &e));
    recovers();
    sim_rig_probe(n.sim, later, &cell);
    assert_true(fabs(later[0] - at[0]) < 50e-9 && fabs(later[1] - at[1]) < 50e-9);
    assert_true(stage_move(n.rig->stage, 1u << AXIS_X, (double[]){20e-6, 0, 0}, &e)); /* free again */
    recovers(); /* and it is not told a second time */
    close_scene();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_was_wrong),
        cmocka_unit_test(both_were_unplugged_on_the_way_down),
        cmocka_unit_test(a_rig_that_nobody_can_plug_in_again),
        cmocka_unit_test(only_the_potentiostat_is_gone),
        cmocka_unit_test(another_unit_is_refused),
        cmocka_unit_test(servos_come_back_where_the_axes_stand),
        cmocka_unit_test(a_servo_that_stays_off_is_no_recovery),
        cmocka_unit_test(a_silent_stage_is_no_recovery),
        cmocka_unit_test(the_stage_has_started_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
