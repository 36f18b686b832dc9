/* Onset potential at a fixed current density. */
#include "analysis/onset.h"

static bool stays(const double *i, int k, int n, int sign, double threshold, int persist)
{
    int end = k + persist < n ? k + persist : n;
    if (2 * (end - k) < persist)
        return false;
    for (; k < end; k++)
        if (!(sign * i[k] >= threshold))
            return false;
    return true;
}

bool onset_find(const double *e, const double *i, int n, int sign, double threshold, int persist,
                double *potential, double *slope)
{
    if (n < 2 || !(threshold > 0))
        return false;
    persist = persist < 1 ? 1 : persist;
    if (stays(i, 0, n, sign, threshold, persist))
        return false;
    for (int k = 1; k < n; k++) {
        if (!(sign * i[k] >= threshold) || !stays(i, k, n, sign, threshold, persist))
            continue;
        double level = sign * threshold, rise = i[k] - i[k - 1];
        *potential = rise != 0 ? e[k - 1] + (e[k] - e[k - 1]) * (level - i[k - 1]) / rise : e[k];
        int half = persist / 2 > 0 ? persist / 2 : 1;
        int a = k - half > 0 ? k - half : 0, b = k + half < n ? k + half : n - 1;
        *slope = e[b] != e[a] ? (i[b] - i[a]) / (e[b] - e[a]) : 0;
        return true;
    }
    return false;
}
