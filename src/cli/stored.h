/* A run as its results file holds it: the plan comes from the stored bytes of its input files, not from what
 * lies on disk by now. */
#ifndef SECCM_CLI_STORED_H
#define SECCM_CLI_STORED_H

#include "base/shelf.h"
#include "cli/load.h"
#include "results/probe.h"

/* One input file. */
struct stored_file {
    char *role, *path;  /* heap; role without '#resumeN' */
    struct buf bytes;   /* in force: as begun with, or as last accepted */
    struct source *now; /* as changes_find() saw it on disk, if its bytes are others; NULL = no, or gone */
    bool accepted;      /* its bytes are those now, to be stored by this resumption */
};

struct stored {
    struct stored_file *file; /* heap */
    int n_files;
    char *program, *stage_id, *pstat_id; /* in force, heap */
    int resumes;                         /* how often the run went on so far */
    int64_t seed;
    int64_t last_attempt; /* id, 0 = none */
    struct probe probe[PROBES_MAX];
    int n_probes;
};

/* The caller frees with stored_free(), after a failure too. */
bool stored_read(struct results *r, struct stored *out, struct err *e);
void stored_free(struct stored *s);
const struct stored_file *stored_find(const struct stored *s, const char *role);

/* The files in force. Caller frees with shelf_free(). */
struct shelf *stored_shelf(const struct stored *s);
/* Plan of the files in force. `aperture`: of the mounted probe, m; 0 = as the protocol says. false: told
 * already, *status is the exit status. */
bool stored_plan(const struct stored *s, double aperture, struct loaded *out, int *status);
/* Are sites, order and levels of the plan those that the file has? ERR_INPUT otherwise: another program may
 * plan differently, and then this one can not go on. */
bool stored_same_sites(struct results *r, const struct plan *p, struct err *e);

#endif
