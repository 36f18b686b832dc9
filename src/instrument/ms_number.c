/* Chooses prefixes from the small end, so that nothing below a resolution step is lost on the way. */
#include "instrument/ms_number.h"

#include <math.h>
#include <stdlib.h>

enum { LARGEST = 100000000 };

static char prefix_of(int exponent)
{
    static const char prefix[] = "afpnum kMGTPE"; /* -18 ... 18 */
    return prefix[(exponent + 18) / 3];
}

void ms_number(struct buf *b, double value, int quantum)
{
    int e = quantum;
    double scaled = value / pow(10, e);
    while (fabs(scaled) >= LARGEST && e < 18) {
        e += 3;
        scaled = value / pow(10, e);
    }
    long long m = llround(scaled);
    while (m != 0 && m % 1000 == 0 && e < 18) {
        m /= 1000;
        e += 3;
    }
    buf_printf(b, "%lld", m);
    if (m != 0 && e != 0)
        buf_char(b, prefix_of(e));
}
