/* The HTTP server of the live page, on GNU libmicrohttpd. */
#include "cli/web.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/log.h"
#include "base/loop.h"
#include "cli/web_gate.h"
#include "output/assets.h"

/* Connections; with more than CROWDED open, the least recently served is closed for each new one. */
#define CONNECTIONS_MAX 64
#define CROWDED         48
/* s without a byte */
#define IDLE_AT_MOST 10
/* Bytes of a request's line and headers, and of the answer's headers. */
#define HEADERS_AT_MOST 16384
/* The controls need no body; a client may send a little all the same. */
#define BODY_AT_MOST 1024
/* Of the server's thread: the run comes first. */
#define NICENESS 15
/* A page that asked for the status this long ago (s) is still open; it is told of the end for so long. */
#define STILL_OPEN  10.0
#define LINGER_MOST 4.0
#define LINGER_MORE 1.5

struct slot {
    bool used;
    int fd;
    uint64_t served; /* number of the newest request, or of the connection itself */
};

struct web {
    struct MHD_Daemon *daemon;
    struct snapshot *snapshot;
    struct wishes *wishes;
    struct web_head head;
    struct web_address address;
    char token[WEB_TOKEN + 1], own_name[128], url[96];
    char nonce[WEB_TOKEN + 1]; /* in every ETag: another run's pages are not this one's */
    struct loop *clock;
    _Atomic ns_t looked_at; /* on the clock: when the status was asked for last; -1 = never */
    atomic_bool end_seen;   /* ... with the run's end in it */
    /* the server's thread */
    bool nice;
    struct slot slot[CONNECTIONS_MAX + 1];
    uint64_t count;
};

/* --- connections --------------------------------------------------------------------------------------- */

static void close_least_recent(struct web *w, int open)
{
    struct slot *oldest = NULL;
    if (open <= CROWDED)
        return;
    for (int k = 0; k <= CONNECTIONS_MAX; k++)
        if (w->slot[k].used && w->slot[k].fd >= 0 && (!oldest || w->slot[k].served < oldest->served))
            oldest = &w->slot[k];
    if (oldest) {
        shutdown(oldest->fd, SHUT_RDWR); /* libmicrohttpd sees the end and closes it */
        oldest->fd = -1;
    }
}

static void on_connection(void *ctx, struct MHD_Connection *c, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct web *w = ctx;
    struct slot *s = *socket_context;
    if (!w->nice) {
        setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS);
        w->nice = true;
    }
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (s)
            s->used = false;
        return;
    }
    int open = 1;
    for (int k = 0; k <= CONNECTIONS_MAX; k++) {
        open += w->slot[k].used && w->slot[k].fd >= 0;
        if (!w->slot[k].used)
            s = &w->slot[k];
    }
    if (!s)
        return;
    close_least_recent(w, open);
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    *s = (struct slot){.used = true, .fd = info ? info->connect_fd : -1, .served = ++w->count};
    *socket_context = s;
}

static void served(struct web *w, struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct slot *s = info ? info->socket_context : NULL;
    if (s)
        s->served = ++w->count;
}

/* --- answers ------------------------------------------------------------------------------------------- */

/* Nothing from elsewhere, no framing, no guessing of types. */
static const char *const headers[][2] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src "
     "data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cache-Control", "no-cache"},
};

struct answer {
    unsigned status;
    const char *type;
    struct buf body;   /* taken over */
    const char *fixed; /* instead of the body: a text that lives as long as the program */
    char etag[64];     /* "" = none */
    const char *allow; /* methods, with status 405 */
};

static enum MHD_Result send_answer(struct MHD_Connection *c, struct answer *a)
{
    size_t n = a->fixed ? strlen(a->fixed) : a->body.n;
    void *bytes = a->fixed ? (void *)(uintptr_t)a->fixed : a->body.p;
    struct MHD_Response *r =
        MHD_create_response_from_buffer(n, bytes ? bytes : (void *)(uintptr_t) "",
                                        a->fixed || !bytes ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_FREE);
    if (!r) {
        buf_free(&a->body);
        return MHD_NO;
    }
    for (size_t k = 0; k < sizeof headers / sizeof headers[0]; k++)
        MHD_add_response_header(r, headers[k][0], headers[k][1]);
    if (a->type)
        MHD_add_response_header(r, "Content-Type", a->type);
    if (*a->etag)
        MHD_add_response_header(r, "ETag", a->etag);
    if (a->allow)
        MHD_add_response_header(r, "Allow", a->allow);
    enum MHD_Result ok = MHD_queue_response(c, a->status, r);
    MHD_destroy_response(r);
    return ok;
}

#define JSON "application/json"

/* {"ok": ..., "text": "..."} */
static enum MHD_Result say(struct MHD_Connection *c, unsigned status, const char *text)
{
    struct answer a = {.status = status, .type = JSON};
    buf_printf(&a.body, "{\"ok\":%s,\"text\":", status == MHD_HTTP_OK ? "true" : "false");
    buf_json_string(&a.body, text);
    buf_str(&a.body, "}\n");
    return send_answer(c, &a);
}

static const char *header(struct MHD_Connection *c, const char *name)
{
    return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

/* The browser has this already. */
static bool is_known(struct MHD_Connection *c, const char *etag)
{
    const char *known = header(c, "If-None-Match");
    return known && strcmp(known, etag) == 0;
}

/* --- what can be read ---------------------------------------------------------------------------------- */

static const struct asset {
    const char *path, *type, *text;
} assets[] = {
    {"/", "text/html; charset=utf-8", asset_live_html},
    {"/live.css", "text/css; charset=utf-8", asset_live_css},
    {"/live.js", "text/javascript; charset=utf-8", asset_live_js},
    {"/health.js", "text/javascript; charset=utf-8", asset_health_js},
    {"/chart.js", "text/javascript; charset=utf-8", asset_chart_js},
};

static const char *const data_paths[] = {"/status.json", "/sites.json", "/curve.json", "/events.json",
                                         "/health.json"};

static int find_data(const char *path)
{
    for (int k = 0; k < 5; k++)
        if (!strcmp(path, data_paths[k]))
            return k;
    return -1;
}

static uint64_t data_version(struct web *w, int what)
{
    const struct snapshot_versions v = snapshot_versions(w->snapshot);
    const struct wishes_state s = wishes_state(w->wishes);
    uint64_t wish = (uint64_t)s.skipping << 3 | (uint64_t)(s.pausing | s.paused << 1 | s.stopping << 2);
    const uint64_t of[] = {v.status + v.sites + v.curve + v.events + v.health + (wish << 40), v.sites,
                           v.curve, v.events, v.health};
    return of[what];
}

static void look_at_status(struct web *w)
{
    struct snapshot_status now;
    snapshot_status(w->snapshot, &now);
    atomic_store(&w->looked_at, loop_now(w->clock));
    if (now.ended)
        atomic_store(&w->end_seen, true);
}

static enum MHD_Result answer_data(struct web *w, struct MHD_Connection *c, int what)
{
    struct answer a = {.status = MHD_HTTP_OK, .type = JSON};
    const char *since = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "since");
    const char *feature = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "feature");
    /* Asked before the data are read: a version that is too old costs one question more, never a change. */
    snprintf(a.etag, sizeof a.etag, "\"%.8s-%" PRIx64 "\"", w->nonce, data_version(w, what));
    if (what == 0)
        look_at_status(w);
    if (is_known(c, a.etag)) {
        a.status = MHD_HTTP_NOT_MODIFIED;
        a.type = NULL;
        return send_answer(c, &a);
    }
    if (what == 0)
        web_json_status(w->snapshot, w->wishes, &w->head, &a.body);
    else if (what == 2)
        web_json_curve(w->snapshot, &a.body);
    else if (what == 3)
        web_json_events(w->snapshot, &a.body);
    else if (what == 4)
        web_json_health(w->snapshot, &a.body);
    else if (!web_json_sites(w->snapshot, since ? strtoull(since, NULL, 10) : 0, feature, &a.body))
        return say(c, MHD_HTTP_NOT_FOUND, "no such feature");
    return send_answer(c, &a);
}

static enum MHD_Result answer_asset(struct web *w, struct MHD_Connection *c, const struct asset *asset)
{
    struct answer a = {.status = MHD_HTTP_OK, .type = asset->type, .fixed = asset->text};
    snprintf(a.etag, sizeof a.etag, "\"%.8s-%s\"", w->nonce, SECCM_VERSION);
    if (is_known(c, a.etag)) {
        a.status = MHD_HTTP_NOT_MODIFIED;
        a.fixed = "";
    }
    return send_answer(c, &a);
}

static const struct asset *find_asset(const char *path)
{
    for (size_t k = 0; k < sizeof assets / sizeof assets[0]; k++)
        if (!strcmp(path, assets[k].path))
            return &assets[k];
    return NULL;
}

/* --- what can be done ---------------------------------------------------------------------------------- */

/* /pause, /continue, /skip, /stop, and /check, which is WISH_COUNT. */
static bool find_control(const char *path, enum wish *what)
{
    if (!strcmp(path, "/check"))
        *what = WISH_COUNT;
    else if (path[0] != '/' || !wish_from_name(path + 1, what))
        return false;
    return true;
}

static enum MHD_Result answer_control(struct web *w, struct MHD_Connection *c, enum wish what)
{
    char text[160];
    struct snapshot_status now;
    int number = 0; /* the present site */
    const char *site = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "site");
    if (!web_origin_is_ours(header(c, "Host"), header(c, "Origin"), header(c, "Sec-Fetch-Site")))
        return say(c, MHD_HTTP_FORBIDDEN, "this was asked by another page");
    if (!web_token_is_right(w->token, header(c, "X-Seccm-Token")))
        return say(c, MHD_HTTP_FORBIDDEN,
                   "the code is missing or wrong: it was printed when the run was started");
    if (what == WISH_COUNT)
        return say(c, MHD_HTTP_OK, "the code is right");
    if (site && !web_site_read(site, &number))
        return say(c, MHD_HTTP_BAD_REQUEST, "`site` is a number, from 1");
    snapshot_status(w->snapshot, &now);
    if (now.ended)
        return say(c, MHD_HTTP_CONFLICT, "the run has ended");
    bool taken = wishes_ask(w->wishes, what, number, WISH_FROM_PAGE, text, sizeof text);
    return say(c, taken ? MHD_HTTP_OK : MHD_HTTP_CONFLICT, text);
}

/* --- requests ------------------------------------------------------------------------------------------ */

static bool body_is_small(struct MHD_Connection *c)
{
    const char *length = header(c, "Content-Length");
    if (header(c, "Transfer-Encoding"))
        return false;
    return !length || (strlen(length) <= 5 && atoi(length) <= BODY_AT_MOST);
}

static enum MHD_Result dispatch(struct web *w, struct MHD_Connection *c, const char *path, const char *method)
{
    bool reads = !strcmp(method, "GET") || !strcmp(method, "HEAD"), posts = !strcmp(method, "POST");
    const struct asset *asset = find_asset(path);
    int data = find_data(path);
    enum wish what;
    if (find_control(path, &what)) {
        if (posts)
            return answer_control(w, c, what);
    } else if (!asset && data < 0) {
        return say(c, MHD_HTTP_NOT_FOUND, "there is no such page");
    } else if (reads) {
        return asset ? answer_asset(w, c, asset) : answer_data(w, c, data);
    }
    struct answer a = {.status = MHD_HTTP_METHOD_NOT_ALLOWED,
                       .allow = asset || data >= 0 ? "GET, HEAD" : "POST"};
    return send_answer(c, &a);
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *path, const char *method,
                                  const char *version, const char *body, size_t *body_n, void **request)
{
    static int begun;
    struct web *w = ctx;
    (void)version;
    (void)body;
    if (!*request) { /* the headers are there, a body may follow */
        *request = &begun;
        if (!web_host_is_ours(&w->address, w->own_name, header(c, "Host")))
            return say(c, MHD_HTTP_MISDIRECTED_REQUEST, "this machine has another name");
        return body_is_small(c) ? MHD_YES : say(c, MHD_HTTP_CONTENT_TOO_LARGE, "nothing is taken in here");
    }
    if (*body_n > 0) {
        *body_n = 0;
        return MHD_YES;
    }
    served(w, c);
    return dispatch(w, c, path, method);
}

/* --- life ---------------------------------------------------------------------------------------------- */

static int open_socket(const struct web_address *a, struct err *e)
{
    char text[80];
    int one = 1, fd = socket(a->at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t n = a->v6 ? sizeof a->at.v6 : sizeof a->at.v4;
    int port = ntohs(a->v6 ? a->at.v6.sin6_port : a->at.v4.sin_port);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(fd, &a->at.any, n) == 0 && listen(fd, CONNECTIONS_MAX) == 0)
            return fd;
    }
    err_errno(e, ERR_IO, errno, "--serve %s", web_address_text(a, port, text, sizeof text));
    if (fd >= 0)
        close(fd);
    return -1;
}

static int port_of(int fd)
{
    struct web_address a = {0};
    socklen_t n = sizeof a.at;
    if (getsockname(fd, &a.at.any, &n) != 0)
        return 0;
    return ntohs(a.at.any.sa_family == AF_INET6 ? a.at.v6.sin6_port : a.at.v4.sin_port);
}

static bool start_daemon(struct web *w, int fd, struct err *e)
{
    char text[80];
    snprintf(w->url, sizeof w->url, "http://%s/",
             web_address_text(&w->address, port_of(fd), text, sizeof text));
    sigset_t all, before; /* signals are the main thread's */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    w->daemon = MHD_start_daemon(
        MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL, on_request, w, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_AT_MOST, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS_AT_MOST,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, w, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return w->daemon || err_set(e, ERR_IO, "--serve %s: the server does not start", w->url);
}

struct web *web_start(const char *address, struct snapshot *s, struct wishes *wishes,
                      const struct web_head *head, struct err *e)
{
    struct web *w = xcalloc(1, sizeof *w);
    int fd = -1;
    w->snapshot = s;
    w->wishes = wishes;
    w->head = *head;
    atomic_store(&w->looked_at, -1);
    gethostname(w->own_name, sizeof w->own_name - 1);
    if (web_address_parse(address, &w->address, e) && web_token_make(w->token, e) &&
        web_token_make(w->nonce, e) && (w->clock = loop_new(LOOP_REAL, 1, e)) &&
        (fd = open_socket(&w->address, e)) >= 0) {
        if (start_daemon(w, fd, e))
            return w;
        close(fd);
    }
    loop_free(w->clock);
    free(w);
    return NULL;
}

const char *web_url(const struct web *w)
{
    return w->url;
}

const char *web_token(const struct web *w)
{
    return w->token;
}

bool web_is_private(const struct web *w)
{
    return w->address.loopback;
}

void web_linger(struct web *w)
{
    ns_t now = loop_now(w->clock), looked_at = atomic_load(&w->looked_at);
    ns_t until = now + ns_from_s(LINGER_MOST);
    if (looked_at < 0 || now - looked_at > ns_from_s(STILL_OPEN))
        return;
    while ((now = loop_now(w->clock)) < until) {
        ns_t soon = now + ns_from_s(LINGER_MORE); /* another page may be open beside */
        if (atomic_load(&w->end_seen) && soon < until)
            until = soon;
        atomic_store(&w->end_seen, false);
        loop_sleep_until(w->clock, now + 50 * NS_MS);
    }
}

void web_stop(struct web *w)
{
    if (!w)
        return;
    MHD_stop_daemon(w->daemon);
    loop_free(w->clock);
    free(w);
}
