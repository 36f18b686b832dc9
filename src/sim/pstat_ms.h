/* A simulated potentiostat that speaks MethodSCRIPT (Nexus kind), written from PalmSens' public documentation
 * and examples: commands while idle and while running, script upload, and what happens when power fails. */
#ifndef SECCM_SIM_PSTAT_MS_H
#define SECCM_SIM_PSTAT_MS_H

#include "sim/bench.h"
#include "sim/fault.h"
#include "sim/pstat_ms_cell.h"
#include "wire/link.h"

/* Plain data. */
struct pstat_config {
    struct ms_cell_config cell;
    char *firmware; /* heap: behind the t of the answer to `t` */
    char *serial;   /* heap */
    int64_t baud;
    double latency;         /* s: from receiving a line to acting on it */
    int64_t buffer;         /* bytes of output that wait for the line before the script has to */
    int64_t script_size;    /* bytes */
    double interval;        /* s, shortest between samples */
    double swallow;         /* s of input lost after an error in an upload */
    double swallow_refused; /* s of input lost after a command refused while idle */
    bool error_empty_line;  /* an empty line follows a run-time error */
};

struct pstat_ms;

/* Copies *c but for its texts, which must outlive it. */
struct pstat_ms *pstat_ms_new(struct sim_bench *b, const struct pstat_config *c);
void pstat_ms_free(struct pstat_ms *p);
/* The device's end of the line; owned from now on. A former one is closed. */
void pstat_ms_attach(struct pstat_ms *p, struct link *far);

/* Faults of the potentiostat (SIM_PSTAT_...; others are ignored), from now on until switched off again. */
void pstat_ms_fault(struct pstat_ms *p, enum sim_fault f, bool on);

#endif
