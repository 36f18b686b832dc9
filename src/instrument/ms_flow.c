/* One walk over the program each for the gates' places and for what is kept. */
#include "instrument/ms_flow.h"

#include <string.h>

bool ms_is_gate(const struct segment *s)
{
    return s->open_ended && s->skips > 0;
}

/* Smallest mark that no place ahead has. */
static int free_mark(const int *mark_at, int from, int n)
{
    for (int mark = 1;; mark++) {
        int k = from;
        while (k < n && mark_at[k] != mark)
            k++;
        if (k == n)
            return mark;
    }
}

static void find_places(const struct program *g, struct ms_flow *out)
{
    int mark_at[PROGRAM_MAX] = {0}; /* of the place behind segment k */
    int guarded_to = 0;
    for (int k = 0; k < g->n; k++) {
        out->segment[k].guarded = k < guarded_to;
        if (ms_is_gate(&g->segment[k])) {
            int last = k + g->segment[k].skips;
            if (!mark_at[last])
                mark_at[last] = free_mark(mark_at, k, g->n);
            out->segment[k].over = mark_at[last];
            out->gates = true;
            guarded_to = last + 1 > guarded_to ? last + 1 : guarded_to;
        }
        out->segment[k].place = mark_at[k];
    }
}

/* Index of the last segment that compares itself with segment k, or -1. */
static int last_user(const struct program *g, int k)
{
    int last = -1;
    for (int j = k + 1; j < g->n; j++)
        for (int u = 0; u < g->segment[j].n_until; u++)
            if (g->segment[j].until[u].what == UNTIL_FRACTION && g->segment[j].until[u].of == k)
                last = j;
    return last;
}

/* A variable may be set anew by the very segment that needs it last: it is set behind its loop. */
static bool keep_numbers(const struct program *g, struct ms_flow *out)
{
    int busy_to[MS_KEPT_MAX] = {0};
    for (int k = 0; k < g->n; k++) {
        int user = last_user(g, k), v = 0;
        out->segment[k].kept = -1;
        if (user < 0)
            continue;
        while (v < MS_KEPT_MAX && busy_to[v] > k)
            v++;
        if (v == MS_KEPT_MAX)
            return false;
        busy_to[v] = user;
        out->segment[k].kept = v;
        out->n_kept = v + 1 > out->n_kept ? v + 1 : out->n_kept;
    }
    return true;
}

bool ms_flow_make(const struct program *g, struct ms_flow *out)
{
    memset(out, 0, sizeof(*out));
    find_places(g, out);
    return keep_numbers(g, out);
}
