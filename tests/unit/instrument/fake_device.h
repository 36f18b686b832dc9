/* A device at the far end of a memory link that plays a script: hears exactly what the test says it must
 * hear, in that order, and answers what the test says, each answer some time later. Anything else that it
 * hears fails the test. All in virtual time. */
#ifndef SECCM_TEST_FAKE_DEVICE_H
#define SECCM_TEST_FAKE_DEVICE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "wire/dialogue.h"

#define FAKE_MAX 64
/* Hears one whole script, whatever is in it: all up to the first empty line. */
#define FAKE_SCRIPT NULL

struct fake_say {
    int step; /* said after this step was heard */
    const char *text;
    ns_t after;
    struct fake *fake;
    struct timer timer;
};

struct fake {
    struct loop *loop;
    struct link *host, *far;
    struct dialogue *dialogue;
    struct buf heard, script; /* script: the last one heard */
    const char *step[FAKE_MAX];
    int n, next;
    struct fake_say say[FAKE_MAX];
    int says;
};

static void fake_speak(void *ctx)
{
    struct fake_say *s = ctx;
    assert_true(link_write(s->fake->far, s->text, strlen(s->text), NULL));
}

/* Bytes of `heard` that make up the next step; 0 = not complete yet. */
static inline size_t fake_match(struct fake *f)
{
    const char *step = f->step[f->next];
    if (step == FAKE_SCRIPT) {
        const char *end = strstr(f->heard.p, "\n\n");
        return end ? (size_t)(end - f->heard.p) + 2 : 0;
    }
    size_t n = strlen(step), have = f->heard.n < n ? f->heard.n : n;
    if (memcmp(step, f->heard.p, have) != 0)
        fail_msg("step %d: the device heard `%s` instead of `%s`", f->next, f->heard.p, step);
    return have == n ? n : 0;
}

static void fake_hear(void *ctx)
{
    struct fake *f = ctx;
    char text[512];
    size_t n;
    if (!f->far)
        return;
    while ((n = link_read(f->far, text, sizeof(text), NULL)) > 0)
        buf_add(&f->heard, text, n);
    while (f->heard.n > 0) {
        if (f->next == f->n)
            fail_msg("the device heard `%s` after its script was over", f->heard.p);
        n = fake_match(f);
        if (n == 0)
            return;
        if (f->step[f->next] == FAKE_SCRIPT) {
            buf_clear(&f->script);
            buf_add(&f->script, f->heard.p, n);
        }
        buf_drop(&f->heard, n);
        for (int k = 0; k < f->says; k++)
            if (f->say[k].step == f->next)
                timer_set(f->loop, &f->say[k].timer, loop_now(f->loop) + f->say[k].after, fake_speak,
                          &f->say[k]);
        f->next++;
    }
}

static inline void fake_open(struct fake *f)
{
    memset(f, 0, sizeof(*f));
    f->loop = loop_new(LOOP_VIRTUAL, 1, NULL);
    link_memory_pair(f->loop, 0, "fake", &f->host, &f->far);
    f->dialogue = dialogue_new(f->host);
    loop_on_pump(f->loop, fake_hear, f);
}

static inline void fake_hang_up(struct fake *f)
{
    link_close(f->far);
    f->far = NULL;
}

/* The test must have used up the script. */
static inline void fake_close(struct fake *f)
{
    loop_sleep_until(f->loop, loop_now(f->loop) + NS_S); /* whatever is on its way arrives */
    assert_int_equal(f->next, f->n);
    dialogue_free(f->dialogue);
    link_close(f->host);
    if (f->far)
        link_close(f->far);
    buf_free(&f->heard);
    buf_free(&f->script);
    loop_free(f->loop);
}

/* Another answer to the step given last. */
static inline void fake_says(struct fake *f, ns_t after, const char *text)
{
    assert_true(f->says < FAKE_MAX && f->n > 0);
    f->say[f->says++] = (struct fake_say){.step = f->n - 1, .text = text, .after = after, .fake = f};
}

/* Next the device hears `step`, and 1 ms later answers `answer` (NULL = is silent). */
static inline void fake_expects(struct fake *f, const char *step, const char *answer)
{
    assert_true(f->n < FAKE_MAX);
    f->step[f->n++] = step;
    if (answer)
        fake_says(f, NS_MS, answer);
}

#endif
