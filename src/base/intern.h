/* One copy of each text that occurs over and over (names, units, methods), for the life of the process. */
#ifndef SECCM_BASE_INTERN_H
#define SECCM_BASE_INTERN_H

/* The copy; the same pointer for the same text. NULL counts as "". Any thread. Never freed: for texts of
 * which there are few. */
const char *intern(const char *text);

#endif
