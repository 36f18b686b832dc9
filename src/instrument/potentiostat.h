/* A potentiostat that runs a whole program by itself and streams its samples (a technique potentiostat).
 *
 *   potentiostat_start()      upload, accepted, running
 *   potentiostat_next()       samples and segment marks as they arrive, never waits
 *   potentiostat_advance()    end the open-ended segment, go on with the next one
 *   potentiostat_cut()        S4: abort and open circuit, written at once without waiting
 *   potentiostat_settle()     after finish, cut or error: drain, cell off, verified
 */
#ifndef SECCM_INSTRUMENT_POTENTIOSTAT_H
#define SECCM_INSTRUMENT_POTENTIOSTAT_H

#include "instrument/abilities.h"
#include "instrument/program.h"
#include "instrument/sample.h"
#include "instrument/wiring.h"
#include "wire/dialogue.h"
#include "wire/errand.h"

struct potentiostat;

struct potentiostat_config {
    const struct potentiostat_model *model;
    struct wiring wiring;
    double bandwidth;  /* Hz; 0 = chosen from the sample interval */
    double e_limit[2]; /* V applied, instrument frame: rig and protocol limits together */
    double i_limit;    /* A */
    bool autorange;    /* closed potentiostatic segments may use lower current ranges too */
};

struct potentiostat_driver {
    const char *name; /* as in the rig file */
    struct potentiostat *(*open)(struct dialogue *d, const struct potentiostat_config *c, struct err *e);
};

/* Finds a driver by name, NULL if unknown; names NULL-terminated. */
const struct potentiostat_driver *potentiostat_driver(const char *name);
const char *const *potentiostat_driver_names(void);

/* Does not own the dialogue. */
void potentiostat_close(struct potentiostat *p);
/* Asks who it is: "model, firmware, serial" into id[n]. ERR_MISMATCH if it is not the configured model. */
bool potentiostat_identify(struct potentiostat *p, char *id, size_t n, struct err *e);

/* The program clamped to the limits as text for people and for the file (what will be sent). ERR_LIMIT names
 * the segment and the value that does not fit. Appends to `text`. */
bool potentiostat_compile(struct potentiostat *p, const struct program *g, struct buf *text, struct err *e);
/* What a program asks of the device's memory and of its link. */
struct potentiostat_load {
    size_t text, text_max; /* bytes of the program as it is sent, and what the device holds */
    double rate;           /* B/s: most that the samples of any of its segments make on the link */
    int segment;           /* the one that makes them */
};
/* Compiles, and adds up. Errors as potentiostat_compile(). */
bool potentiostat_load(struct potentiostat *p, const struct program *g, struct potentiostat_load *out,
                       struct err *e);
/* B/s that the samples of one segment make on the link while they come: bytes of a sample's line over the
 * interval between samples. */
double potentiostat_stream_rate(struct potentiostat *p, const struct segment *s);
/* B/s that a serial line carries: ten bits for each byte (start, eight of data, stop). */
double potentiostat_line_rate(double baud);

/* Compiles, uploads and starts; waits (bounded) until the device accepted. The potentiostat must be idle. */
bool potentiostat_start(struct potentiostat *p, const struct program *g, struct err *e);

enum potentiostat_item_kind {
    PSTAT_NONE,  /* nothing new */
    PSTAT_BEGIN, /* segment begins */
    PSTAT_SAMPLE,
    PSTAT_END,    /* segment ended: reason in `ended_by` */
    PSTAT_DONE,   /* program finished, cell off */
    PSTAT_FAILED, /* device error, damaged stream or lost link: error text in *e; use cut + settle */
};

#define ENDED_NATURALLY  (-1) /* waveform or duration over */
#define ENDED_ADVANCED   (-2) /* potentiostat_advance() */
#define ENDED_CEILING    (-3) /* hard current ceiling: the cell is open */
#define ENDED_COMPLIANCE (-4) /* galvanostatic: e_low or e_high reached without an until[] for it */

struct potentiostat_item {
    enum potentiostat_item_kind kind;
    int segment;  /* index in the program */
    int ended_by; /* END: index in until[] or ENDED_* */
    ns_t host;    /* when it was received */
    struct sample sample;
};
/* Never waits. */
enum potentiostat_item_kind potentiostat_next(struct potentiostat *p, struct potentiostat_item *out,
                                              struct err *e);
/* Set when potentiostat_next() may have something. */
struct event *potentiostat_event(struct potentiostat *p);
/* Ends the present open-ended segment. One that reaches the device when that segment is already over ends the
 * one behind it, which is then told as ENDED_ADVANCED; so a gate is advanced well before its end or not at
 * all.
 */
bool potentiostat_advance(struct potentiostat *p, struct err *e);
/* Stops the program at its present point, with its orderly end (cell off); DONE follows. */
bool potentiostat_finish(struct potentiostat *p, struct err *e);
bool potentiostat_cut(struct potentiostat *p, struct err *e);
/* Bounded by `timeout`. On success the device is idle with the cell open, confirmed by the device. */
bool potentiostat_settle(struct potentiostat *p, ns_t timeout, struct err *e);
/* Behind potentiostat_settle() that followed a failure: turns an ERR_SILENT that was in truth a reset
 * (ERR_RESET) or a late answer (ERR_LATE) into that. True if it did; else *e is as it was. Asks nothing. */
bool potentiostat_explain(struct potentiostat *p, struct err *e);
/* Behind potentiostat_settle(), until the next start: the device was in the midst of a program when it fell
 * silent, and has none any more; but stops were sent that it did not answer. So it may have started anew, or
 * have obeyed one of them unheard: nothing that it says tells which. Asks nothing. */
bool potentiostat_may_be_anew(struct potentiostat *p);
/* The bytes of cut, for a guardian that has only a descriptor. */
void potentiostat_cut_bytes(struct potentiostat *p, struct buf *out);
/* The potentiostat's part of the safe state for somebody who has only the link: cut (turn 0), then the proof
 * that the cell is open (turn 1). As stage_errands(). */
#define POTENTIOSTAT_ERRANDS 8
int potentiostat_errands(struct potentiostat *p, struct errand *out, int max);

#endif
