/* Faults of a link for tests. They edit the chunk in place: its bytes are already in the receiver's FIFO, so
 * that a link without faults pays one comparison per chunk. */
#include "wire/fault.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "wire/link_impl.h"

static const char *const names[] = {
#define X(id, name) [LINK_FAULT_##id] = name,
    LINK_FAULT_TABLE(X)
#undef X
};

const char *link_fault_name(enum link_fault_kind kind)
{
    return names[kind];
}

static bool acts(const struct link_fault *f, ns_t now)
{
    return now >= f->at && (!f->until || now < f->until);
}

static void shorten(struct chunk *c, size_t n)
{
    if (c->n > n) {
        c->dead += c->n - n;
        c->n = n;
    }
}

void fault_apply(struct link *k, struct chunk *c, char *bytes)
{
    ns_t now = loop_now(k->loop);
    c->altered = true;
    for (int i = 0; i < k->fault_n; i++) {
        struct link_fault *f = &k->faults[i];
        if (!acts(f, now))
            continue;
        switch (f->kind) {
        case LINK_FAULT_SILENCE:
            shorten(c, 0);
            break;
        case LINK_FAULT_CUT:
            shorten(c, f->n);
            break;
        case LINK_FAULT_GARBLE:
            if (f->n < c->n) {
                bytes[f->n] ^= 0x40;
                f->at = NS_NEVER; /* once */
            }
            break;
        case LINK_FAULT_DELAY:
            c->at = now + f->delay;
            break;
        case LINK_FAULT_DEAF:
        case LINK_FAULT_HANGUP:
            break;
        }
    }
}

bool fault_is_deaf(const struct link *k)
{
    for (int i = 0; i < k->fault_n; i++)
        if (k->faults[i].kind == LINK_FAULT_DEAF && acts(&k->faults[i], loop_now(k->loop)))
            return true;
    return false;
}

static void hang_up(void *ctx)
{
    struct link *k = ctx;
    struct err why = ERR_INIT;
    err_set(&why, ERR_LINK, "%s: the far side hung up (injected fault)", k->device);
    link_fail(k, &why);
}

void link_fault(struct link *k, const struct link_fault *f)
{
    assert(k->fault_n < LINK_FAULTS_MAX);
    if (!k->faults)
        k->faults = xcalloc(LINK_FAULTS_MAX, sizeof *k->faults);
    k->faults[k->fault_n++] = *f;
    if (f->kind == LINK_FAULT_HANGUP && (!k->hangup.slot || f->at < k->hangup.at))
        timer_set(k->loop, &k->hangup, f->at, hang_up, k);
}

void link_fault_clear(struct link *k)
{
    free(k->faults);
    k->faults = NULL;
    k->fault_n = 0;
    timer_cancel(k->loop, &k->hangup);
}
