/* The guardian takes over a simulated rig in virtual time, whatever state the run died in; judged by where
 * the glass and the cell truly are. The links are socket pairs, so that descriptors are passed as in earnest.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "fixture.h"
#include "run/guardian_watch.h"
#include "run/segments.h"

/* Reaction of everything together, in the sample's time. */
#define STOP_BOUND (20 * NS_MS)
#define CUT_BOUND  (20 * NS_MS)
/* All the way up at 20 um/s, and what goes before. */
#define UP_BOUND (4 * NS_S)

struct scene {
    struct night n;
    struct rig *rig; /* as the run has it */
    int wire[2][2];  /* stage, potentiostat: host's end, device's end */
    int talk[2], dead[2];
    int status;
    ns_t died;
};

static struct link *wire(struct scene *s, int k, const char *device)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, s->wire[k]), 0);
    sim_rig_attach(s->n.sim, device, link_adopt(s->n.loop, s->wire[k][1], device, NULL));
    struct link *host = link_adopt(s->n.loop, s->wire[k][0], device, NULL);
    assert_non_null(host);
    return host;
}

static void open_scene(struct scene *s)
{
    struct err e = ERR_INIT;
    memset(s, 0, sizeof *s);
    night_open(&s->n, &(struct night_spec){.columns = 1});
    const struct rig_config *c = s->n.protocol->rig;
    struct link *stage = wire(s, 0, "stage"), *pstat = wire(s, 1, "potentiostat");
    s->rig = rig_open(s->n.loop, c, stage, pstat, s->n.protocol->offset, c->e_limit, c->i_limit, &e);
    if (!s->rig || !rig_identify(s->rig, &e) || !stage_servo_on(s->rig->stage, &e))
        fail_msg("%s", e.text);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s->talk), 0);
    assert_int_equal(pipe2(s->dead, O_CLOEXEC), 0);
}

static void close_scene(struct scene *s)
{
    timer_cancel(s->n.loop, &s->n.watch);
    close(s->talk[0]);
    close(s->talk[1]);
    close(s->dead[0]);
    close(s->dead[1]);
    night_close(&s->n);
}

static void pass(struct scene *s, ns_t t)
{
    loop_sleep_until(s->n.loop, loop_now(s->n.loop) + t);
}

static void z_to(struct scene *s, double um, double speed)
{
    const double to[AXIS_COUNT] = {10e-6, 10e-6, um * 1e-6};
    struct err e = ERR_INIT;
    if (!stage_set_speed(s->rig->stage, AXIS_Z, speed, &e) ||
        !stage_move(s->rig->stage, 1u << AXIS_Z, to, &e))
        fail_msg("%s", e.text);
}

/* The site's program, in its hold of the approach: the cell is on. */
static void start_program(struct scene *s)
{
    struct site_program sp;
    struct err e = ERR_INIT;
    const int level[FACTOR_MAX] = {0};
    enum cell_mode cell;
    site_program_make(s->n.plan, level, false, &sp);
    if (!potentiostat_start(s->rig->pstat, &sp.program, &e))
        fail_msg("%s", e.text);
    pass(s, NS_S);
    true_z(&s->n, &cell);
    assert_int_equal(cell, CELL_POTENTIOSTAT);
}

static void send_bytes(struct link *k, const char *text)
{
    assert_true(link_write(k, text, strlen(text), NULL));
}

static bool never(void *ctx)
{
    (void)ctx;
    return false;
}

/* The run dies now; the guardian works until it has nothing more to do. */
static void run_dies(struct scene *s)
{
    struct guardian_order o = {0};
    struct guardian_descriptors d = {-1, {-1, -1}};
    guardian_order_make(s->rig, &o, &d);
    d.log = s->dead[1];
    assert_int_equal(o.n_links, 2);
    assert_true(guardian_give_order(s->talk[0], 1, &o, &d));
    s->died = loop_now(s->n.loop);
    night_watch(&s->n, s->died);
    rig_close(s->rig);
    s->rig = NULL;
    const struct guardian_post post = {.loop = s->n.loop,
                                       .socket = s->talk[1],
                                       .run = s->dead[0],
                                       .end_run = never,
                                       .pid = 4711,
                                       .tell = getenv("SECCM_TEST_SHOW") ? STDERR_FILENO : -1,
                                       .silence = 5 * NS_S};
    assert_int_equal(write(s->dead[1], "x", 1), 1);
    s->status = guardian_watch(&post);
    pass(s, 10 * NS_MS);
}

static void assert_secured(struct scene *s)
{
    enum cell_mode cell;
    double z = true_z(&s->n, &cell);
    assert_int_equal(s->status, 0);
    assert_int_equal(cell, CELL_OPEN);
    assert_true(fabs(z - 60e-6) < 0.2e-6);
    assert_true(s->n.up_at && s->n.up_at - s->died < UP_BOUND);
    assert_true(s->n.cell_off_at && s->n.cell_off_at - s->died < CUT_BOUND);
    assert_true(s->n.z_low_at - s->died < STOP_BOUND);
    struct world_counters c = world_counters(sim_rig_world(s->n.sim));
    assert_int_equal(c.crashes + c.drags + c.wet_travel + c.envelope + c.cell_left_on, 0);
}

static void idle(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s);
    run_dies(&s);
    assert_secured(&s);
    close_scene(&s);
}

static void on_the_way_down_it_stops_at_once(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s);
    start_program(&s);
    z_to(&s, 52, 20e-6);
    pass(&s, NS_S);
    z_to(&s, 45, 5e-6); /* no leash: it would crash a second later */
    pass(&s, 20 * NS_MS);
    run_dies(&s);
    assert_secured(&s);
    assert_true(s.n.z_at_from - s.n.z_low < 0.15e-6);
    close_scene(&s);
}

/* A move that lies in the controller's input when the stop overtakes it runs behind the stop: the second ends
 * it. */
static void a_queued_move_is_stopped_as_well(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s);
    start_program(&s);
    z_to(&s, 52, 20e-6);
    pass(&s, NS_S);
    z_to(&s, 45, 5e-6);
    run_dies(&s);
    assert_secured(&s);
    assert_true(s.n.z_at_from - s.n.z_low < 0.2e-6);
    close_scene(&s);
}

/* "MOV 3 5" of a "MOV 3 52.3": obeyed, it would drive the glass through the sample. */
static void half_a_move_is_not_obeyed(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s);
    start_program(&s);
    z_to(&s, 52, 20e-6);
    pass(&s, NS_S);
    send_bytes(s.rig->stage_link, "VEL 3 500\nMOV 3 5");
    pass(&s, 20 * NS_MS);
    run_dies(&s);
    assert_secured(&s);
    assert_true(s.n.z_at_from - s.n.z_low < 5e-9);
    close_scene(&s);
}

static void half_an_upload_is_not_run(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s);
    send_bytes(s.rig->pstat_link, "e\nvar c\nvar p\nset_pgstat_chan 0\nset_pgstat_mo");
    pass(&s, 5 * NS_MS);
    run_dies(&s);
    assert_secured(&s);
    close_scene(&s);
}

/* There the cell is opened before the retraction, on purpose. */
static void in_contact(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s);
    start_program(&s);
    z_to(&s, 52, 20e-6);
    pass(&s, NS_S);
    z_to(&s, 50.1, 1e-6);
    pass(&s, 3 * NS_S);
    assert_true(world_in_contact(sim_rig_world(s.n.sim)));
    run_dies(&s);
    assert_secured(&s);
    assert_false(world_in_contact(sim_rig_world(s.n.sim)));
    close_scene(&s);
}

static void servo_lost_on_the_way(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s);
    start_program(&s);
    z_to(&s, 55, 20e-6);
    pass(&s, 2 * NS_S);
    ns_t now = loop_now(s.n.loop);
    sim_rig_fault(s.n.sim, SIM_STAGE_SERVO_LOST, now, now + 10 * NS_MS);
    pass(&s, 20 * NS_MS);
    run_dies(&s);
    assert_int_equal(s.status, 0);
    assert_true(s.n.up_at > 0);
    close_scene(&s);
}

/* The bytes act all the same, but nothing is proven. */
static void a_silent_stage_is_retracted_and_not_called_safe(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s);
    start_program(&s);
    z_to(&s, 55, 20e-6);
    pass(&s, NS_S);
    sim_rig_fault(s.n.sim, SIM_STAGE_SILENT, loop_now(s.n.loop), NS_NEVER);
    pass(&s, NS_MS);
    run_dies(&s);
    assert_int_equal(s.status, 3);
    assert_true(s.n.cell_off_at && s.n.cell_off_at - s.died < CUT_BOUND);
    assert_true(s.n.up_at > 0);
    close_scene(&s);
}

static void a_silent_potentiostat_does_not_hold_up_the_retraction(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s);
    start_program(&s);
    z_to(&s, 55, 20e-6);
    pass(&s, NS_S);
    sim_rig_fault(s.n.sim, SIM_PSTAT_SILENT, loop_now(s.n.loop), NS_NEVER);
    pass(&s, NS_MS);
    run_dies(&s);
    assert_int_equal(s.status, 3);
    assert_true(s.n.cell_off_at > 0);
    assert_true(s.n.up_at && s.n.up_at - s.died < UP_BOUND);
    close_scene(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle),
        cmocka_unit_test(on_the_way_down_it_stops_at_once),
        cmocka_unit_test(a_queued_move_is_stopped_as_well),
        cmocka_unit_test(half_a_move_is_not_obeyed),
        cmocka_unit_test(half_an_upload_is_not_run),
        cmocka_unit_test(in_contact),
        cmocka_unit_test(servo_lost_on_the_way),
        cmocka_unit_test(a_silent_stage_is_retracted_and_not_called_safe),
        cmocka_unit_test(a_silent_potentiostat_does_not_hold_up_the_retraction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
