/* Parsing of command-line words and printing of a command's help. */
#include "cli/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quantity.h"
#include "base/yaml.h"

static void print_help(const struct command *c, const struct option *options, int n)
{
    printf("seccm %s %s\n\n%s\n", c->name, c->usage, c->summary);
    if (n > 0)
        printf("\nOptions:\n");
    for (int k = 0; k < n; k++) {
        char left[64];
        const struct option *o = &options[k];
        snprintf(left, sizeof left, "%s%c%s--%s%s%s", o->letter ? "-" : " ", o->letter ? o->letter : ' ',
                 o->letter ? ", " : "  ", o->name, o->value ? " " : "", o->value ? o->value : "");
        printf("  %-28s %s\n", left, o->help);
    }
    printf("      %-24s %s\n\nExample:\n%s\n", "--help", "this text", c->example);
}

static const struct option *find(const struct option *options, int n, const char *word, const char **value)
{
    bool longer = word[1] == '-';
    const char *equals = longer ? strchr(word, '=') : NULL;
    size_t length = equals ? (size_t)(equals - word - 2) : strlen(word) - (longer ? 2 : 1);
    *value = equals ? equals + 1 : NULL;
    for (int k = 0; k < n; k++) {
        if (longer && strlen(options[k].name) == length && !strncmp(options[k].name, word + 2, length))
            return &options[k];
        if (!longer && length == 1 && options[k].letter == word[1])
            return &options[k];
    }
    return NULL;
}

static bool unknown(const struct command *c, const struct option *options, int n, const char *word,
                    struct err *e)
{
    const char *names[64];
    int k = 0;
    for (; k < n && k < 63; k++)
        names[k] = options[k].name;
    names[k] = NULL;
    const char *near = text_nearest(word + strspn(word, "-"), names);
    return err_set(e, ERR_USAGE, "%s: unknown option %s%s%s%s (see `seccm %s --help`)", c->name, word,
                   near ? "; did you mean --" : "", near ? near : "", near ? "?" : "", c->name);
}

static bool store(const struct command *c, const struct option *o, const char *value, struct err *e)
{
    double number;
    char *end;
    switch (o->kind) {
    case OPTION_FLAG:
        *(bool *)o->out = true;
        return true;
    case OPTION_TEXT:
        *(const char **)o->out = value;
        return true;
    case OPTION_INT:
        errno = 0;
        *(long *)o->out = strtol(value, &end, 10);
        if (errno || *end || end == value)
            return err_set(e, ERR_USAGE, "%s: --%s wants a whole number, not `%s`", c->name, o->name, value);
        return true;
    case OPTION_NUMBER:
        if (!number_parse(value, &number))
            return err_set(e, ERR_USAGE, "%s: --%s wants a number, not `%s`", c->name, o->name, value);
        *(double *)o->out = number;
        return true;
    }
    return true;
}

bool options_parse(const struct command *c, const struct option *options, int n, int argc, char **argv,
                   const char **words, int max, int *n_words, bool *help, struct err *e)
{
    *n_words = 0;
    *help = false;
    bool only_words = false;
    for (int k = 1; k < argc; k++) {
        const char *word = argv[k], *value;
        if (!only_words && !strcmp(word, "--")) {
            only_words = true;
            continue;
        }
        if (!only_words && (!strcmp(word, "--help") || !strcmp(word, "-h"))) {
            print_help(c, options, n);
            *help = true;
            return true;
        }
        if (only_words || word[0] != '-' || word[1] == '\0') {
            if (*n_words == max)
                return err_set(e, ERR_USAGE, "%s: one word too many: `%s` (usage: seccm %s %s)", c->name,
                               word, c->name, c->usage);
            words[(*n_words)++] = word;
            continue;
        }
        const struct option *o = find(options, n, word, &value);
        if (!o)
            return unknown(c, options, n, word, e);
        if (o->kind == OPTION_FLAG && value)
            return err_set(e, ERR_USAGE, "%s: --%s takes no value", c->name, o->name);
        if (o->kind != OPTION_FLAG && !value) {
            if (k + 1 >= argc)
                return err_set(e, ERR_USAGE, "%s: --%s wants a value (%s)", c->name, o->name, o->value);
            value = argv[++k];
        }
        if (!store(c, o, value, e))
            return false;
    }
    return true;
}

int options_fail(const struct err *e)
{
    fprintf(stderr, "seccm: %s\n", e->text);
    return err_exit_status(e->code);
}
