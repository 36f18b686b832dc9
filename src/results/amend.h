/* What is added to a results file when its run goes on: the files that changed meanwhile, what is known from
 * now on, what happened. */
#ifndef SECCM_RESULTS_AMEND_H
#define SECCM_RESULTS_AMEND_H

#include "results/results.h"

struct results_key {
    const char *key, *value, *unit; /* unit: SI, "" = none */
};

struct results_amendment {
    const struct results_input *input; /* roles must be new ones */
    int n_inputs;
    const struct results_key *key;
    int n_keys;
    const struct results_event *event;
    int n_events;
};

/* All of it in one durable transaction, or nothing (only a writer handle, before a writer takes it). */
bool results_amend(struct results *r, const struct results_amendment *a, struct err *e);

/* Calls fn for every input file in the order in which they were stored; the texts live for the call.
 * ERR_INPUT if a file is damaged. */
typedef void results_input_fn(void *ctx, const char *role, const char *path, const void *bytes, size_t n);
bool results_inputs_each(struct results *r, results_input_fn *fn, void *ctx, struct err *e);

#endif
