/* The program: finds the command and hands over. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/yaml.h"
#include "cli/commands.h"

static void print_commands(FILE *out)
{
    fprintf(out,
            "seccm %s: scanning electrochemical cell microscopy as an unattended experiment\n\n"
            "usage: seccm COMMAND ... (seccm COMMAND --help tells more)\n\n",
            SECCM_VERSION);
    for (int k = 0; commands[k]; k++)
        fprintf(out, "  %-10s %s\n", commands[k]->name, commands[k]->summary);
}

static int wrong_command(const char *word)
{
    const char *names[64];
    int n = 0;
    for (; n < 63 && commands[n]; n++)
        names[n] = commands[n]->name;
    names[n] = NULL;
    const char *near = text_nearest(word, names);
    fprintf(stderr, "seccm: no command `%s`%s%s%s (see `seccm --help`)\n", word,
            near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
    return 2;
}

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "C");
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is an error of a write, not the end */
    if (argc < 2) {
        print_commands(stderr);
        return 2;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || (!strcmp(argv[1], "help") && argc == 2)) {
        print_commands(stdout);
        return 0;
    }
    if (!strcmp(argv[1], "--version")) {
        printf("seccm %s\n", SECCM_VERSION);
        return 0;
    }
    for (int k = 0; commands[k]; k++)
        if (!strcmp(argv[1], commands[k]->name))
            return commands[k]->run(commands[k], argc - 1, argv + 1);
    return wrong_command(argv[1]);
}
