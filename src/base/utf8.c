/* UTF-8, as far as it takes to tell text from bytes (RFC 3629, section 4). */
#include "base/utf8.h"

static size_t length_by_lead(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xC2 && lead < 0xE0)
        return 2;
    if (lead >= 0xE0 && lead < 0xF0)
        return 3;
    return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

int utf8_length(const void *text, size_t n)
{
    const unsigned char *p = text;
    size_t want = n > 0 ? length_by_lead(p[0]) : 0;
    if (want > n)
        return 0;
    for (size_t i = 1; i < want; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] >= 0xA0))
        return 0;
    if ((p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] >= 0x90))
        return 0;
    return (int)want;
}
