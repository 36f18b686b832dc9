/* UTF-8, as far as it takes to tell text from bytes. */
#ifndef SECCM_BASE_UTF8_H
#define SECCM_BASE_UTF8_H

#include <stddef.h>

/* Bytes (1 to 4) of the character at p, of which n bytes may be read, or fewer up to a NUL; 0 if there is no
 * valid one. Overlong forms, surrogates and code points beyond U+10FFFF are not valid. A NUL is a valid one.
 */
int utf8_length(const void *p, size_t n);

#endif
