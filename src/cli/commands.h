/* All commands, one file each. */
#ifndef SECCM_CLI_COMMANDS_H
#define SECCM_CLI_COMMANDS_H

#include "cli/options.h"

extern const struct command command_check, command_plan, command_run, command_resume, command_status,
    command_rig, command_sites, command_show, command_features, command_stats, command_export, command_report,
    command_diff, command_help, command_schema, command_pause, command_continue, command_skip, command_stop,
    command_queue;

#endif
