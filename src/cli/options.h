/* Command-line words of one command, from a table that also prints its help. */
#ifndef SECCM_CLI_OPTIONS_H
#define SECCM_CLI_OPTIONS_H

#include <stdbool.h>

#include "base/err.h"

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_INT, OPTION_NUMBER };

struct option {
    const char *name; /* without dashes */
    char letter;      /* short form, 0 = none */
    enum option_kind kind;
    void *out;         /* bool *, const char **, long *, double * */
    const char *value; /* name of the value for help, NULL for flags */
    const char *help;
};

struct command {
    const char *name;
    const char *usage;                                             /* what stands behind the name */
    const char *summary;                                           /* one sentence */
    const char *example;                                           /* one or more lines */
    int (*run)(const struct command *self, int argc, char **argv); /* argv[0] is the command's name */
};

/* Parses argv[1..]; words that are no options go to words[], at most `max`. --help prints help and sets
 * *help. Wrong words are ERR_USAGE with the nearest known one. */
bool options_parse(const struct command *c, const struct option *options, int n, int argc, char **argv,
                   const char **words, int max, int *n_words, bool *help, struct err *e);
/* Prints "seccm: text" to stderr; returns the exit status that belongs to the error. */
int options_fail(const struct err *e);

extern const struct command *const commands[]; /* NULL-terminated, in the order of the help */

#endif
