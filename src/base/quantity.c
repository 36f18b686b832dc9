/* Quantities with units.
 *
 * Three steps: our own parser takes the number; unit_text() checks the unit and brings it into the spelling
 * that UDUNITS-2 knows; UDUNITS-2 says what one unit is in SI. It takes the radian for 1 and s/V for
 * convertible to V/s, hence the check on the quotient.
 *
 * A factor that is a power of ten moves the decimal exponent of the text, so that "50 mV" is the double 0.05.
 */
#include "base/quantity.h"

#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <udunits2.h>

#include "base/buf.h"
#include "base/clocale.h"
#include "base/dec.h"
#include "base/unit_text.h"

#define MAX_NUMBER 64
#define MAX_UNIT   64
#define CACHE_SIZE 512

static const struct {
    const char *unit, *name, *example;
} dims[DIM_COUNT] = {
#define X(id, unit, name, example) [DIM_##id] = {unit, name, example},
    DIM_TABLE(X)
#undef X
};

/* Dimensions that no setting has, so that a message can name what was written instead. */
static const struct {
    const char *unit, *name;
} others[] = {
    {"m3", "volume"},
    {"kg", "mass"},
    {"mol", "amount of substance"},
    {"mol/m3", "concentration"},
    {"m2/s", "diffusion coefficient"},
    {"J", "energy"},
    {"W", "power"},
    {"N", "force"},
    {"Pa", "pressure"},
    {"A/s", "current ramp"},
    {"V/m", "field strength"},
    {"H", "inductance"},
    {"T", "magnetic flux density"},
    {"m/s2", "acceleration"},
    {"rad/s", "angular speed"},
    {"ohm.m2", "resistance times area"},
    {"K/s", "temperature ramp"},
    {"m-1", "reciprocal length"},
};

/* How a unit becomes SI: si = value * slope + offset. */
struct conversion {
    char unit[MAX_UNIT + 1]; /* as written */
    enum dim dim;
    double slope, offset;
    int power; /* slope is 10^power exactly; NOT_DECIMAL otherwise */
};

#define NOT_DECIMAL INT_MAX

static struct {
    ut_system *system;
    pthread_t thread;
    ut_unit *si[DIM_COUNT];
    struct conversion cache[CACHE_SIZE];
    int cached;
} units;

/* --- the number ---------------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Bytes of the decimal number at the start of text; 0 if there is none. "5 eV" and "5eV" end before the e. */
static size_t number_length(const char *text)
{
    const char *p = text;
    int digits = 0;
    if (*p == '-' || *p == '+')
        p++;
    for (; is_digit(*p); p++)
        digits++;
    if (*p == '.')
        for (p++; is_digit(*p); p++)
            digits++;
    if (digits == 0)
        return 0;
    if (*p == 'e' || *p == 'E') {
        const char *q = p + 1;
        if (*q == '-' || *q == '+')
            q++;
        if (is_digit(*q)) {
            while (is_digit(*q))
                q++;
            p = q;
        }
    }
    return (size_t)(p - text);
}

/* true if a digit before the exponent is not 0, so that a result of 0 means that the number was too small. */
static bool is_nonzero(const char *number)
{
    for (; *number && *number != 'e' && *number != 'E'; number++)
        if (*number >= '1' && *number <= '9')
            return true;
    return false;
}

bool number_parse(const char *text, double *out)
{
    size_t n = number_length(text);
    if (n == 0 || text[n])
        return false;
    double value = c_strtod(text, NULL);
    if (!isfinite(value) || (value == 0 && is_nonzero(text)))
        return false;
    *out = value;
    return true;
}

/* --- UDUNITS ------------------------------------------------------------------------------------------- */

bool quantity_init(struct err *e)
{
    if (units.system)
        return true;
    ut_set_error_message_handler(ut_ignore);
    units.system = ut_read_xml(NULL);
    if (!units.system)
        return err_set(e, ERR_IO,
                       "the unit database of UDUNITS-2 can not be read (is libudunits2 installed?)");
    for (int i = 0; i < DIM_COUNT; i++)
        units.si[i] = ut_parse(units.system, dims[i].unit, UT_ASCII);
    units.thread = pthread_self();
    units.cached = 0;
    return true;
}

void quantity_done(void)
{
    if (!units.system)
        return;
    for (int i = 0; i < DIM_COUNT; i++) {
        ut_free(units.si[i]);
        units.si[i] = NULL;
    }
    ut_free_system(units.system);
    units.system = NULL;
}

/* true if `unit` is 1: dimensionless, and no angle either (UDUNITS has the radian as a dimensionless unit).
 */
static bool is_one(const ut_unit *unit)
{
    char text[128];
    if (!unit || !ut_is_dimensionless(unit))
        return false;
    int n = ut_format(unit, text, sizeof text, UT_ASCII | UT_DEFINITION);
    return n > 0 && (size_t)n < sizeof text && !strstr(text, "rad");
}

static bool same_dimension(const ut_unit *a, const ut_unit *b)
{
    ut_unit *quotient = ut_divide(a, b);
    bool same = is_one(quotient) && ut_are_convertible(a, b);
    ut_free(quotient);
    return same;
}

static bool is_inverse(const ut_unit *a, const ut_unit *b)
{
    ut_unit *product = ut_multiply(a, b);
    bool inverse = is_one(product);
    ut_free(product);
    return inverse;
}

static const char *name_dimension(const ut_unit *unit)
{
    for (int i = 0; i < DIM_COUNT; i++)
        if (same_dimension(unit, units.si[i]))
            return dims[i].name;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        ut_unit *other = ut_parse(units.system, others[i].unit, UT_ASCII);
        bool same = other && same_dimension(unit, other);
        ut_free(other);
        if (same)
            return others[i].name;
    }
    return NULL;
}

/* Slope and offset to SI; false if the conversion is not of that form (logarithmic units). */
static bool find_conversion(ut_unit *from, enum dim dim, struct conversion *out)
{
    cv_converter *cv = ut_get_converter(from, units.si[dim]);
    if (!cv)
        return false;
    double at0 = cv_convert_double(cv, 0), at1 = cv_convert_double(cv, 1), at3 = cv_convert_double(cv, 3);
    cv_free(cv);
    out->offset = at0;
    out->slope = at1 - at0;
    bool straight = fabs(at3 - at0 - 3 * out->slope) <= 1e-9 * fabs(out->slope);
    if (!straight || !(out->slope > 0) || !isfinite(out->slope))
        return false;
    if (at0 != 0)
        return dim == DIM_TEMPERATURE;
    double power = round(log10(out->slope));
    double nearest = fabs(power) <= 60 ? dec_value((struct dec){1, (int8_t)power}) : NAN;
    out->power = fabs(out->slope - nearest) <= 1e-14 * nearest ? (int)power : NOT_DECIMAL;
    return true;
}

/* --- messages ------------------------------------------------------------------------------------------ */

/* A copy of what was written that can stand in a message: clipped, control bytes as `?`. */
static const char *quotable(const char *text, char out[96])
{
    size_t n = strlen(text), kept = n <= 64 ? n : 60;
    while (kept < n && kept > 0 && ((unsigned char)text[kept] & 0xC0) == 0x80)
        kept--;
    for (size_t i = 0; i < kept; i++)
        out[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7F ? '?' : text[i];
    strcpy(out + kept, kept < n ? "..." : "");
    return out;
}

static const char *article(const char *noun)
{
    return strchr("aeiou", noun[0]) ? "an" : "a";
}

/* "a length is wanted, for example 2 um or 400 nm" */
static const char *wanted(enum dim dim, char out[160])
{
    snprintf(out, 160, "%s %s is wanted, for example %s", article(dims[dim].name), dims[dim].name,
             dims[dim].example);
    return out;
}

/* "1C", "C/2", "0.5 C": a current relative to a cell's capacity, which a nanoscopic droplet does not have. */
static bool is_c_rate(const char *text)
{
    const char *p = text + strspn(text, " ");
    p += strspn(p, "0123456789.");
    p += strspn(p, " ");
    if (*p != 'C')
        return false;
    p++;
    p += strspn(p, " ");
    if (*p == '/') {
        size_t digits = strspn(p + 1, " 0123456789.");
        return digits > 0 && p[1 + digits] == '\0';
    }
    return *p == '\0';
}

static bool is_molar(const char *unit)
{
    const char *p = unit;
    if (strncmp(p, "\xC2\xB5", 2) == 0 || strncmp(p, "\xCE\xBC", 2) == 0)
        p += 2;
    else if (*p && strchr("mnup", *p))
        p++;
    return strcmp(p, "M") == 0;
}

/* The errors that a habit of the trade explains; true if one was set. */
static bool explain_habit(const char *quoted, const char *text, const char *unit, enum dim dim, struct err *e)
{
    char want[160];
    wanted(dim, want);
    bool current = dim == DIM_CURRENT || dim == DIM_CURRENT_DENSITY;
    bool fraction = strchr(text, '/') != NULL;
    if (is_c_rate(text) && (current || fraction)) {
        err_set(e, ERR_INPUT,
                "`%s` reads as a C-rate, which needs the capacity of a cell (and C alone is the coulomb): %s",
                quoted, want);
        return true;
    }
    if (unit && is_molar(unit)) {
        err_set(e, ERR_INPUT, "`%s` is a concentration (M = mol/L): %s", quoted, want);
        return true;
    }
    return false;
}

static bool wrong_unit(const char *quoted, const char *unit, const ut_unit *found, enum dim dim,
                       struct err *e)
{
    char want[160], quoted_unit[96];
    wanted(dim, want);
    quotable(unit, quoted_unit);
    if (!found)
        return err_set(e, ERR_INPUT, "`%s`: `%s` is not a unit that is known here; %s", quoted, quoted_unit,
                       want);
    const char *name = name_dimension(found);
    if (name)
        return err_set(e, ERR_INPUT, "`%s` is %s %s; %s", quoted, article(name), name, want);
    if (is_inverse(found, units.si[dim]))
        return err_set(e, ERR_INPUT, "`%s` is not %s %s (found %s; the inverse, %s, was probably meant)",
                       quoted, article(dims[dim].name), dims[dim].name, quoted_unit, dims[dim].unit);
    return err_set(e, ERR_INPUT, "`%s` has the unit `%s`; %s", quoted, quoted_unit, want);
}

/* --- both ---------------------------------------------------------------------------------------------- */

static const struct conversion *find_cached(const char *unit, enum dim dim)
{
    for (int i = 0; i < units.cached; i++)
        if (units.cache[i].dim == dim && strcmp(units.cache[i].unit, unit) == 0)
            return &units.cache[i];
    return NULL;
}

/* Conversion of `unit` to the SI unit of `dim`; NULL with an error. */
static const struct conversion *resolve(const char *quoted, const char *unit, enum dim dim, struct err *e)
{
    static struct conversion overflow; /* when the cache is full */
    const struct conversion *known = find_cached(unit, dim);
    if (known)
        return known;
    struct buf text = {0};
    ut_unit *parsed = unit_text(unit, &text) ? ut_parse(units.system, text.p, UT_ASCII) : NULL;
    buf_free(&text);
    struct conversion c = {.dim = dim, .power = NOT_DECIMAL};
    bool ok = parsed && same_dimension(parsed, units.si[dim]) && find_conversion(parsed, dim, &c);
    if (!ok)
        wrong_unit(quoted, unit, parsed, dim, e);
    ut_free(parsed);
    if (!ok)
        return NULL;
    strcpy(c.unit, unit);
    struct conversion *kept = units.cached < CACHE_SIZE ? &units.cache[units.cached++] : &overflow;
    *kept = c;
    return kept;
}

/* value x slope + offset, exact where the slope is a power of ten. */
static double apply(const struct conversion *c, const char *number, double value)
{
    struct dec d;
    if (c->power != NOT_DECIMAL && dec_parse(number, &d)) {
        int e = d.e + c->power;
        if (e > DEC_NAN_E && e <= INT8_MAX)
            return dec_value((struct dec){d.m, (int8_t)e});
    }
    return value * c->slope + c->offset;
}

/* Splits text into number[] and unit[] without the blanks around them. */
static bool split(const char *text, const char *quoted, enum dim dim, char number[MAX_NUMBER + 1],
                  char unit[MAX_UNIT + 1], struct err *e)
{
    char want[160];
    wanted(dim, want);
    const char *p = text + strspn(text, " ");
    if (*p == '\0')
        return err_set(e, ERR_INPUT, "nothing is written: %s", want);
    size_t digits = number_length(p);
    if (digits == 0)
        return explain_habit(quoted, p, NULL, dim, e)
                   ? false
                   : err_set(e, ERR_INPUT, "`%s` does not start with a number: %s", quoted, want);
    if (digits > MAX_NUMBER)
        return err_set(e, ERR_INPUT, "`%s`: a number of %zu characters, at most %d are read", quoted, digits,
                       MAX_NUMBER);
    memcpy(number, p, digits);
    number[digits] = '\0';
    p += digits;
    p += strspn(p, " ");
    size_t n = strlen(p);
    while (n > 0 && p[n - 1] == ' ')
        n--;
    if (n > MAX_UNIT)
        return err_set(e, ERR_INPUT, "`%s`: a unit of %zu characters, at most %d are read", quoted, n,
                       MAX_UNIT);
    memcpy(unit, p, n);
    unit[n] = '\0';
    return true;
}

bool quantity_parse(const char *text, enum dim dim, double *si, struct err *e)
{
    char number[MAX_NUMBER + 1], unit[MAX_UNIT + 1], quoted[96], want[160];
    quotable(text, quoted);
    if (!quantity_init(e) || !split(text, quoted, dim, number, unit, e))
        return false;
    if (!pthread_equal(units.thread, pthread_self()))
        return err_set(e, ERR_INTERNAL, "`%s`: units are parsed by one thread only", quoted);
    double value;
    if (!number_parse(number, &value))
        return err_set(e, ERR_INPUT, "`%s`: the number is too large or too small to hold", quoted);
    if (unit[0] == '\0') {
        if (dim != DIM_NONE)
            return err_set(e, ERR_INPUT, "`%s` has no unit: %s", quoted, wanted(dim, want));
        *si = value;
        return true;
    }
    if (dim != DIM_CHARGE && explain_habit(quoted, text, unit, dim, e))
        return false;
    const struct conversion *c = resolve(quoted, unit, dim, e);
    if (!c)
        return false;
    value = apply(c, number, value);
    if (!isfinite(value) || (value == 0 && c->offset == 0 && is_nonzero(number)))
        return err_set(e, ERR_INPUT, "`%s`: too large or too small to hold in %s", quoted, dims[dim].unit);
    *si = value;
    return true;
}

const char *dim_name(enum dim dim)
{
    return dims[dim].name;
}

const char *dim_unit(enum dim dim)
{
    return dims[dim].unit;
}

const char *dim_example(enum dim dim)
{
    return dims[dim].example;
}
