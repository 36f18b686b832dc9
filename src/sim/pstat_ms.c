/* The simulated MethodSCRIPT device's front: lines in, commands by state, script upload, faults.
 *
 *   idle ---- e, l + lines + empty line ----> upload ---- e: accepted ----> running ---- empty line out --->
 * idle
 *                                               \--- X!code: input is lost for a while ---> idle */
#include "sim/pstat_ms.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "sim/outbox.h"
#include "sim/pstat_ms_run.h"
#include "sim/pstat_ms_script.h"

#define MAX_INPUT 65536
#define SLOW      (400 * NS_MS)
#define NOISY     30

struct pstat_ms {
    struct sim_bench *bench;
    struct pstat_config c;
    struct ms_limits limits;
    struct ms_cell cell;
    struct ms_run run;
    struct ms_script *script; /* loaded */
    struct link *link;
    struct buf in;
    struct timer turn;
    char upload; /* 'e', 'l', 0 */
    ns_t deaf_until;
    bool silent, rebooting, garbled, refusing;
    struct outbox out;
    uint64_t chunks;
    struct rng rng;
};

/* --- output -------------------------------------------------------------------------------------------- */

/* One byte changed, never a line end. */
static void garble(struct pstat_ms *p, char *bytes, size_t n)
{
    size_t i = (size_t)rng_below(p->rng, n, p->chunks++, 0);
    if (bytes[i] != '\n')
        bytes[i] ^= 0x15;
}

static void send(void *ctx, const char *bytes, size_t n)
{
    struct pstat_ms *p = ctx;
    if (p->silent || p->rebooting || !p->link)
        return;
    char copy[MS_MAX_PACKAGE];
    if (p->garbled && n > 1 && n <= sizeof copy) {
        memcpy(copy, bytes, n);
        garble(p, copy, n);
        bytes = copy;
    }
    outbox_say(&p->out, bytes, n, bytes[0] != 'P');
}

static void answer(struct pstat_ms *p, const char *text)
{
    ms_run_send(&p->run, text, strlen(text));
}

static void refuse(struct pstat_ms *p, char letter, int code)
{
    char line[16];
    snprintf(line, sizeof line, "%c!%04X\n", letter, (unsigned)code);
    answer(p, line);
}

/* Input received from now on for `seconds`, and what is still unread, is lost. */
static void go_deaf(struct pstat_ms *p, double seconds)
{
    if (seconds <= 0)
        return;
    p->deaf_until = loop_now(p->bench->loop) + ns_from_s(seconds);
    buf_clear(&p->in);
}

/* --- upload -------------------------------------------------------------------------------------------- */

static void begin_upload(struct pstat_ms *p, char letter)
{
    if (p->refusing) {
        refuse(p, letter, MS_WRONG_STATE);
        go_deaf(p, p->c.swallow_refused);
        return;
    }
    ms_script_free(p->script);
    p->script = ms_script_new(&p->limits);
    p->upload = letter;
}

static void reject_upload(struct pstat_ms *p, const struct ms_error *e)
{
    char line[64];
    snprintf(line, sizeof line, "%c!%04X: Line %d, Col %d\n", p->upload, (unsigned)e->code, e->line,
             e->column);
    answer(p, line);
    p->upload = 0;
    ms_script_free(p->script);
    p->script = NULL;
    go_deaf(p, p->c.swallow);
}

static void upload_line(struct pstat_ms *p, const char *line, size_t n)
{
    struct ms_error e = {0};
    if (n > 0) {
        if (!ms_script_line(p->script, line, n, &e))
            reject_upload(p, &e);
        return;
    }
    if (!ms_script_end(p->script, &e)) {
        reject_upload(p, &e);
        return;
    }
    char letter = p->upload;
    p->upload = 0;
    answer(p, letter == 'e' ? "e\n" : "l\n");
    if (letter == 'e')
        ms_run_start(&p->run, p->script);
}

/* --- commands ------------------------------------------------------------------------------------------ */

static void say_what(struct pstat_ms *p, char letter)
{
    struct buf b = {0};
    if (letter == 't')
        buf_printf(&b, "t%s\nR*\n", p->c.firmware);
    else if (letter == 'i')
        buf_printf(&b, "i%s\n", p->c.serial);
    else
        buf_str(&b, "v01.08.00\n");
    answer(p, b.p);
    buf_free(&b);
}

static void read_register(struct pstat_ms *p, const char *line, size_t n)
{
    if (n == 3 && isxdigit((unsigned char)line[1]) && isxdigit((unsigned char)line[2]))
        answer(p, "G00000000\n");
    else
        refuse(p, 'G', MS_BAD_ARGUMENT);
}

static void run_loaded(struct pstat_ms *p)
{
    if (!p->script || p->refusing) {
        refuse(p, 'r', p->refusing ? MS_WRONG_STATE : MS_NO_SCRIPT);
        return;
    }
    answer(p, "r\n");
    ms_run_start(&p->run, p->script);
}

static bool is_run_letter(char c)
{
    return c == 'Z' || c == 'Y' || c == 'h' || c == 'H' || c == 'R';
}

static bool is_idle_letter(char c)
{
    return c == 't' || c == 'i' || c == 'v' || c == 'e' || c == 'l' || c == 'r' || c == 'G' || c == 'L';
}

static void idle_command(struct pstat_ms *p, const char *line, size_t n)
{
    char c = line[0];
    if (c == 'G') {
        read_register(p, line, n);
    } else if (n == 5 && memcmp(line, "Lmscr", 5) == 0) {
        refuse(p, 'L', MS_NO_SCRIPT); /* nothing in flash */
    } else if (n == 1 && (c == 't' || c == 'i' || c == 'v')) {
        say_what(p, c);
    } else if (n == 1 && (c == 'e' || c == 'l')) {
        begin_upload(p, c);
    } else if (n == 1 && c == 'r') {
        run_loaded(p);
    } else {
        refuse(p, c, n == 1 && is_run_letter(c) ? MS_WRONG_STATE : MS_UNKNOWN);
        go_deaf(p, p->c.swallow_refused);
    }
}

static void running_command(struct pstat_ms *p, const char *line, size_t n)
{
    char c = line[0];
    if (n != 1 || !is_run_letter(c)) {
        refuse(p, c, is_idle_letter(c) ? MS_WRONG_STATE : MS_UNKNOWN);
        return;
    }
    if ((c == 'h' && p->run.halted) || (c == 'H' && !p->run.halted)) {
        refuse(p, c, MS_WRONG_STATE);
        return;
    }
    answer(p, (char[]){c, '\n', 0});
    if (c == 'Z')
        ms_run_abort(&p->run);
    else if (c == 'Y')
        ms_run_end_loop(&p->run);
    else if (c == 'R')
        ms_run_reverse(&p->run);
    else if (c == 'h')
        ms_run_halt(&p->run);
    else
        ms_run_resume(&p->run);
}

static void take_line(struct pstat_ms *p, const char *line, size_t n)
{
    if (p->upload)
        upload_line(p, line, n);
    else if (n == 0)
        return;
    else if (p->run.running)
        running_command(p, line, n);
    else
        idle_command(p, line, n);
}

/* --- input --------------------------------------------------------------------------------------------- */

static void take_turn(void *ctx)
{
    struct pstat_ms *p = ctx;
    size_t used = 0;
    const char *end;
    while (used < p->in.n && (end = memchr(p->in.p + used, '\n', p->in.n - used))) {
        size_t n = (size_t)(end - p->in.p) - used;
        const char *line = p->in.p + used;
        used += n + 1;
        if (n > 0 && line[n - 1] == '\r')
            n--;
        take_line(p, line, n);
        if (!p->in.n)
            return; /* gone deaf */
    }
    buf_drop(&p->in, used);
}

static void receive(void *ctx)
{
    struct pstat_ms *p = ctx;
    char bytes[512];
    size_t n;
    ns_t now = loop_now(p->bench->loop);
    bool lost = p->rebooting || now < p->deaf_until;
    while (p->link && (n = link_read(p->link, bytes, sizeof bytes, NULL)) > 0)
        if (!lost && p->in.n + n <= MAX_INPUT)
            buf_add(&p->in, bytes, n);
    if (p->in.n && !p->turn.slot)
        timer_set(p->bench->loop, &p->turn, now + ns_from_s(p->c.latency), take_turn, p);
}

void pstat_ms_attach(struct pstat_ms *p, struct link *far)
{
    link_close(p->link);
    p->link = p->out.link = far;
    outbox_clear(&p->out);
    buf_clear(&p->in);
    if (far)
        link_on_readable(far, receive, p);
}

/* --- life, faults -------------------------------------------------------------------------------------- */

struct pstat_ms *pstat_ms_new(struct sim_bench *b, const struct pstat_config *c)
{
    struct pstat_ms *p = xcalloc(1, sizeof *p);
    p->bench = b;
    p->c = *c;
    p->limits = (struct ms_limits){.e_low = c->cell.e_low,
                                   .e_high = c->cell.e_high,
                                   .i_max = 1,
                                   .e_step = c->cell.e_step,
                                   .interval = c->interval,
                                   .bytes = (int)c->script_size};
    p->rng = rng_stream(b->seed, "sim.pstat.garble");
    p->out.loop = b->loop;
    ms_cell_init(&p->cell, b, &c->cell);
    p->run = (struct ms_run){.loop = b->loop,
                             .world = b->world,
                             .cell = &p->cell,
                             .limits = &p->limits,
                             .out = {send, p, c->baud, c->buffer},
                             .error_empty_line = c->error_empty_line};
    return p;
}

void pstat_ms_free(struct pstat_ms *p)
{
    if (!p)
        return;
    ms_run_done(&p->run);
    timer_cancel(p->bench->loop, &p->turn);
    outbox_done(&p->out);
    link_close(p->link);
    ms_script_free(p->script);
    buf_free(&p->in);
    free(p);
}

/* Power fails: no word, the script is gone, the cell is open. */
static void reboot(struct pstat_ms *p)
{
    ms_run_kill(&p->run);
    ms_cell_reset(&p->cell);
    ms_script_free(p->script);
    p->script = NULL;
    p->upload = 0;
    buf_clear(&p->in);
    outbox_clear(&p->out);
}

void pstat_ms_fault(struct pstat_ms *p, enum sim_fault f, bool on)
{
    switch (f) {
    case SIM_PSTAT_SILENT:
        p->silent = on;
        return;
    case SIM_PSTAT_SLOW:
        p->out.delay = on ? SLOW : 0;
        return;
    case SIM_PSTAT_LATE:
        p->out.withhold |= on;
        return;
    case SIM_PSTAT_GARBLED:
        p->garbled = on;
        return;
    case SIM_PSTAT_RESET:
        if (on)
            reboot(p);
        p->rebooting = on;
        if (!on)
            send(p, "\x11", 1); /* it may hear now */
        return;
    case SIM_PSTAT_ERROR:
        ms_run_break(&p->run, on ? MS_TIMING_ERROR : 0);
        return;
    case SIM_PSTAT_REFUSING:
        p->refusing = on;
        return;
    case SIM_PSTAT_OVERLOAD:
        p->cell.overload = on;
        return;
    case SIM_PSTAT_UNDERLOAD:
        p->cell.underload = on;
        return;
    case SIM_PSTAT_NOISE:
        p->cell.noise_factor = on ? NOISY : 1;
        return;
    case SIM_PSTAT_SPIKE:
        p->cell.spike = on ? 20e-12 : 0;
        return;
    default:
        return;
    }
}
