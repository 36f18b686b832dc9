/* The word that was probably meant: the optimal string alignment distance (insert, delete, replace, swap of
 * neighbours), where case and `-` against `_` cost nothing. */
#include <string.h>

#include "base/yaml.h"

#define LONGEST 48

static char folded(char c)
{
    if (c == '_')
        return '-';
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int smallest(int a, int b, int c)
{
    int ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Distance of a[n] and b[m], both at most LONGEST. Three rows of the table are kept. */
static int distance(const char *a, size_t n, const char *b, size_t m)
{
    int rows[3][LONGEST + 1];
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = (int)j;
    for (size_t i = 1; i <= n; i++) {
        int *row = rows[i % 3], *above = rows[(i - 1) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = (int)i;
        for (size_t j = 1; j <= m; j++) {
            char x = folded(a[i - 1]), y = folded(b[j - 1]);
            row[j] = smallest(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y));
            bool swapped = i > 1 && j > 1 && x == folded(b[j - 2]) && folded(a[i - 2]) == y;
            if (swapped && above2[j - 2] + 1 < row[j])
                row[j] = above2[j - 2] + 1;
        }
    }
    return rows[n % 3][m];
}

const char *text_nearest(const char *word, const char *const *names)
{
    size_t n = strlen(word);
    if (n == 0 || n > LONGEST)
        return NULL;
    int most = n <= 2 ? 1 : n <= 5 ? 2 : 3;
    const char *best = NULL;
    for (; *names; names++) {
        size_t m = strlen(*names);
        if (m > LONGEST)
            continue;
        int d = distance(word, n, *names, m);
        /* A word of which nothing remains is not near. */
        if (d <= most && d < (int)(n > m ? n : m)) {
            best = *names;
            most = d - 1;
        }
    }
    return best;
}
