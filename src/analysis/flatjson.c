/* Reads numbers out of a flat JSON object. */
#include "analysis/flatjson.h"

#include <string.h>

#include "base/clocale.h"

static const char *blanks(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

/* Behind the string that begins at *p; NULL if it does not end. */
static const char *past_string(const char *p)
{
    for (p++; *p && *p != '"'; p++)
        if (*p == '\\' && p[1])
            p++;
    return *p ? p + 1 : NULL;
}

/* Behind any value; NULL if it is broken. */
static const char *past_value(const char *p)
{
    if (*p == '"')
        return past_string(p);
    if (*p != '{' && *p != '[') {
        size_t n = strcspn(p, ",}] \t\r\n");
        return n ? p + n : NULL;
    }
    int depth = 0;
    while (*p) {
        if (*p == '"') {
            if (!(p = past_string(p)))
                return NULL;
            continue;
        }
        depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
        p++;
        if (depth == 0)
            return p;
    }
    return NULL;
}

static bool number_at(const char *p, double *out)
{
    if (!strchr("-0123456789", *p) || !*p)
        return false;
    char *end = NULL;
    double value = c_strtod(p, &end);
    if (end == p || !strchr(",}] \t\r\n", *end))
        return false;
    *out = value;
    return true;
}

/* The value of `key` at the top level; NULL if it is absent or the text before it is not JSON. */
static const char *value_of(const char *text, const char *key)
{
    const char *p = blanks(text);
    if (*p++ != '{')
        return NULL;
    size_t length = strlen(key);
    while (*(p = blanks(p)) == '"') {
        const char *name = p + 1;
        if (!(p = past_string(p)))
            return NULL;
        bool hit = (size_t)(p - 1 - name) == length && memcmp(name, key, length) == 0;
        p = blanks(p);
        if (*p++ != ':')
            return NULL;
        p = blanks(p);
        if (hit)
            return p;
        if (!(p = past_value(p)))
            return NULL;
        p = blanks(p);
        if (*p++ != ',')
            return NULL;
    }
    return NULL;
}

bool flatjson_number(const char *text, const char *key, double *out)
{
    const char *p = value_of(text, key);
    return p && number_at(p, out);
}

int flatjson_numbers(const char *text, const char *key, double *out, int max)
{
    const char *p = value_of(text, key);
    int n = 0;
    if (!p || *p != '[')
        return 0;
    do {
        double value = 0;
        p = blanks(p + 1);
        if (!number_at(p, &value))
            return 0;
        if (n < max)
            out[n] = value;
        n++;
        p = blanks(past_value(p));
    } while (*p == ',');
    return *p == ']' ? n : 0;
}

double flatjson_or(const char *text, const char *key, double absent)
{
    double value = absent;
    flatjson_number(text, key, &value);
    return value;
}
