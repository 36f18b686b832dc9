/* What the operator wants of a running run: pause after this site, continue, skip this site, stop safely.
 *
 * Any thread may ask; the run thread looks at these flags in the places where it looks at the signals'. Flags
 * only: asking never waits, never moves anything, and never delays the run. The owner frees the slot behind
 * the loop, and only after every thread that may ask has ended. */
#ifndef SECCM_RUN_WISH_H
#define SECCM_RUN_WISH_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/loop.h"

enum wish { WISH_PAUSE, WISH_CONTINUE, WISH_SKIP, WISH_STOP, WISH_COUNT };

/* pause, continue, skip, stop */
const char *wish_name(enum wish w);
/* false if there is no such word. */
bool wish_from_name(const char *name, enum wish *out);

/* Where a wish came from, for the records. */
enum wish_from { WISH_FROM_PAGE, WISH_FROM_SHELL };

struct wishes;

/* `stop` is the signals' flag (NULL = none): a wait for a wish ends by it too. */
struct wishes *wishes_new(struct loop *l, const volatile sig_atomic_t *stop);
void wishes_free(struct wishes *w);

/* --- any thread ---------------------------------------------------------------------------------------- */

/* Takes note of a wish. `site` names the site to be skipped, 0 = the one under way; others ignore it. The
 * answer for the operator goes to text; false if there is nothing to do it to (the site is over, the run is
 * not paused). */
bool wishes_ask(struct wishes *w, enum wish what, int site, enum wish_from from, char *text, size_t n);

struct wishes_state {
    bool pausing;  /* will wait after this site, or waits */
    bool paused;   /* waits now */
    bool stopping; /* on its way to a safe stop */
    int skipping;  /* number of the site that is being skipped, 0 = none */
};
struct wishes_state wishes_state(struct wishes *w);

/* --- the run thread; all take NULL for `nobody asks` ------------------------------------------------------
 */

/* The site under way; 0 = between sites. */
void wishes_site(struct wishes *w, int site);
bool wishes_wants_skip(struct wishes *w, int site);
bool wishes_wants_stop(struct wishes *w);
bool wishes_wants_pause(struct wishes *w);
/* Says that the run waits, or goes on again. */
void wishes_paused(struct wishes *w, bool paused);
/* "from the web page", "from the command line": of the newest wish. */
const char *wishes_from(struct wishes *w);
/* Set whenever a wish or a signal has come; cleared by the waiter. */
struct event *wishes_event(struct wishes *w);

#endif
