/* The published copy: the run thread's own part, the list between, and the readers' part behind their lock.
 */
#include "run/snapshot.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum news_kind { NEWS_STATUS, NEWS_CURVE, NEWS_EVENT, NEWS_SITE, NEWS_VALUE, NEWS_HEALTH, NEWS_KINDS };

/* One thing to tell; made by the run thread, freed by whoever works it off. */
struct news {
    struct news *next;
    enum news_kind kind;
    union {
        struct snapshot_status status;
        struct snapshot_event event;
        struct buf health; /* owned */
        struct {
            int index;
            struct snapshot_site now;
        } site;
        struct {
            int index, column;
            float value;
            bool is_new; /* the column begins with this value */
            struct snapshot_column def;
        } value;
        struct {
            struct snapshot_curve *head; /* all of the curve but the points, which follow; owned */
            int from, n;                 /* these points take the place of those from `from` on */
            struct snapshot_point *point;
        } curve;
    };
};

/* What was published at once, in order. */
struct batch {
    struct batch *earlier;
    struct news *first;
};

/* A curve and how it is thinned. */
struct thinner {
    struct snapshot_curve curve;
    bool by_potential;
    int64_t stretch; /* samples that give two points */
    int64_t in_stretch;
    struct snapshot_point low, high;
    bool high_last; /* the highest came behind the lowest */
    int published;  /* points that readers have already; -1 = all again */
};

struct snapshot {
    const struct plan *plan;
    int n; /* places: sites and spares */
    /* the run thread's */
    struct thinner thinner;
    bool curve_changed;
    uint64_t events;
    struct news *first, **last; /* not published yet */
    struct snapshot_column column[SNAPSHOT_COLUMNS];
    int columns;
    /* between: newest first */
    _Atomic(struct batch *) published;
    /* the readers', guarded by the lock */
    pthread_mutex_t lock;
    struct {
        struct snapshot_versions version;
        struct snapshot_status status;
        struct snapshot_curve curve;
        struct snapshot_event event[SNAPSHOT_EVENTS]; /* ring: number k at (k - 1) % SNAPSHOT_EVENTS */
        uint64_t events;
        struct snapshot_site *site;
        struct snapshot_column column[SNAPSHOT_COLUMNS];
        float *value[SNAPSHOT_COLUMNS]; /* n each */
        int columns;
        struct buf health;
    } seen;
};

struct snapshot *snapshot_new(const struct plan *plan)
{
    struct snapshot *s = xcalloc(1, sizeof *s);
    s->plan = plan;
    s->n = plan_places(plan);
    s->last = &s->first;
    pthread_mutex_init(&s->lock, NULL);
    s->seen.site = xcalloc((size_t)s->n + 1, sizeof *s->seen.site);
    for (int k = 0; k < s->n; k++)
        s->seen.site[k].contact_z = NAN;
    s->seen.version = (struct snapshot_versions){1, 1, 1, 1, 1};
    snprintf(s->seen.status.state, sizeof s->seen.status.state, "starting");
    s->seen.status.planned = s->seen.status.left = plan->n_sites;
    s->seen.status.left_s = plan->seconds.total;
    s->seen.status.x = s->seen.status.y = s->seen.status.z = NAN;
    return s;
}

static void free_news(struct news *n)
{
    while (n) {
        struct news *next = n->next;
        if (n->kind == NEWS_CURVE) {
            free(n->curve.head);
            free(n->curve.point);
        }
        if (n->kind == NEWS_HEALTH)
            buf_free(&n->health);
        free(n);
        n = next;
    }
}

/* The batches in the order in which they were published. */
static struct batch *take_batches(struct snapshot *s)
{
    struct batch *newest = atomic_exchange(&s->published, NULL), *oldest = NULL;
    while (newest) {
        struct batch *earlier = newest->earlier;
        newest->earlier = oldest;
        oldest = newest;
        newest = earlier;
    }
    return oldest;
}

void snapshot_free(struct snapshot *s)
{
    if (!s)
        return;
    free_news(s->first);
    for (struct batch *b = take_batches(s), *next; b; b = next) {
        next = b->earlier;
        free_news(b->first);
        free(b);
    }
    for (int k = 0; k < s->seen.columns; k++)
        free(s->seen.value[k]);
    free(s->seen.site);
    buf_free(&s->seen.health);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* --- the run thread's part -------------------------------------------------------------------------------
 */

static struct news *add_news(struct snapshot *s, enum news_kind kind)
{
    struct news *n = xcalloc(1, sizeof *n);
    n->kind = kind;
    *s->last = n;
    s->last = &n->next;
    return n;
}

void snapshot_put_status(struct snapshot *s, const struct snapshot_status *now)
{
    add_news(s, NEWS_STATUS)->status = *now;
}

static bool is_site(const struct snapshot *s, int site)
{
    return site >= 1 && site <= s->n;
}

void snapshot_put_site(struct snapshot *s, int site, const struct snapshot_site *now)
{
    if (!is_site(s, site))
        return;
    struct news *n = add_news(s, NEWS_SITE);
    n->site.index = site - 1;
    n->site.now = *now;
}

/* The column of a name; -1 if there is no room for another one. */
static int column_of(struct snapshot *s, const char *name, const char *unit, bool *is_new)
{
    *is_new = false;
    for (int k = 0; k < s->columns; k++)
        if (!strcmp(s->column[k].name, name))
            return k;
    if (s->columns == SNAPSHOT_COLUMNS)
        return -1;
    struct snapshot_column *c = &s->column[s->columns];
    snprintf(c->name, sizeof c->name, "%s", name);
    snprintf(c->unit, sizeof c->unit, "%s", unit);
    *is_new = true;
    return s->columns++;
}

void snapshot_put_feature(struct snapshot *s, const struct results_feature *f)
{
    char name[sizeof s->column[0].name], cycle[16] = "";
    bool is_new;
    if (!is_site(s, f->site) || !isfinite(f->value))
        return;
    if (f->cycle > 0)
        snprintf(cycle, sizeof cycle, "@%d", f->cycle);
    snprintf(name, sizeof name, "%.40s%s%.48s%s", f->step_name, *f->step_name ? "." : "", f->name, cycle);
    int column = column_of(s, name, f->unit, &is_new);
    if (column < 0)
        return;
    struct news *n = add_news(s, NEWS_VALUE);
    n->value.index = f->site - 1;
    n->value.column = column;
    n->value.value = (float)f->value;
    n->value.is_new = is_new;
    if (is_new)
        n->value.def = s->column[column];
}

void snapshot_put_event(struct snapshot *s, const struct results_event *ev)
{
    struct snapshot_event *e = &add_news(s, NEWS_EVENT)->event;
    *e = (struct snapshot_event){.number = ++s->events, .t_s = ev->t_s, .site = ev->site};
    snprintf(e->utc, sizeof e->utc, "%s", ev->utc);
    snprintf(e->kind, sizeof e->kind, "%.15s", ev->kind);
    snprintf(e->text, sizeof e->text, "%.255s", ev->text);
}

void snapshot_put_state(struct snapshot *s, const struct snapshot_status *now)
{
    struct snapshot_event *e = &add_news(s, NEWS_EVENT)->event;
    *e = (struct snapshot_event){.number = ++s->events,
                                 .t_s = now->time_s,
                                 .kind = SNAPSHOT_STATE,
                                 .measured = now->by_outcome[OUTCOME_MEASURED]};
    snprintf(e->utc, sizeof e->utc, "%s", now->utc);
    snprintf(e->state, sizeof e->state, "%s", now->state);
    snprintf(e->text, sizeof e->text, "%s", now->reason);
}

void snapshot_put_health(struct snapshot *s, struct buf *json)
{
    add_news(s, NEWS_HEALTH)->health = *json;
    *json = (struct buf){0};
}

/* --- thinning --------------------------------------------------------------------------------------------
 */

static float key_of(const struct thinner *t, const struct snapshot_point *p)
{
    return t->by_potential ? p->e : p->i;
}

/* The first sample of a stretch, or one more. */
static void stretch_add(struct thinner *t, const struct snapshot_point *p, bool first)
{
    if (first || key_of(t, p) < key_of(t, &t->low)) {
        t->low = *p;
        t->high_last = false;
    }
    if (first || key_of(t, p) >= key_of(t, &t->high)) {
        t->high = *p;
        t->high_last = true;
    }
}

static void stretch_end(struct thinner *t)
{
    struct snapshot_curve *c = &t->curve;
    c->point[c->n++] = t->high_last ? t->low : t->high;
    c->point[c->n++] = t->high_last ? t->high : t->low;
    t->in_stretch = 0;
}

/* Two stretches become one. */
static void halve(struct thinner *t)
{
    struct snapshot_curve *c = &t->curve;
    int n = c->n;
    c->n = 0;
    for (int k = 0; k + 3 < n; k += 4) {
        for (int j = 0; j < 4; j++)
            stretch_add(t, &c->point[k + j], j == 0);
        stretch_end(t);
    }
    t->stretch *= 2;
    t->published = -1;
}

void snapshot_begin_curve(struct snapshot *s, int site, int attempt, const struct results_step *step,
                          bool by_potential)
{
    struct thinner *t = &s->thinner;
    struct snapshot_curve *c = &t->curve;
    c->site = site;
    c->attempt = attempt;
    snprintf(c->name, sizeof c->name, "%s", step->name);
    snprintf(c->kind, sizeof c->kind, "%s", step->kind);
    snprintf(c->phase, sizeof c->phase, "%s", step->phase);
    c->samples = 0;
    c->n = 0;
    t->by_potential = by_potential;
    t->stretch = 2;
    t->in_stretch = 0;
    t->published = -1;
    s->curve_changed = true;
}

void snapshot_put_point(struct snapshot *s, const struct snapshot_point *p)
{
    struct thinner *t = &s->thinner;
    if (!isfinite(p->t) || !isfinite(p->e) || !isfinite(p->i))
        return;
    t->curve.samples++;
    s->curve_changed = true;
    stretch_add(t, p, t->in_stretch == 0);
    if (++t->in_stretch < t->stretch)
        return;
    if (t->curve.n == SNAPSHOT_POINTS) {
        struct snapshot_point low = t->low, high = t->high;
        bool high_last = t->high_last;
        halve(t);
        t->low = low;
        t->high = high;
        t->high_last = high_last;
        t->in_stretch = t->stretch / 2; /* the stretch goes on: it is twice as long now */
        return;
    }
    stretch_end(t);
}

/* --- publishing ------------------------------------------------------------------------------------------
 */

/* The head of the curve, and the points that readers do not have yet. */
static void put_curve(struct snapshot *s)
{
    struct thinner *t = &s->thinner;
    struct news *n = add_news(s, NEWS_CURVE);
    size_t head = offsetof(struct snapshot_curve, point);
    n->curve.head = xmalloc(head);
    memcpy(n->curve.head, &t->curve, head);
    n->curve.from = t->published < 0 ? 0 : t->published;
    n->curve.n = t->curve.n - n->curve.from;
    size_t bytes = (size_t)n->curve.n * sizeof t->curve.point[0];
    if (bytes > 0) {
        n->curve.point = xmalloc(bytes);
        memcpy(n->curve.point, t->curve.point + n->curve.from, bytes);
    }
    t->published = t->curve.n;
    s->curve_changed = false;
}

static void work_off_value(struct snapshot *s, const struct news *n)
{
    if (n->value.is_new) {
        int k = s->seen.columns++;
        s->seen.column[k] = n->value.def;
        s->seen.value[k] = xmalloc((size_t)s->n * sizeof(float));
        for (int j = 0; j < s->n; j++)
            s->seen.value[k][j] = NAN;
    }
    s->seen.value[n->value.column][n->value.index] = n->value.value;
    s->seen.site[n->value.index].version = s->seen.version.sites + 1;
}

static void work_off_curve(struct snapshot *s, const struct news *n)
{
    memcpy(&s->seen.curve, n->curve.head, offsetof(struct snapshot_curve, point));
    if (n->curve.n > 0)
        memcpy(s->seen.curve.point + n->curve.from, n->curve.point,
               (size_t)n->curve.n * sizeof n->curve.point[0]);
}

static void work_off_one(struct snapshot *s, struct news *n)
{
    switch (n->kind) {
    case NEWS_STATUS:
        s->seen.status = n->status;
        break;
    case NEWS_CURVE:
        work_off_curve(s, n);
        break;
    case NEWS_EVENT:
        s->seen.event[(n->event.number - 1) % SNAPSHOT_EVENTS] = n->event;
        s->seen.events = n->event.number;
        break;
    case NEWS_SITE:
        s->seen.site[n->site.index] = n->site.now;
        s->seen.site[n->site.index].version = s->seen.version.sites + 1;
        break;
    case NEWS_VALUE:
        work_off_value(s, n);
        break;
    case NEWS_HEALTH: {
        struct buf old = s->seen.health; /* freed with the news */
        s->seen.health = n->health;
        n->health = old;
        break;
    }
    case NEWS_KINDS:
        break;
    }
}

/* The lock is held. */
static void work_off(struct snapshot *s)
{
    bool any[NEWS_KINDS] = {false};
    for (struct batch *b = take_batches(s), *next; b; b = next) {
        next = b->earlier;
        for (struct news *n = b->first; n; n = n->next) {
            work_off_one(s, n);
            any[n->kind] = true;
        }
        free_news(b->first);
        free(b);
    }
    struct snapshot_versions *v = &s->seen.version;
    v->status += any[NEWS_STATUS];
    v->curve += any[NEWS_CURVE];
    v->events += any[NEWS_EVENT];
    v->health += any[NEWS_HEALTH];
    v->sites += any[NEWS_SITE] || any[NEWS_VALUE];
}

void snapshot_publish(struct snapshot *s)
{
    if (s->curve_changed)
        put_curve(s);
    if (!s->first)
        return;
    struct batch *b = xmalloc(sizeof *b);
    b->first = s->first;
    b->earlier = atomic_load(&s->published);
    s->first = NULL;
    s->last = &s->first;
    while (!atomic_compare_exchange_weak(&s->published, &b->earlier, b))
        ;
    if (pthread_mutex_trylock(&s->lock) != 0)
        return; /* a reader is at it; the next one works this off */
    work_off(s);
    pthread_mutex_unlock(&s->lock);
}

/* --- readers ---------------------------------------------------------------------------------------------
 */

static void lock(struct snapshot *s)
{
    pthread_mutex_lock(&s->lock);
    work_off(s);
}

const struct plan *snapshot_plan(const struct snapshot *s)
{
    return s->plan;
}

int snapshot_places(const struct snapshot *s)
{
    return s->n;
}

struct snapshot_versions snapshot_versions(struct snapshot *s)
{
    lock(s);
    struct snapshot_versions v = s->seen.version;
    pthread_mutex_unlock(&s->lock);
    return v;
}

uint64_t snapshot_status(struct snapshot *s, struct snapshot_status *out)
{
    lock(s);
    *out = s->seen.status;
    uint64_t version = s->seen.version.status;
    pthread_mutex_unlock(&s->lock);
    return version;
}

uint64_t snapshot_curve(struct snapshot *s, struct snapshot_curve *out)
{
    lock(s);
    *out = s->seen.curve;
    uint64_t version = s->seen.version.curve;
    pthread_mutex_unlock(&s->lock);
    return version;
}

uint64_t snapshot_events(struct snapshot *s, struct snapshot_event *out, int *n)
{
    lock(s);
    uint64_t end = s->seen.events, first = end > SNAPSHOT_EVENTS ? end - SNAPSHOT_EVENTS : 0;
    for (uint64_t k = first; k < end; k++)
        out[k - first] = s->seen.event[k % SNAPSHOT_EVENTS];
    *n = (int)(end - first);
    uint64_t version = s->seen.version.events;
    pthread_mutex_unlock(&s->lock);
    return version;
}

uint64_t snapshot_health(struct snapshot *s, struct buf *json)
{
    lock(s);
    buf_str(json, s->seen.health.n ? s->seen.health.p : "{}");
    uint64_t version = s->seen.version.health;
    pthread_mutex_unlock(&s->lock);
    return version;
}

uint64_t snapshot_sites(struct snapshot *s, struct snapshot_site *out)
{
    lock(s);
    memcpy(out, s->seen.site, (size_t)s->n * sizeof *out);
    uint64_t version = s->seen.version.sites;
    pthread_mutex_unlock(&s->lock);
    return version;
}

int snapshot_columns(struct snapshot *s, struct snapshot_column *out)
{
    lock(s);
    int n = s->seen.columns;
    memcpy(out, s->seen.column, (size_t)n * sizeof *out);
    pthread_mutex_unlock(&s->lock);
    return n;
}

bool snapshot_values(struct snapshot *s, const char *column, float *out)
{
    bool found = false;
    lock(s);
    for (int k = 0; k < s->seen.columns && !found; k++)
        if (!strcmp(s->seen.column[k].name, column)) {
            memcpy(out, s->seen.value[k], (size_t)s->n * sizeof *out);
            found = true;
        }
    pthread_mutex_unlock(&s->lock);
    return found;
}
