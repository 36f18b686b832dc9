/* Numbers as text with a decimal point, whatever locale is in force.
 *
 * One locale object is made on first use and kept for the life of the program. */
#include "base/clocale.h"

#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c_locale == (locale_t)0) {
        fputs("seccm: out of memory\n", stderr);
        abort();
    }
}

double c_strtod(const char *text, char **end)
{
    pthread_once(&c_locale_once, make_locale);
    return strtod_l(text, end, c_locale);
}

int c_print_double(char *text, size_t n, int digits, double value)
{
    pthread_once(&c_locale_once, make_locale);
    locale_t before = uselocale(c_locale);
    int length = snprintf(text, n, "%.*g", digits, value);
    uselocale(before);
    return length;
}
