/* The sample's memory beside the results file: what was touched, what film lies where, what flowed.
 *
 *     seccm-world: 1
 *     seed: 7
 *     clock: 12.5
 *     clog: 1
 *     damage: 3 0    (of the probe, if there is any: factor of the aperture, contacts since it is wet
 * outside) probe: 2       (which one is mounted, if it is not the first) counters: [...] contacts:
 *       - {at: "x y z t broke height wetted residue active", film: "wetted outer q s h ...",
 *          host: "stored cover area", sweeps: ["t from to charges... first bins...", ...]}
 *       - {at: ..., film: ..., host: ..., sweeps: [...], open: yes, then: "clock clog damage counters..."}
 *
 * Lines with `then` were appended while the world went on (the journal): it takes the place of what the head
 * says. A contact is appended when the drop touches (`open`) and again when it breaks; the second line takes
 * the place of the first. A last line without its end was being written when the process was killed, and does
 * not count.
 *
 * A YAML document with one line per contact, numbers in order inside plain strings: a long run makes a line
 * of some kilobytes per site, so lines of finished contacts are kept and written again as they are. Numbers
 * read back exactly, film charge per bin to single precision. */
#include "sim/world.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clocale.h"
#include "sim/world_parts.h"

static const int VERSION = 1;
static const size_t LARGEST_FILE = (size_t)1 << 30;

/* --- writing ------------------------------------------------------------------------------------------- */

static void put(struct buf *b, double v)
{
    char text[40];
    if (isnan(v))
        snprintf(text, sizeof text, "nan");
    else
        c_print_double(text, sizeof text, 17, v);
    buf_str(b, text);
    buf_char(b, ' ');
}

static void put_sweep(struct buf *b, const struct sweep *s)
{
    const struct cell_charge *q = &s->charge;
    const double head[] = {s->t_s,   s->e_from, s->e_to, q->stray, q->leak,
                           q->layer, q->film,   q->host, q->redox, q->trace};
    buf_char(b, '"');
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        put(b, head[i]);
    buf_printf(b, "%d", s->first);
    for (int i = 0; i < s->bins; i++) {
        char text[40];
        c_print_double(text, sizeof text, 9, (double)s->bin[i]);
        buf_char(b, ' ');
        buf_str(b, text);
    }
    buf_char(b, '"');
}

static void put_contact(struct buf *b, const struct contact *c, const struct sweep *extra)
{
    const double at[] = {c->x,      c->y,       c->contact_z, c->t_s, c->broke_t_s, c->break_height,
                         c->wetted, c->residue, c->active};
    buf_str(b, "  - {at: \"");
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        put(b, at[i]);
    buf_str(b, "\", film: \"");
    put(b, c->film.wetted);
    for (int i = 0; i < c->film.n; i++) {
        const struct film_ring *r = &c->film.ring[i];
        put(b, r->outer);
        put(b, r->charge);
        put(b, r->soluble);
        put(b, r->thick);
    }
    buf_str(b, "\", host: \"");
    put(b, c->host.stored);
    put(b, c->host.cover);
    put(b, c->host.area);
    buf_str(b, "\", sweeps: [");
    for (int i = 0; i < c->sweeps; i++) {
        buf_str(b, i ? ", " : "");
        put_sweep(b, &c->sweep[i]);
    }
    if (extra) {
        buf_str(b, c->sweeps ? ", " : "");
        put_sweep(b, extra);
    }
    buf_str(b, "]}\n");
}

/* The contact going on is written as if the drop broke now: a restart finds the probe retracted. */
static void put_open_contact(struct buf *b, const struct world *w)
{
    struct contact c = w->ledger.contact[w->ledger.contacts - 1];
    struct sweep extra;
    world_contact_update(w, &c);
    c.residue = c.wetted * w->sample.wetting.residue;
    c.broke_t_s = world_clock(w);
    ledger_current(&w->ledger, &extra);
    put_contact(b, &c, &extra);
    free(extra.bin);
}

static const char *contact_text(struct contact *c)
{
    if (!c->text) {
        struct buf b = {0};
        put_contact(&b, c, NULL);
        c->text = b.p;
    }
    return c->text;
}

static void put_counters(struct buf *b, const struct world *w)
{
    const struct world_counters *k = &w->counters;
    const double counted[] = {(double)k->contacts,     (double)k->crashes,      (double)k->drags,
                              (double)k->wet_travel,   (double)k->envelope,     ns_to_s(w->left_on),
                              (double)k->open_circuit, k->open_circuit_longest, (double)k->revisited};
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
        put(b, counted[i]);
}

static void put_damage(struct buf *b, const struct world *w, const char *before)
{
    buf_str(b, before);
    put(b, w->trouble.broken);
    put(b, w->trouble.soaked);
}

static void put_head(struct buf *b, const struct world *w)
{
    buf_printf(b, "seccm-world: %d\nseed: %llu\nclock: ", VERSION, (unsigned long long)w->seed);
    put(b, world_clock(w));
    buf_str(b, "\nclog: ");
    put(b, w->clog);
    if (w->trouble.broken > 1 || w->trouble.soaked > 0)
        put_damage(b, w, "\ndamage: ");
    if (w->probe_number > 1)
        buf_printf(b, "\nprobe: %d", w->probe_number);
    buf_char(b, '\n');
    buf_str(b, "counters: \"");
    put_counters(b, w);
    buf_str(b, "\"\ncontacts:");
    buf_char(b, '\n');
}

static bool write_all(const struct world *w, FILE *f)
{
    struct buf b = {0};
    put_head(&b, w);
    bool ok = fwrite(b.p, 1, b.n, f) == b.n;
    int finished = w->ledger.contacts - (w->ledger.open ? 1 : 0);
    for (int i = 0; ok && i < finished; i++)
        ok = fputs(contact_text(&w->ledger.contact[i]), f) >= 0;
    buf_clear(&b);
    if (w->ledger.open)
        put_open_contact(&b, w);
    ok = ok && (b.n == 0 || fwrite(b.p, 1, b.n, f) == b.n);
    buf_free(&b);
    return ok;
}

bool world_save(const struct world *w, const char *path, struct err *e)
{
    struct buf temporary = {0};
    buf_printf(&temporary, "%s.new", path);
    FILE *f = fopen(temporary.p, "w");
    bool ok = f && write_all(w, f) && fflush(f) == 0 && fsync(fileno(f)) == 0;
    int reason = errno;
    if (f && fclose(f) != 0 && ok) {
        reason = errno;
        ok = false;
    }
    if (ok && rename(temporary.p, path) != 0) {
        reason = errno;
        ok = false;
    }
    if (!ok && f)
        unlink(temporary.p);
    buf_free(&temporary);
    return ok || err_errno(e, ERR_IO, reason, "state of the simulated sample `%s`", path);
}

/* --- the journal --------------------------------------------------------------------------------------- */

bool world_journal(struct world *w, const char *path, struct err *e)
{
    world_journal_end(w);
    if (!world_save(w, path, e))
        return false;
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, ERR_IO, errno, "state of the simulated sample `%s`", path);
    w->journal = fd + 1;
    return true;
}

void world_journal_end(struct world *w)
{
    if (w->journal)
        close(w->journal - 1);
    w->journal = 0;
}

void world_journal_contact(struct world *w)
{
    if (!w->journal)
        return;
    struct buf b = {0};
    if (w->ledger.open)
        put_open_contact(&b, w);
    else
        buf_str(&b, contact_text(&w->ledger.contact[w->ledger.contacts - 1]));
    b.n -= strlen("}\n");
    buf_str(&b, w->ledger.open ? ", open: yes, then: \"" : ", then: \"");
    put(&b, world_clock(w));
    put(&b, w->clog);
    put_damage(&b, w, "");
    put_counters(&b, w);
    buf_str(&b, "\"}\n");
    /* One write, so that a line is there or not. If there is no space world_save() will say so at the end. */
    ssize_t written = write(w->journal - 1, b.p, b.n);
    if (written != (ssize_t)b.n)
        world_journal_end(w);
    buf_free(&b);
}

/* --- reading ------------------------------------------------------------------------------------------- */

/* Reads numbers of a text until it ends or `n` are read; -1 if there is something else. */
static int get(const char **text, double *v, int n)
{
    int i = 0;
    for (; i < n; i++) {
        char *end;
        v[i] = c_strtod(*text, &end);
        if (end == *text)
            break;
        *text = end;
    }
    if (i < n && (*text)[strspn(*text, " ")] != '\0')
        return -1;
    return i;
}

static bool get_exactly(const char *text, double *v, int n)
{
    return text && get(&text, v, n) == n && text[strspn(text, " ")] == '\0';
}

static bool get_film(const char *text, struct film *f)
{
    double ring[4];
    int n = 0;
    *f = (struct film){0};
    if (!text || get(&text, &f->wetted, 1) != 1)
        return false;
    while ((n = get(&text, ring, 4)) == 4 && f->n < FILM_RINGS)
        f->ring[f->n++] =
            (struct film_ring){.outer = ring[0], .charge = ring[1], .soluble = ring[2], .thick = ring[3]};
    return n == 0; /* film_rewet() works out what follows from the charge */
}

static bool get_sweep(const char *text, struct sweep *s)
{
    double head[11], bin[LEDGER_BINS];
    if (!text || get(&text, head, 11) != 11)
        return false;
    int bins = get(&text, bin, LEDGER_BINS);
    if (bins < 0 || head[10] < 0 || head[10] + bins > LEDGER_BINS)
        return false;
    *s = (struct sweep){
        .t_s = head[0], .e_from = head[1], .e_to = head[2], .first = (int)head[10], .bins = bins};
    s->charge = (struct cell_charge){head[3], head[4], head[5], head[6], head[7], head[8], head[9]};
    s->bin = bins ? xmalloc((size_t)bins * sizeof *s->bin) : NULL;
    for (int i = 0; i < bins; i++)
        s->bin[i] = (float)bin[i];
    return true;
}

static bool get_contact(const struct ynode *n, struct contact *c)
{
    double at[9], host[3];
    const struct ynode *sweeps = ynode_get(n, "sweeps"), *film = ynode_get(n, "film"),
                       *h = ynode_get(n, "host"), *a = ynode_get(n, "at");
    if (!sweeps || ynode_kind(sweeps) != Y_LIST || !film || !h || !a)
        return false;
    if (!get_exactly(ynode_text(a), at, 9) || !get_exactly(ynode_text(h), host, 3) ||
        !get_film(ynode_text(film), &c->film))
        return false;
    c->x = at[0];
    c->y = at[1];
    c->contact_z = at[2];
    c->t_s = at[3];
    c->broke_t_s = at[4];
    c->break_height = at[5];
    c->wetted = at[6];
    c->residue = at[7];
    c->active = at[8];
    c->host = (struct host){host[0], host[1], host[2]};
    c->room = ynode_count(sweeps);
    c->sweep = c->room ? xcalloc((size_t)c->room, sizeof *c->sweep) : NULL;
    for (; c->sweeps < c->room; c->sweeps++)
        if (!get_sweep(ynode_text(ynode_item(sweeps, c->sweeps)), &c->sweep[c->sweeps]))
            return false;
    return true;
}

/* Clock (s), clogging, damage and counters of now. */
#define NOW 13

static void take_now(struct world *w, const double v[NOW])
{
    w->epoch = v[0] - ns_to_s(w->t);
    w->clog = v[1];
    trouble_take_damage(w, v[2], (int)v[3]);
    w->counters = (struct world_counters){(uint64_t)v[4],  (uint64_t)v[5], (uint64_t)v[6],
                                          (uint64_t)v[7],  (uint64_t)v[8], 0,
                                          (uint64_t)v[10], v[11],          (uint64_t)v[12]};
    w->left_on = ns_from_s(v[9]);
    w->tick = -1;
}

static bool get_then(struct world *w, const struct ynode *contact)
{
    double v[NOW];
    const struct ynode *then = ynode_get(contact, "then");
    if (!then)
        return true;
    if (!get_exactly(ynode_text(then), v, NOW) || !(v[2] >= 1) || !(v[3] >= 0))
        return false;
    take_now(w, v);
    return true;
}

/* One contact line ("  - {...}") as a document of its own, so that the size of the file has no bound. *open:
 * the contact before was going on when its line was written; told of this one. */
static bool read_contact_line(struct world *w, const char *line, bool *open)
{
    struct diags *d = diags_new();
    struct source *s = source_from_text("contact", line + 4);
    struct ytree *t = ytree_parse(s, d);
    if (*open)
        ledger_drop_last(&w->ledger);
    bool ok = t && get_contact(ytree_root(t), ledger_append(&w->ledger)) && get_then(w, ytree_root(t));
    *open = ok && ynode_get(ytree_root(t), "open");
    ytree_free(t);
    source_free(s);
    diags_free(d);
    return ok;
}

static bool read_head(struct world *w, const char *text, struct err *e)
{
    struct diags *d = diags_new();
    struct source *s = source_from_text("head", text);
    struct ytree *t = ytree_parse(s, d);
    const struct ynode *root = t ? ytree_root(t) : NULL;
    static const char *const key[] = {"seccm-world", "seed", "clock", "clog", "counters"};
    const char *value[5];
    bool complete = true;
    for (int i = 0; i < 5; i++) {
        const struct ynode *n = ynode_get(root, key[i]);
        value[i] = n ? ynode_text(n) : NULL;
        complete = complete && value[i];
    }
    double v[NOW] = {[2] = 1};
    const struct ynode *damage = ynode_get(root, "damage");
    bool ok = complete && atoi(value[0]) == VERSION && get_exactly(value[2], &v[0], 1) &&
              get_exactly(value[3], &v[1], 1) && get_exactly(value[4], &v[4], 9) &&
              (!damage || get_exactly(ynode_text(damage), &v[2], 2)) && v[2] >= 1 && v[3] >= 0;
    if (!ok)
        err_set(e, ERR_INPUT, "it is no state of a simulated sample, or of another version");
    else if (strtoull(value[1], NULL, 10) != w->seed)
        ok = err_set(e, ERR_INPUT, "it belongs to seed %s, this sample has seed %llu", value[1],
                     (unsigned long long)w->seed);
    const struct ynode *probe = ynode_get(root, "probe");
    if (ok)
        take_now(w, v);
    if (ok && probe && ynode_text(probe))
        w->probe_number = atoi(ynode_text(probe));
    ytree_free(t);
    source_free(s);
    diags_free(d);
    return ok;
}

/* Splits the text into head and contact lines. */
static bool read_all(struct world *w, char *text, struct err *e)
{
    char *contacts = strstr(text, "\ncontacts:");
    if (!contacts)
        return err_set(e, ERR_INPUT, "it has no `contacts`");
    *contacts = '\0';
    if (!read_head(w, text, e))
        return false;
    ledger_free(&w->ledger);
    char *line = strchr(contacts + 1, '\n'), *end; /* behind the word itself */
    bool open = false;
    for (; line && (end = strchr(line + 1, '\n')); line = end) {
        *end = '\0';
        if (strncmp(line + 1, "  - ", 4) != 0 || !read_contact_line(w, line + 1, &open))
            return err_set(e, ERR_INPUT, "contact %d is damaged", w->ledger.contacts);
    }
    return true;
}

bool world_load(struct world *w, const char *path, struct err *e)
{
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return true; /* a fresh sample */
    struct source *s = source_read(path, LARGEST_FILE, e);
    bool ok = s && read_all(w, s->bytes.p, e);
    source_free(s);
    return ok || err_context(e, "state of the simulated sample `%s`", path);
}
