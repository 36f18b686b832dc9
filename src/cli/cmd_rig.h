/* The parts of `seccm rig`, one file each. */
#ifndef SECCM_CLI_CMD_RIG_H
#define SECCM_CLI_CMD_RIG_H

#include "cli/options.h"
#include "instrument/rig.h"

int rig_check(const struct command *self, int argc, char **argv);
int rig_serve(const struct command *self, int argc, char **argv);
int rig_truth(const struct command *self, int argc, char **argv);

/* Loads a rig file and prints everything found to stderr; NULL on error with *status set. */
struct rig_config *rig_load_printed(const char *path, int *status);

#endif
