/* Strict about values, tolerant about blanks at the end of a line. */
#include "instrument/gcs_reply.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clocale.h"

/* Stray NUL and other control bytes before text have been seen after power-up; the dialogue passes none
 * through as a line's end, so a line is what lies between two LFs. */
static const char *next_line(const char *line)
{
    const char *lf = strchr(line, '\n');
    return lf ? lf + 1 : NULL;
}

static bool only_blanks(const char *p)
{
    while (*p == ' ' || *p == '\r')
        p++;
    return *p == '\0' || *p == '\n';
}

bool gcs_reply_value(const char *reply, const char *axis, double *out)
{
    size_t n = strlen(axis);
    for (const char *line = reply; line; line = next_line(line)) {
        if (strncmp(line, axis, n) != 0 || line[n] != '=')
            continue;
        const char *text = line + n + 1;
        if (*text == ' ' || *text == '\n')
            return false;
        char *end;
        double v = c_strtod(text, &end);
        if (end == text || !only_blanks(end) || !isfinite(v))
            return false;
        *out = v;
        return true;
    }
    return false;
}

bool gcs_reply_integer(const char *reply, long *out)
{
    char *end;
    long v = strtol(reply, &end, 10);
    if (end == reply || !only_blanks(end) || strchr(reply, '\n'))
        return false;
    *out = v;
    return true;
}

bool gcs_reply_has_line(const char *reply, const char *word)
{
    size_t n = strlen(word);
    for (const char *line = reply; line; line = next_line(line))
        if (strncmp(line, word, n) == 0 && only_blanks(line + n))
            return true;
    return false;
}
