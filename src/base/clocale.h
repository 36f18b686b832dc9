/* Numbers as text with a decimal point, whatever locale the program or a library has chosen: files and wires
 * are not written in the operator's language. */
#ifndef SECCM_BASE_CLOCALE_H
#define SECCM_BASE_CLOCALE_H

#include <stddef.h>

/* strtod() of the C locale. */
double c_strtod(const char *text, char **end);
/* snprintf("%.*g") of the C locale with `digits` significant digits; returns as snprintf() does. */
int c_print_double(char *text, size_t n, int digits, double value);

#endif
