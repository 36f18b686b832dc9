/* What is worth telling, and the two ways of telling it: posix_spawn(3) and libcurl. */
#include "cli/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/log.h"
#include "run/run.h"

/* s */
#define COMMAND_AT_MOST 15
#define URL_AT_MOST     10L
#define CONNECT_AT_MOST 5L
/* From a failure to the second try. */
#define AGAIN_MS 2000

extern char **environ;

struct notify {
    struct notify_options o;
    const char *run, *file;
    bool command_failed, url_failed; /* last time: already warned of */
};

/* --- what is worth telling ---------------------------------------------------------------------------------
 */

static int measured(const struct snapshot_status *now)
{
    return now->by_outcome[OUTCOME_MEASURED];
}

static enum notify_kind tell_end(struct notify_memory *m, const struct snapshot_status *now, char title[64],
                                 char text[400])
{
    m->ended = true;
    snprintf(title, 64, "seccm: %.40s", strcmp(now->state, "fault") == 0 ? "stopped by a fault" : now->state);
    snprintf(text, 400, "%d of %d sites measured%s%.200s. %s", measured(now), now->planned,
             *now->reason ? ": " : "", now->reason,
             now->safe ? "The probe is up and the cell open." : "THE RIG IS NOT VERIFIED SAFE: look at it.");
    return NOTIFY_END;
}

static enum notify_kind tell_event(struct notify_memory *m, const struct snapshot_status *now,
                                   enum notify_event k, const char *what, char title[64], char text[400])
{
    static const struct {
        enum notify_kind kind;
        const char *one, *many;
    } words[NOTIFY_EVENTS] = {{NOTIFY_PROBE, "the probe", "changes of the probe"},
                              {NOTIFY_FAULT, "fault", "faults"},
                              {NOTIFY_RECOVERED, "recovered", "recoveries"}};
    if (m->of[k].untold > 1)
        snprintf(title, 64, "seccm: %d %s", m->of[k].untold, words[k].many);
    else
        snprintf(title, 64, "seccm: %s", words[k].one);
    snprintf(text, 400, "%.250s (%d of %d sites measured; the run %s)", what, measured(now), now->planned,
             strcmp(now->state, RECOVERING) == 0 ? "waits and tries again" : "goes on");
    m->of[k].untold = m->of[k].since = 0;
    return words[k].kind;
}

static enum notify_kind tell_milestone(struct notify_memory *m, const struct snapshot_status *now,
                                       int quarters, char title[64], char text[400])
{
    m->quarters = quarters;
    snprintf(title, 64, "seccm: %d %% done", 25 * quarters);
    snprintf(text, 400, "%d of %d sites done, %d measured; about %.0f min of work left",
             now->planned - now->left, now->planned, measured(now), now->left_s / 60);
    return NOTIFY_MILESTONE;
}

static enum notify_kind choose(struct notify_memory *m, const struct snapshot_status *now,
                               const struct notify_seen seen[NOTIFY_EVENTS], char title[64], char text[400])
{
    int quarters = now->planned > 0 ? 4 * (now->planned - now->left) / now->planned : 0;
    bool paused = strcmp(now->state, "paused by the operator") == 0;
    if (paused != m->paused) {
        m->paused = paused;
        if (!paused)
            return NOTIFY_NONE;
        snprintf(title, 64, "seccm: paused");
        snprintf(text, 400, "Paused by the operator with %d of %d sites measured; it waits.", measured(now),
                 now->planned);
        return NOTIFY_PAUSED;
    }
    for (int k = 0; k < NOTIFY_EVENTS; k++)
        if (m->of[k].untold > 0 && m->of[k].since >= NOTIFY_EVENTS_APART)
            return tell_event(m, now, (enum notify_event)k, seen[k].text, title, text);
    if (quarters > m->quarters && quarters < 4)
        return tell_milestone(m, now, quarters, title, text);
    return NOTIFY_NONE;
}

bool notify_sort(const char *kind, const char *text, enum notify_event *out)
{
    if (strcmp(kind, "health") == 0)
        *out = NOTIFY_OF_PROBE;
    else if (strcmp(kind, "fault") == 0 && strncmp(text, "[tip-", 5) != 0)
        *out = NOTIFY_OF_FAULT;
    else if (strcmp(kind, "recovery") == 0 && strstr(text, RECOVERED))
        *out = NOTIFY_OF_RECOVERY;
    else
        return false;
    return true;
}

enum notify_kind notify_look(struct notify_memory *m, const struct snapshot_status *now,
                             const struct notify_seen seen[NOTIFY_EVENTS], char title[64], char text[400])
{
    if (!m->begun) { /* what an earlier part of the run had reached is no news */
        m->begun = true;
        m->quarters = now->planned > 0 ? 4 * (now->planned - now->left) / now->planned : 0;
        for (int k = 0; k < NOTIFY_EVENTS; k++)
            m->of[k].since = NOTIFY_EVENTS_APART;
        m->since_message = NOTIFY_MESSAGES_APART;
    }
    for (int k = 0; k < NOTIFY_EVENTS; k++) {
        m->of[k].untold += seen[k].n - m->of[k].seen;
        m->of[k].seen = seen[k].n;
        m->of[k].since++;
    }
    m->since_message++;
    if (now->ended)
        return m->ended ? NOTIFY_NONE : tell_end(m, now, title, text);
    if (m->since_message < NOTIFY_MESSAGES_APART)
        return NOTIFY_NONE;
    enum notify_kind kind = choose(m, now, seen, title, text);
    if (kind != NOTIFY_NONE)
        m->since_message = 0;
    return kind;
}

/* --- the message -----------------------------------------------------------------------------------------
 */

static void json_text(struct buf *b, const char *key, const char *value)
{
    buf_printf(b, "\"%s\": ", key);
    buf_json_string(b, value);
    buf_str(b, ", ");
}

static void message(const struct notify *n, enum notify_kind kind, const struct snapshot_status *now,
                    const char *title, const char *text, struct buf *b)
{
    static const char *const kinds[] = {"", "end", "paused", "fault", "probe", "recovered", "milestone"};
    buf_char(b, '{');
    json_text(b, "kind", kinds[kind]);
    json_text(b, "title", title);
    json_text(b, "text", text);
    json_text(b, "run", n->run);
    json_text(b, "file", n->file);
    json_text(b, "state", now->state);
    json_text(b, "utc", now->utc);
    buf_printf(b, "\"safe\": %s, ", now->safe ? "true" : "false");
    buf_printf(b,
               "\"measured\": %d, \"done\": %d, \"planned\": %d, \"time_left\": {\"value\": %.0f, \"unit\": "
               "\"s\"}}\n",
               measured(now), now->planned - now->left, now->planned, now->left_s);
}

/* --- a program ---------------------------------------------------------------------------------------------
 */

/* It starts with nothing of ours but its three streams, in a group of its own, which Ctrl-C does not reach.
 */
static int spawn(const char *command, const char *title, const char *text, int stdin_fd, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    char *argv[] = {xstrdup(command), xstrdup(title), xstrdup(text), NULL};
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, stdin_fd, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    int code = posix_spawnp(pid, command, &files, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    for (int k = 0; k < 3; k++)
        free(argv[k]);
    return code;
}

/* Its exit status; a program that takes too long is killed. */
static int wait_for(pid_t pid)
{
    int status = -1, pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    if (pidfd < 0 || poll(&p, 1, COMMAND_AT_MOST * 1000) == 0)
        kill(-pid, SIGKILL);
    waitpid(pid, &status, 0);
    if (pidfd >= 0)
        close(pidfd);
    return status;
}

static bool run_command(const char *command, const char *title, const char *text, const struct buf *json,
                        struct err *e)
{
    int ends[2];
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_errno(e, ERR_IO, errno, "--notify-command");
    /* A message is much smaller than a pipe: this does not wait. */
    ssize_t written = write(ends[1], json->p, json->n);
    close(ends[1]);
    int code = written == (ssize_t)json->n ? spawn(command, title, text, ends[0], &pid) : EIO;
    close(ends[0]);
    if (code != 0)
        return err_errno(e, ERR_IO, code, "--notify-command %s", command);
    int status = wait_for(pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    return err_set(e, ERR_IO,
                   WIFEXITED(status) ? "--notify-command %s: status %d"
                                     : "--notify-command %s: ended by signal %d",
                   command, WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

/* --- an address --------------------------------------------------------------------------------------------
 */

static size_t swallow(char *bytes, size_t size, size_t n, void *ctx)
{
    (void)bytes;
    (void)ctx;
    return size * n;
}

static bool post(const char *url, const struct buf *json, struct err *e)
{
    char why[CURL_ERROR_SIZE] = "";
    long status = 0;
    CURL *c = curl_easy_init();
    if (!c)
        return err_set(e, ERR_NOMEM, "--notify-url");
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, json->p);
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)json->n);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "seccm/" SECCM_VERSION);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, URL_AT_MOST);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_AT_MOST);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, swallow);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
    CURLcode code = curl_easy_perform(c);
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(c);
    if (code != CURLE_OK) /* the address itself may hold a secret: it is not repeated */
        return err_set(e, ERR_IO, "--notify-url: %s", *why ? why : curl_easy_strerror(code));
    return (status >= 200 && status < 300) ||
           err_set(e, ERR_IO, "--notify-url: answered with status %ld", status);
}

/* The end is worth a second try. */
static bool post_again(const char *url, const struct buf *json, bool again, struct err *e)
{
    if (post(url, json, e))
        return true;
    if (!again)
        return false;
    err_clear(e);
    poll(NULL, 0, AGAIN_MS);
    return post(url, json, e);
}

/* --- life ---------------------------------------------------------------------------------------------- */

/* A path, or a name found in PATH, of a program. */
static bool is_program(const char *command)
{
    const char *path = getenv("PATH");
    if (strchr(command, '/') || !path)
        return access(command, X_OK) == 0;
    for (const char *at = path;; at++) {
        struct buf b = {0};
        size_t n = strcspn(at, ":");
        buf_add(&b, at, n);
        buf_printf(&b, "%s%s", n ? "/" : "", command);
        bool is = access(b.p, X_OK) == 0;
        buf_free(&b);
        at += n;
        if (is || !*at)
            return is;
    }
}

struct notify *notify_start(const struct notify_options *o, const char *run, const char *file, struct err *e)
{
    if (o->command && !is_program(o->command)) {
        err_set(e, ERR_IO, "--notify-command: there is no program `%s`", o->command);
        return NULL;
    }
    if (o->url && strncmp(o->url, "http://", 7) != 0 && strncmp(o->url, "https://", 8) != 0) {
        err_set(e, ERR_USAGE, "--notify-url wants an address that begins with http:// or https://");
        return NULL;
    }
    if (o->url && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        err_set(e, ERR_IO, "--notify-url: libcurl does not start");
        return NULL;
    }
    struct notify *n = xcalloc(1, sizeof *n);
    n->o = *o;
    n->run = run;
    n->file = file;
    return n;
}

static void warn_once(bool ok, bool *failed, const struct err *e)
{
    if (!ok && !*failed)
        log_line(LOG_WARNING, "nobody was told: %s", e->text);
    *failed = !ok;
}

/* Both ways; frees the message. `again`: worth a second try. */
static void send_both(struct notify *n, const char *title, const char *text, struct buf *json, bool again)
{
    struct err e = ERR_INIT;
    if (n->o.command)
        warn_once(run_command(n->o.command, title, text, json, &e), &n->command_failed, &e);
    err_clear(&e);
    if (n->o.url)
        warn_once(post_again(n->o.url, json, again, &e), &n->url_failed, &e);
    buf_free(json);
}

void notify_tell(struct notify *n, enum notify_kind kind, const struct snapshot_status *now,
                 const char *title, const char *text)
{
    struct buf json = {0};
    message(n, kind, now, title, text, &json);
    send_both(n, title, text, &json, kind == NOTIFY_END);
}

void notify_note(struct notify *n, const char *title, const char *text)
{
    struct buf json = {0};
    buf_char(&json, '{');
    json_text(&json, "kind", "queue");
    json_text(&json, "title", title);
    json_text(&json, "text", text);
    json_text(&json, "run", n->run);
    buf_str(&json, "\"file\": ");
    buf_json_string(&json, n->file);
    buf_str(&json, "}\n");
    send_both(n, title, text, &json, true);
}

void notify_free(struct notify *n)
{
    if (n && n->o.url)
        curl_global_cleanup();
    free(n);
}
