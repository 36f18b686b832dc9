/* A simulated rig under test: virtual time, both devices at the far ends of memory links, and a host that
 * only writes bytes and reads lines, so that nothing of our drivers is involved. */
#ifndef SECCM_TESTS_RIG_FIXTURE_H
#define SECCM_TESTS_RIG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "sim/rig.h"

/* A dummy cell: 1 Gohm beside 100 aF, quiet electronics, exact potentials. */
#define DUMMY_CELL                                                                                           \
    "probe: {leak: 1 Gohm, stray: 100 aF, stray-gain: 0}\n"                                                  \
    "sample: {drift: {rate: 0 nm/min}}\n"
#define QUIET                                                                                                \
    "noise: 0 A, mains: 0 A, offset: 0 A, offset-drift: 0 A, potential-error: 0 V, potential-noise: 0 V, "   \
    "transient: 0"

/* As assert_float_equal(), but says by how much small numbers differ. */
static inline void check_near(double a, double b, double within, const char *file, int line)
{
    if (fabs(a - b) <= within)
        return;
    print_message("%.12g instead of %.12g (within %g)\n", a, b, within);
    _fail(file, line);
}
#define NEAR(a, b, within) check_near(a, b, within, __FILE__, __LINE__)

struct port {
    struct link *link;
    struct buf in;
};

struct rig_fixture {
    struct loop *loop;
    struct sim_rig *rig;
    struct port stage, pstat;
};

static inline struct sim_rig *rig_from(struct loop *l, const char *name, const char *yaml, char *errors,
                                       size_t n)
{
    struct diags *d = diags_new();
    struct source *s = source_from_text(name, yaml);
    struct ytree *t = ytree_parse(s, d);
    struct sim_rig *r = t ? sim_rig_new(l, ytree_root(t), 0, d) : NULL;
    struct buf text = {0};
    diags_print(d, &text);
    snprintf(errors, n, "%s", text.p ? text.p : "");
    buf_free(&text);
    ytree_free(t);
    diags_free(d);
    source_free(s);
    return r;
}

static inline void port_open(struct rig_fixture *f, struct port *p, const char *device)
{
    struct link *far;
    link_memory_pair(f->loop, sim_rig_baud(f->rig, device), device, &p->link, &far);
    sim_rig_attach(f->rig, device, far);
}

static inline void rig_open_yaml(struct rig_fixture *f, const char *yaml)
{
    char errors[4096];
    struct err e = ERR_INIT;
    *f = (struct rig_fixture){.loop = loop_new(LOOP_VIRTUAL, 1, &e)};
    f->rig = rig_from(f->loop, "rig.yaml", yaml, errors, sizeof errors);
    if (!f->rig)
        print_message("%s", errors);
    assert_non_null(f->rig);
    port_open(f, &f->stage, "stage");
    port_open(f, &f->pstat, "potentiostat");
}

static inline void rig_close_all(struct rig_fixture *f)
{
    link_close(f->stage.link);
    link_close(f->pstat.link);
    sim_rig_free(f->rig);
    buf_free(&f->stage.in);
    buf_free(&f->pstat.in);
    loop_free(f->loop);
}

static inline void pass(struct rig_fixture *f, double s)
{
    loop_sleep_until(f->loop, loop_now(f->loop) + ns_from_s(s));
}

static inline void write_bytes(struct port *p, const void *bytes, size_t n)
{
    assert_true(link_write(p->link, bytes, n, NULL));
}

static inline void write_text(struct port *p, const char *text)
{
    write_bytes(p, text, strlen(text));
}

static inline void collect(struct port *p)
{
    char bytes[4096];
    size_t n;
    while ((n = link_read(p->link, bytes, sizeof bytes, NULL)) > 0)
        buf_add(&p->in, bytes, n);
}

/* Everything that comes within `s` seconds and was not read before; valid until the next call. */
static inline const char *heard(struct rig_fixture *f, struct port *p, double s)
{
    buf_clear(&p->in);
    buf_str(&p->in, "");
    collect(p);
    pass(f, s);
    collect(p);
    buf_reserve(&p->in, 1);
    return p->in.p;
}

/* Says `text` and compares everything that comes within 50 ms. */
static inline void check_reply(struct rig_fixture *f, struct port *p, const char *text, const char *reply,
                               int line)
{
    heard(f, p, 0);
    write_text(p, text);
    const char *got = heard(f, p, 0.05);
    if (strcmp(got, reply) != 0) {
        print_message("line %d: asked `%s`\nwanted `%s`\ngot    `%s`\n", line, text, reply, got);
        fail();
    }
}
#define REPLY(f, p, text, reply) check_reply(f, p, text, reply, __LINE__)

/* The next line (without LF) and when it came; false if none comes within `s` seconds. */
static inline bool next_line(struct rig_fixture *f, struct port *p, double s, char *line, size_t n, ns_t *at)
{
    ns_t deadline = loop_now(f->loop) + ns_from_s(s);
    for (;;) {
        char *end = p->in.n ? memchr(p->in.p, '\n', p->in.n) : NULL;
        if (end) {
            size_t length = (size_t)(end - p->in.p);
            snprintf(line, n, "%.*s", (int)length, p->in.p);
            buf_drop(&p->in, length + 1);
            return true;
        }
        char bytes[256];
        size_t got = link_read(p->link, bytes, sizeof bytes, at);
        if (got)
            buf_add(&p->in, bytes, got);
        else if (!loop_wait(f->loop, link_readable(p->link), deadline))
            return false;
    }
}

#endif
