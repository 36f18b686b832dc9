/* Units as people write them, brought into the text that UDUNITS-2 reads.
 *
 * The grammar of UDUNITS-2 is wider than ours: it takes "s 2", "s since 2000-01-01" and "lg(re 1 mW)" for
 * units. So only what can be part of a plain product of units passes: words, exponents, and the signs between
 * them. */
#include "base/unit_text.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Spellings by people and copied from papers, and what stands for them in UDUNITS text. */
static const struct {
    const char *from, *to;
} spelling[] = {
    /* micro sign, Greek mu */
    {"\xC2\xB5", "u"},
    {"\xCE\xBC", "u"},
    /* degree sign, in octal because a C would continue a hexadecimal escape */
    {"\302\260C", "degC"},
    {"\302\260F", "degF"},
    {"\302\260", "degree"},
    /* Greek omega, ohm sign */
    {"\xCE\xA9", "ohm"},
    {"\xE2\x84\xA6", "ohm"},
    /* middle dot; superscripts 2, 3, 1 and minus; minus sign */
    {"\xC2\xB7", "."},
    {"\xC2\xB2", "2"},
    {"\xC2\xB3", "3"},
    {"\xC2\xB9", "1"},
    {"\xE2\x81\xBB", "-"},
    {"\xE2\x88\x92", "-"},
};

/* Words that make UDUNITS read something else than a unit. */
static const char *const forbidden[] = {"since", "after", "from", "ref", "re", "lg", "ln", "lb"};

static const char *respell(const char *p, struct buf *out)
{
    for (size_t i = 0; i < sizeof spelling / sizeof spelling[0]; i++) {
        size_t n = strlen(spelling[i].from);
        if (strncmp(p, spelling[i].from, n) == 0) {
            buf_str(out, spelling[i].to);
            return p + n;
        }
    }
    return NULL;
}

/* Appends the word of letters at p; "deg" is the one that UDUNITS does not know. */
static const char *add_word(const char *p, struct buf *out)
{
    const char *end = p;
    while (is_letter(*end))
        end++;
    size_t n = (size_t)(end - p);
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++)
        if (strlen(forbidden[i]) == n && memcmp(p, forbidden[i], n) == 0)
            return NULL;
    if (n == 3 && memcmp(p, "deg", 3) == 0)
        buf_str(out, "degree");
    else
        buf_add(out, p, n);
    return end;
}

/* A digit is an exponent: directly behind a letter, `^`, or a minus that is itself directly behind one. */
static bool digit_allowed(const struct buf *b)
{
    if (b->n == 0)
        return false;
    char before = b->p[b->n - 1];
    if (before == '-')
        return b->n > 1 && (is_letter(b->p[b->n - 2]) || b->p[b->n - 2] == '^');
    return is_letter(before) || before == '^' || is_digit(before);
}

static bool symbol_allowed(char c, const struct buf *b)
{
    char before = b->n ? b->p[b->n - 1] : '\0';
    if (c == '-')
        return is_letter(before) || before == '^';
    return c == ' ' || c == '/' || c == '.' || c == '*' || c == '^' || c == '%';
}

bool unit_text(const char *unit, struct buf *out)
{
    const char *p = unit;
    if (strncmp(p, "1/", 2) == 0)
        p++;
    if (*p == '/')
        buf_char(out, '1');
    while (*p) {
        const char *next;
        if (is_letter(*p)) {
            next = add_word(p, out);
            if (!next)
                return false;
            p = next;
        } else if ((next = respell(p, out))) {
            p = next;
        } else if (is_digit(*p) ? digit_allowed(out) : symbol_allowed(*p, out)) {
            buf_char(out, *p++);
        } else {
            return false;
        }
    }
    return out->n > 0;
}
