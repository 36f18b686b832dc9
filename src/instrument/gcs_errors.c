/* GCS 2.0 error codes worth words of their own. */
#include "instrument/gcs_errors.h"

#include <stddef.h>

static const struct {
    long code;
    const char *text;
} table[] = {
    {0, "no error"},
    {1, "syntax of the command"},
    {2, "unknown command"},
    {3, "line too long"},
    {5, "axis not referenced, or its servo is off"},
    {7, "position out of limits"},
    {8, "velocity out of limits"},
    {10, "stopped by command"},
    {15, "invalid axis"},
    {17, "parameter out of range"},
    {23, "illegal axis"},
    {24, "wrong number of arguments"},
    {54, "unknown parameter"},
    {56, "wrong password"},
    {60, "needs a higher command level"},
    {61, "autozero is running"},
    {63, "initialisation is running"},
    {66, "voltage limit"},
    {72, "target is controlled by the analog input"},
    {73, "wave generator is active"},
    {75, "no wave table"},
    {76, "interface buffer overrun"},
    {79, "open-loop command with servo on"},
    {84, "motor is off"},
    {89, "not allowed in the present motion mode"},
    {93, "not allowed while the axis moves"},
    {98, "autozero failed"},
    {215, "connection broken"},
    {216, "limit switch"},
    {301, "send buffer overrun"},
    {302, "voltage limit"},
    {304, "receive buffer overrun"},
    {307, "receive timeout"},
    {308, "timeout"},
    {333, "hardware error"},
    {500, "emergency stop"},
    {501, "emergency stop"},
    {503, "collision switch"},
    {504, "following error"},
    {505, "sensor signal invalid"},
    {506, "servo unstable"},
    {509, "emergency stop by trigger"},
    {602, "voltage too high"},
    {603, "temperature too high"},
    {604, "position error too high"},
    {657, "safety stop triggered"},
    {1005, "controller is busy"},
    {1024, "motion error, servo was switched off"},
};

const char *gcs_error_text(long code)
{
    for (size_t k = 0; k < sizeof(table) / sizeof(table[0]); k++)
        if (table[k].code == code)
            return table[k].text;
    return "error not in our table";
}
