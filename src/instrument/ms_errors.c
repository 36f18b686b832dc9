/* MethodSCRIPT error codes worth words of their own. */
#include "instrument/ms_errors.h"

#include <stddef.h>
#include <string.h>

static const struct {
    int code;
    const char *text;
} table[] = {
    {0x0001, "unspecified error"},
    {0x0002, "invalid variable type"},
    {0x0003, "unknown command"},
    {0x0006, "not allowed now (a script runs, or none does)"},
    {0x0007, "bad argument"},
    {0x0008, "too long"},
    {0x0009, "timeout inside the device"},
    {0x000C, "no script loaded"},
    {0x000E, "overflow"},
    {0x000F, "potential not possible"},
    {0x0010, "not a number"},
    {0x0011, "frequency not possible"},
    {0x0012, "amplitude not possible"},
    {0x0014, "open-circuit measurement with the cell on"},
    {0x001B, "not supported by this device"},
    {0x001C, "step smaller than the device's resolution"},
    {0x001F, "not licensed"},
    {0x0021, "potentiostat mode not possible"},
    {0x0023, "not allowed in this mode"},
    {0x0026, "file error"},
    {0x0027, "file error"},
    {0x0028, "division by zero"},
    {0x0032, "critical cell overload, measurement aborted"},
    {0x0058, "timing not possible"},
    {0x005A, "timing not possible"},
    {0x0080, "counter electrode oscillates"},
    {0x4001, "unknown script command"},
    {0x4004, "unexpected character in the script"},
    {0x4005, "script or line too large"},
    {0x4008, "bad optional argument"},
    {0x400B, "nested measurement loop"},
    {0x4018, "script ended unexpectedly"},
    {0x401B, "wrong order of pck_ commands"},
    {0x4026, "variable declared twice"},
    {0x4027, "needs the cell on"},
    {0x4028, "needs the cell off"},
    {0x4200, "argument of the wrong type"},
    {0x4204, "argument must be positive"},
    {0x4205, "argument out of bounds"},
    {0x420A, "too many arguments"},
    {0x420B, "undeclared variable"},
    {0x7FFF, "fatal error, the device resets"},
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

int ms_error_code(const char *line)
{
    const char *p = strchr(line, '!');
    if (!p)
        return -1;
    int code = 0;
    for (int k = 1; k <= 4; k++) {
        int digit = hex_digit(p[k]);
        if (digit < 0)
            return -1;
        code = code * 16 + digit;
    }
    return code;
}

const char *ms_error_text(int code)
{
    for (size_t k = 0; k < sizeof(table) / sizeof(table[0]); k++)
        if (table[k].code == code)
            return table[k].text;
    return "error not in our table";
}
