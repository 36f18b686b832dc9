/* GCS 2.0 error codes worth words of their own. */
#include "instrument/gcs_errors.h"

#include <stddef.h>

static const struct {
    long code;
    enum err_code kind;
    const char *text;
} table[] = {
    {0, ERR_NONE, "no error"},
    {1, ERR_REFUSED, "syntax of the command"},
    {2, ERR_REFUSED, "unknown command"},
    {3, ERR_REFUSED, "line too long"},
    {5, ERR_SERVO, "axis not referenced, or its servo is off"},
    {7, ERR_END_STOP, "position out of limits"},
    {8, ERR_REFUSED, "velocity out of limits"},
    {10, ERR_REFUSED, "stopped by command"},
    {15, ERR_REFUSED, "invalid axis"},
    {17, ERR_REFUSED, "parameter out of range"},
    {23, ERR_REFUSED, "illegal axis"},
    {24, ERR_REFUSED, "wrong number of arguments"},
    {54, ERR_REFUSED, "unknown parameter"},
    {56, ERR_REFUSED, "wrong password"},
    {60, ERR_REFUSED, "needs a higher command level"},
    {61, ERR_REFUSED, "autozero is running"},
    {63, ERR_REFUSED, "initialisation is running"},
    {66, ERR_REPORTED, "voltage limit"},
    {72, ERR_REFUSED, "target is controlled by the analog input"},
    {73, ERR_REFUSED, "wave generator is active"},
    {75, ERR_REFUSED, "no wave table"},
    {76, ERR_REFUSED, "interface buffer overrun"},
    {79, ERR_REFUSED, "open-loop command with servo on"},
    {84, ERR_SERVO, "motor is off"},
    {89, ERR_REFUSED, "not allowed in the present motion mode"},
    {93, ERR_REFUSED, "not allowed while the axis moves"},
    {98, ERR_REPORTED, "autozero failed"},
    {215, ERR_REPORTED, "connection broken"},
    {216, ERR_END_STOP, "limit switch"},
    {301, ERR_REPORTED, "send buffer overrun"},
    {302, ERR_REPORTED, "voltage limit"},
    {304, ERR_REPORTED, "receive buffer overrun"},
    {307, ERR_REPORTED, "receive timeout"},
    {308, ERR_REPORTED, "timeout"},
    {333, ERR_REPORTED, "hardware error"},
    {500, ERR_REPORTED, "emergency stop"},
    {501, ERR_REPORTED, "emergency stop"},
    {503, ERR_REPORTED, "collision switch"},
    {504, ERR_SERVO, "following error"},
    {505, ERR_REPORTED, "sensor signal invalid"},
    {506, ERR_SERVO, "servo unstable"},
    {509, ERR_REPORTED, "emergency stop by trigger"},
    {602, ERR_REPORTED, "voltage too high"},
    {603, ERR_REPORTED, "temperature too high"},
    {604, ERR_REPORTED, "position error too high"},
    {657, ERR_REPORTED, "safety stop triggered"},
    {1005, ERR_REFUSED, "controller is busy"},
    {1024, ERR_SERVO, "motion error, servo was switched off"},
};

const char *gcs_error_text(long code)
{
    for (size_t k = 0; k < sizeof(table) / sizeof(table[0]); k++)
        if (table[k].code == code)
            return table[k].text;
    return "error not in our table";
}

enum err_code gcs_error_kind(long code)
{
    for (size_t k = 0; k < sizeof(table) / sizeof(table[0]); k++)
        if (table[k].code == code)
            return table[k].kind;
    return ERR_REPORTED;
}
