/* The list of commands, in the order of the help. */
#include "cli/commands.h"

#include <stddef.h>

const struct command *const commands[] = {
    &command_check,    &command_plan,     &command_run,   &command_resume, &command_status, &command_pause,
    &command_continue, &command_skip,     &command_stop,  &command_queue,  &command_rig,    &command_sites,
    &command_show,     &command_features, &command_stats, &command_export, &command_report, &command_diff,
    &command_help,     &command_schema,   NULL,
};
