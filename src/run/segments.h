/* The potentiostat program of one site, made from the plan: what each segment is for. */
#ifndef SECCM_RUN_SEGMENTS_H
#define SECCM_RUN_SEGMENTS_H

#include "instrument/program.h"
#include "protocol/plan.h"

/* In the order in which they stand in the program. The cell is never left floating in between, except for the
 * changes of mode that galvanostatic and open-circuit steps force.
 *
 *   watch | alive, ready | blank | approach | settle, probe, decide | landing, judge | steps ... | relax,
 * detach travel  prove in air          z down     latched, at rest         if wanted        measure     z up
 */
enum segment_role {
    ROLE_WATCH,    /* open-ended hold while travelling: the contact signal is watched */
    ROLE_ALIVE,    /* triangle in air: displacement current, noise */
    ROLE_READY,    /* open-ended hold: the host judges what it saw */
    ROLE_BLANK,    /* in-air sweep over the range of the voltammograms */
    ROLE_APPROACH, /* open-ended hold while z goes down */
    ROLE_SETTLE,   /* hold of `approach.confirm` at rest behind the crossing */
    ROLE_PROBE,    /* triangle: is there more capacitance than in air? */
    ROLE_DECIDE,   /* open-ended hold: the host judges; also the hold of a retraction without steps */
    ROLE_LANDING,  /* open circuit: what did the drop land on? Only with `landing` */
    ROLE_JUDGE,    /* open-ended hold: the host judges it; also the hold of the retraction if it says no */
    ROLE_STEP,     /* step of the protocol, or one leg of it */
    ROLE_GATE,     /* open-ended hold (or open circuit) in which the host decides whether the next steps are
                      played */
    ROLE_RELAX,    /* hold at the retraction bias before the triangle */
    ROLE_DETACH,   /* open-ended triangle while z goes up: the break is seen as the loss of capacitance */
};

struct site_program {
    struct program program;
    enum segment_role role[PROGRAM_MAX];
    /* ROLE_STEP, ROLE_GATE: as the play says (protocol/play.h) */
    int step[PROGRAM_MAX]; /* index of the protocol's step, of a gate: of the block that it decides; else -1
                            */
    int instance[PROGRAM_MAX];  /* segments of one stored step have the same one; else -1 */
    int cycle[PROGRAM_MAX];     /* of the segment's first sample, from 1 on */
    int sweep[PROGRAM_MAX];     /* added to the instrument's */
    bool repeated[PROGRAM_MAX]; /* the step stands in a repeat, however often that is played: its features
                                   have cycles */
    bool unstored;              /* samples are looked at and left out of the file */
    bool has_blank;
    double blank_low, blank_high; /* V vs reference */
    struct approach_now approach; /* numbers of this site */
    struct retract_now retract;
};

#define ALIVE_PERIODS 4
#define PROBE_PERIODS 3

/* Program for a site with these levels, or for a control. */
void site_program_make(const struct plan *p, const int level[FACTOR_MAX], bool control,
                       struct site_program *out);
/* Only the triangle in air, at rest: nothing of it is stored. */
void site_program_air(const struct plan *p, const int level[FACTOR_MAX], struct site_program *out);
/* Index of the first segment with this role at or behind `from`, -1 if there is none. */
int site_program_find(const struct site_program *s, enum segment_role role, int from);
const char *segment_role_name(enum segment_role role);
/* The segment behind the last one of the stored step that `segment` belongs to. */
int site_program_end(const struct site_program *s, int segment);

/* settings.c: programmed values of the stored step that begins with `segment`, as a flat JSON object, SI,
 * sample frame. Without its lists where they do not fit. */
void segment_settings(const struct site_program *s, int segment, char *json, size_t n);

#endif
