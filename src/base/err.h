/* Errors that keep their context on the way up.
 *
 * A function that can fail returns bool and takes `struct err *e` last. On failure it fills `e` once
 * with err_set(); each caller that knows more puts it in front with err_context(), so that the text
 * read at the top goes from the general to the particular:
 *     site 17: approach: stage "z": asked `POS? 3`, no answer within 200 ms
 * Out-parameters are written on success only. `e` may be NULL where the caller does not care. */
#ifndef SECCM_BASE_ERR_H
#define SECCM_BASE_ERR_H

#include <stdbool.h>

/* One table: code, name, exit status of the program, whose fault it is. */
#define ERR_TABLE(X)                                                                                         \
    X(NONE, "none", 0)                                                                                       \
    X(USAGE, "usage", 2)           /* the caller's: wrong words on the command line */                       \
    X(INPUT, "input", 1)           /* the file's: protocol, grid, rig, results */                            \
    X(LIMIT, "limit", 1)           /* asked for something outside protocol, rig or instrument limits */      \
    X(SILENT, "silent", 3)         /* the device gave no reply before the deadline */                        \
    X(FRAGMENT, "fragment", 3)     /* the device gave part of a reply */                                     \
    X(MISMATCH, "mismatch", 3)     /* the device gave a reply that is not one to this question */            \
    X(LATE, "late", 3)             /* the device answered an earlier question, or behind the deadline */     \
    X(REFUSED, "refused", 3)       /* the device understood and said no */                                   \
    X(RESET, "reset", 3)           /* the device started anew by itself */                                   \
    X(REPORTED, "reported", 3)     /* the device reports an error of its own, unasked or at work */          \
    X(SERVO, "servo", 3)           /* an axis is not under closed-loop control any more */                   \
    X(OFF_TARGET, "off-target", 3) /* an axis did not arrive where it was sent */                            \
    X(END_STOP, "end-stop", 3)     /* an axis met an end of its travel */                                    \
    X(LINK, "link", 3)             /* the byte link is gone or can not be opened */                          \
    X(IO, "io", 3)                 /* the operating system said no */                                        \
    X(FULL, "full", 3)             /* no space for results */                                                \
    X(SUSPENDED, "suspended", 3)   /* the machine slept, or this program was stopped, in the middle of it */ \
    X(CANCELLED, "cancelled", 130) /* the operator interrupted */                                            \
    X(NOMEM, "memory", 3)          /* out of memory */                                                       \
    X(INTERNAL, "internal", 3)     /* an invariant of the program is broken */

enum err_code {
#define X(id, name, status) ERR_##id,
    ERR_TABLE(X)
#undef X
};

struct err {
    enum err_code code;
    char text[1024];
    char device[16]; /* "stage", "potentiostat": whose fault it is; "" = not a device's or not known */
};

#define ERR_INIT                                                                                             \
    {                                                                                                        \
        ERR_NONE, "", ""                                                                                     \
    }

/* Sets code and text (printf style), device unknown; always returns false, so that `return err_set(...)`
 * reads well. */
bool err_set(struct err *e, enum err_code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Puts "context: " in front of the text; always returns false. Text that no longer fits is cut at the end. */
bool err_context(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* err_set() with ": " and the text of errno `number` behind. */
bool err_errno(struct err *e, enum err_code code, int number, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Says which device's fault it is, unless that is known already; always returns false. */
bool err_device(struct err *e, const char *device);
void err_clear(struct err *e);
const char *err_name(enum err_code code);
/* Exit status of the program for a run that ended with this error. */
int err_exit_status(enum err_code code);

#endif
