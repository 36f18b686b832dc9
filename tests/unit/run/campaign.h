/* One row for each way to cause a fault: what the campaign of test_campaign.c goes through.
 *
 * Every class of the fault matrix has at least one. Classes that need more than one process, a real disk or a
 * real clock name the test that exercises them instead; the campaign checks that it is there. */
#ifndef SECCM_TESTS_RUN_CAMPAIGN_H
#define SECCM_TESTS_RUN_CAMPAIGN_H

#include "protocol/fault.h"
#include "sim/fault.h"
#include "wire/fault.h"

enum injection { BY_SIMULATOR, ON_LINE, ELSEWHERE };

/* What the fault itself takes away, whatever a run does. */
enum loss {
    LOST_STAGE = 1, /* the stage does not act on commands as long as it lasts */
    LOST_CELL = 2,  /* nor does the potentiostat */
    DEAF_STAGE = 4, /* commands written do not arrive, or can not be written */
    DEAF_PSTAT = 8,
    WANDERS = 16,   /* the stage moves by itself: a drop may be dragged along */
    STAYS_WET = 32, /* a drop hangs on or comes by itself: a contact can be there in spite of all */
    BLIND = 128,    /* a contact can not be felt: what the glass meets first is the surface, within the travel
                       that the protocol or the surface known so far allows (S2) */
    SINKS =
        256, /* nothing can be done while z creeps down by itself: a controller that boots hears nothing */
    SINKS_ON = 512, /* ... nor ever: its voltage does not move z either */
    MUTE = 1024,    /* the stage obeys, and says nothing: what is not seen is not mended */
    STAYS_ON = 64,  /* the cell can stay on with nobody sampling */
};

struct injector {
    enum fault_class expect;
    const char *name;
    enum injection how;
    int kind;           /* enum sim_fault, enum link_fault_kind */
    double lasts;       /* s; 0: until somebody repairs it */
    unsigned loss;      /* enum loss */
    const char *device; /* ON_LINE: which; ELSEWHERE: test file */
    double delay;       /* s, ON_LINE */
    int byte;           /* ON_LINE: which is changed, how many come through */
};

#define SIM(class_, name_, kind_, lasts_, loss_)                                                             \
    {                                                                                                        \
        FAULT_##class_, name_, BY_SIMULATOR, SIM_##kind_, lasts_, loss_, NULL, 0, 0                          \
    }
#define LINE(class_, name_, kind_, lasts_, loss_, device_, delay_, byte_)                                    \
    {                                                                                                        \
        FAULT_##class_, name_, ON_LINE, LINK_FAULT_##kind_, lasts_, loss_, device_, delay_, byte_            \
    }
#define TEST(class_, name_, file_)                                                                           \
    {                                                                                                        \
        FAULT_##class_, name_, ELSEWHERE, 0, 0, 0, file_, 0, 0                                               \
    }
#define STAGE "stage"
#define PSTAT "potentiostat"

static const struct injector injectors[] = {
    SIM(NO_CONTACT, "no drop for 40 s", DROP_LOST, 40, BLIND),
    SIM(UNCONFIRMED, "contacts flicker", CONTACT_FLICKERS, 20, 0),
    SIM(ALREADY_WET, "a drop hangs down", DROP_PENDANT, 40, STAYS_WET),
    SIM(CURRENT_TOO_LARGE, "flooded", FLOOD, 20, 0),
    SIM(MENISCUS_LOST, "the drop is lost for 5 s", DROP_LOST, 5, BLIND),
    SIM(MENISCUS_SPREADING, "the drop spreads", DROP_SPREADS, 20, 0),
    TEST(CONTACT_INTERRUPTED, "a drop that comes back", "tests/unit/run/test_interrupted.c"),
    SIM(NOT_DETACHED, "the drop sticks for 2 s", DROP_STICKS, 2, STAYS_WET),
    SIM(NOT_DETACHED, "the drop sticks", DROP_STICKS, 0, STAYS_WET),
    SIM(OVERLOAD, "overload for 50 ms", PSTAT_OVERLOAD, 0.05, 0),
    SIM(OVERLOAD, "overload", PSTAT_OVERLOAD, 20, 0),
    TEST(LANDING_REJECTED, "a landing beside", "tests/unit/run/test_hop.c"),
    TEST(OUT_OF_RANGE, "a surface out of reach", "tests/unit/run/test_hop.c"),
    SIM(NOISE, "thirty times the noise", PSTAT_NOISE, 20, 0),
    SIM(NOISE, "a spike", PSTAT_SPIKE, 0, 0),
    SIM(PROBE_OPEN, "wire broken", PROBE_OPEN, 20, STAYS_WET | BLIND),
    SIM(PROBE_SHORTED, "probe shorted", PROBE_SHORTED, 20, 0),
    SIM(TIP_BLOCKED, "probe clogged", PROBE_BLOCKED, 0, STAYS_WET | BLIND),
    SIM(TIP_BROKEN, "probe broken off", PROBE_BROKEN, 0, 0),
    SIM(TIP_WETTING, "probe wet outside", PROBE_WETTING, 0, 0),
    SIM(POTENTIOSTAT_SILENT, "potentiostat silent", PSTAT_SILENT, 0, 0),
    SIM(POTENTIOSTAT_SILENT, "potentiostat silent 30 ms", PSTAT_SILENT, 0.03, 0),
    SIM(POTENTIOSTAT_SILENT, "potentiostat silent 3 s", PSTAT_SILENT, 3, 0),
    LINE(POTENTIOSTAT_SILENT, "potentiostat deaf", DEAF, 0, LOST_CELL | DEAF_PSTAT, PSTAT, 0, 0),
    LINE(POTENTIOSTAT_SILENT, "potentiostat unheard 2 s", SILENCE, 2, 0, PSTAT, 0, 0),
    SIM(POTENTIOSTAT_GARBLED, "potentiostat garbled 50 ms", PSTAT_GARBLED, 0.05, 0),
    SIM(POTENTIOSTAT_GARBLED, "potentiostat garbled 5 s", PSTAT_GARBLED, 5, 0),
    LINE(POTENTIOSTAT_GARBLED, "potentiostat cut short", CUT, 0.1, 0, PSTAT, 0, 7),
    LINE(POTENTIOSTAT_GARBLED, "potentiostat, one byte", GARBLE, 0.05, 0, PSTAT, 0, 3),
    SIM(POTENTIOSTAT_LATE, "potentiostat slow 5 s", PSTAT_SLOW, 5, 0),
    SIM(POTENTIOSTAT_LATE, "potentiostat, one answer late", PSTAT_LATE, 0, 0),
    LINE(POTENTIOSTAT_LATE, "potentiostat late by 0.2 s", DELAY, 2, 0, PSTAT, 0.2, 0),
    SIM(POTENTIOSTAT_RESET, "potentiostat reset", PSTAT_RESET, 0.2, 0),
    SIM(POTENTIOSTAT_RESET, "potentiostat reset, 3 s", PSTAT_RESET, 3, 0),
    SIM(POTENTIOSTAT_ERROR, "run-time error", PSTAT_ERROR, 0.01, STAYS_ON),
    SIM(POTENTIOSTAT_ERROR, "run-time errors", PSTAT_ERROR, 5, STAYS_ON),
    SIM(POTENTIOSTAT_REFUSED, "no script is taken", PSTAT_REFUSING, 10, STAYS_ON),
    LINE(POTENTIOSTAT_UNPLUGGED, "potentiostat hangs up", HANGUP, 0.001, LOST_CELL | DEAF_PSTAT, PSTAT, 0, 0),
    LINE(POTENTIOSTAT_UNPLUGGED, "potentiostat unplugged 25 s", HANGUP, 25, LOST_CELL | DEAF_PSTAT, PSTAT, 0,
         0),
    LINE(POTENTIOSTAT_UNPLUGGED, "potentiostat unplugged", HANGUP, 0, LOST_CELL | DEAF_PSTAT, PSTAT, 0, 0),
    SIM(STAGE_SILENT, "stage silent", STAGE_SILENT, 0, MUTE),
    SIM(STAGE_SILENT, "stage silent 1 s", STAGE_SILENT, 1, MUTE),
    LINE(STAGE_SILENT, "stage deaf", DEAF, 0, LOST_STAGE | DEAF_STAGE, STAGE, 0, 0),
    LINE(STAGE_SILENT, "stage unheard 2 s", SILENCE, 2, 0, STAGE, 0, 0),
    SIM(STAGE_GARBLED, "stage garbled 5 s", STAGE_GARBLED, 5, 0),
    LINE(STAGE_GARBLED, "stage, one byte", GARBLE, 0.05, 0, STAGE, 0, 3),
    LINE(STAGE_GARBLED, "stage cut short", CUT, 0.1, 0, STAGE, 0, 5),
    SIM(STAGE_LATE, "stage slow 5 s", STAGE_SLOW, 5, 0),
    SIM(STAGE_LATE, "stage, one answer late", STAGE_LATE, 0, 0),
    LINE(STAGE_LATE, "stage late by 0.2 s", DELAY, 2, 0, STAGE, 0.2, 0),
    SIM(STAGE_RESET, "stage reset", STAGE_RESET, 0, LOST_STAGE | WANDERS | SINKS),
    SIM(STAGE_ERROR, "error in the slot", STAGE_ERROR, 0, 0),
    SIM(STAGE_REFUSED, "moves refused 5 s", STAGE_REFUSING, 5, LOST_STAGE),
    LINE(STAGE_UNPLUGGED, "stage hangs up", HANGUP, 0.001, LOST_STAGE | DEAF_STAGE, STAGE, 0, 0),
    LINE(STAGE_UNPLUGGED, "stage unplugged 25 s", HANGUP, 25, LOST_STAGE | DEAF_STAGE, STAGE, 0, 0),
    LINE(STAGE_UNPLUGGED, "stage unplugged", HANGUP, 0, LOST_STAGE | DEAF_STAGE, STAGE, 0, 0),
    SIM(AXIS_OFF_TARGET, "0.3 um beside", STAGE_OFF_TARGET, 0, LOST_STAGE),
    SIM(AXIS_OFF_TARGET, "stage frozen", STAGE_FROZEN, 0, LOST_STAGE),
    SIM(SERVO_LOST, "servo lost", STAGE_SERVO_LOST, 0.001, WANDERS),
    SIM(SERVO_LOST, "servo stuck", STAGE_SERVO_STUCK, 0, LOST_STAGE | WANDERS),
    SIM(SERVO_LOST, "servo and amplifier dead", STAGE_SERVO_DEAD, 0, LOST_STAGE | WANDERS | SINKS_ON),
    SIM(LIMIT_HIT, "limit switches", STAGE_LIMIT, 10, 0),
    SIM(UNDERLOAD, "underload", PSTAT_UNDERLOAD, 20, 0),
    TEST(DISK_FULL, "a disk that is full", "tests/unit/run/test_storage.c"),
    TEST(DISK_FULL, "a small disk", "tests/scenario/small-disk.sh"),
    TEST(DISK_ERROR, "a disk that fails", "tests/scenario/disk.sh"),
    TEST(FILE_LOCKED, "two at one file", "tests/unit/results/test_results.c"),
    TEST(CLOCK_STEPPED, "the clock set to and fro", "tests/unit/run/test_machine.c"),
    TEST(SUSPENDED, "woken up in each phase", "tests/unit/run/test_machine.c"),
    TEST(SUSPENDED, "stopped and continued", "tests/scenario/asleep.sh"),
    TEST(STOPPED_BY_SIGNAL, "signals", "tests/scenario/signals.sh"),
    TEST(RUN_DIED, "kill -9 at random instants", "tests/scenario/killed.sh"),
    TEST(GUARDIAN_LOST, "a guardian that is gone", "tests/scenario/guardian.sh"),
    TEST(POTENTIOSTAT_UNPLUGGED, "a serial port that hangs up", "tests/scenario/replug.sh"),
    TEST(STAGE_UNPLUGGED, "both plugged in again", "tests/unit/run/test_rig_recover.c"),
    TEST(TIP_BLOCKED, "charts of a clogging probe", "tests/unit/run/test_health.c"),
    TEST(TIP_BROKEN, "charts of a broken probe", "tests/unit/run/test_health.c"),
    TEST(TIP_WETTING, "charts of a wet probe", "tests/unit/run/test_health.c"),
};

#define INJECTORS (sizeof injectors / sizeof injectors[0])

#endif
