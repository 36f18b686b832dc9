/* Telling people: what is worth a message, programs and web addresses that get it, or do not, and the log and
 * systemd's datagrams beside it. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/log.h"
#include "cli/attendant.h"

static struct plan plan = {.n_sites = 100};

/* --- what is worth telling -------------------------------------------------------------------------------
 */

struct teller {
    struct notify_memory memory;
    struct snapshot_status now;
    struct notify_seen seen[NOTIFY_EVENTS];
    char title[64], text[400];
};

static struct teller new_teller(void)
{
    struct teller t = {.now = {.planned = 100, .left = 100, .safe = true}};
    snprintf(t.now.state, sizeof t.now.state, "running");
    return t;
}

static void happens(struct teller *t, const char *kind, const char *text)
{
    enum notify_event sort;
    assert_true(notify_sort(kind, text, &sort));
    t->seen[sort].n++;
    snprintf(t->seen[sort].text, sizeof t->seen[sort].text, "%s", text);
}

static enum notify_kind look(struct teller *t)
{
    return notify_look(&t->memory, &t->now, t->seen, t->title, t->text);
}

/* Looks until there is a message, at most n times; returns the number of looks, 0 = none. */
static int looks_until(struct teller *t, enum notify_kind kind, int n)
{
    for (int k = 1; k <= n; k++) {
        enum notify_kind got = look(t);
        if (got == kind)
            return k;
        assert_int_equal(got, NOTIFY_NONE);
    }
    return 0;
}

static void quarters_are_told_once(void **state)
{
    (void)state;
    struct teller t = new_teller();
    int told = 0;
    for (int left = 100; left > 0; left--) {
        t.now.left = left;
        t.now.by_outcome[OUTCOME_MEASURED] = 100 - left;
        for (int k = 0; k < 30; k++)
            told += look(&t) == NOTIFY_MILESTONE;
        if (left == 75)
            assert_string_equal(t.title, "seccm: 25 % done");
    }
    assert_int_equal(told, 3);
    assert_string_equal(t.title, "seccm: 75 % done");
    /* a resumed run does not tell of what had been reached before */
    t = new_teller();
    t.now.left = 40;
    assert_int_equal(looks_until(&t, NOTIFY_MILESTONE, 100), 0);
    t.now.left = 25;
    assert_int_equal(looks_until(&t, NOTIFY_MILESTONE, 100), 1);
}

static void the_end_is_always_told_and_once(void **state)
{
    (void)state;
    static const struct {
        const char *state;
        bool safe;
        const char *title, *part;
    } ends[] = {{"finished", true, "seccm: finished", "the cell open"},
                {"paused", true, "seccm: paused", "because"},
                {"interrupted", true, "seccm: interrupted", "because"},
                {"fault", false, "seccm: stopped by a fault", "NOT VERIFIED SAFE"}};
    for (size_t k = 0; k < sizeof ends / sizeof ends[0]; k++) {
        struct teller t = new_teller();
        t.now.left = 75;
        look(&t);
        t.now.left = 50; /* a message a moment ago does not delay it */
        assert_int_equal(look(&t), NOTIFY_MILESTONE);
        snprintf(t.now.state, sizeof t.now.state, "%s", ends[k].state);
        snprintf(t.now.reason, sizeof t.now.reason, "%s", k ? "because" : "");
        t.now.ended = true;
        t.now.safe = ends[k].safe;
        assert_int_equal(look(&t), NOTIFY_END);
        assert_string_equal(t.title, ends[k].title);
        assert_non_null(strstr(t.text, ends[k].part));
        assert_int_equal(looks_until(&t, NOTIFY_END, 100), 0);
    }
    struct teller t = new_teller(); /* over before the first look */
    t.now.ended = true;
    assert_int_equal(look(&t), NOTIFY_END);
}

static void faults_are_rationed(void **state)
{
    (void)state;
    struct teller t = new_teller();
    int told = 0;
    look(&t);
    for (int k = 0; k < 3 * NOTIFY_EVENTS_APART; k++) { /* one a second */
        happens(&t, "fault", "overload");
        told += look(&t) == NOTIFY_FAULT;
        if (k < NOTIFY_EVENTS_APART && told)
            assert_string_equal(t.title, "seccm: fault");
    }
    assert_in_range(told, 2, 3);
    assert_int_equal(strncmp(t.title, "seccm: 6", 8), 0); /* "600 faults": they are counted */
}

/* Whatever the policy of a verdict on the probe is; as a fault it is not told a second time. */
static void the_probe_and_recoveries_are_told(void **state)
{
    (void)state;
    struct teller t = new_teller();
    enum notify_event sort;
    look(&t);
    happens(&t, "fault", "[potentiostat-unplugged] potentiostat: its link is down");
    snprintf(t.now.state, sizeof t.now.state, "recovering");
    assert_int_equal(looks_until(&t, NOTIFY_FAULT, 20), 1);
    assert_non_null(strstr(t.text, "the run waits and tries again"));
    assert_false(notify_sort("recovery", "next try in 2 s: its link is down", &sort));
    assert_false(notify_sort("recovery", "try 1 failed: its link is down", &sort));
    happens(&t, "recovery", "potentiostat-unplugged: the rig is in order again (try 2, 2 altogether)");
    snprintf(t.now.state, sizeof t.now.state, "running");
    assert_int_equal(looks_until(&t, NOTIFY_RECOVERED, 20), NOTIFY_MESSAGES_APART);
    assert_string_equal(t.title, "seccm: recovered");
    assert_non_null(
        strstr(t.text, "in order again (try 2, 2 altogether) (0 of 100 sites measured; the run goes on)"));
    happens(&t, "health", "tip-blocked: contact capacitance fell");
    assert_false(notify_sort("fault", "[tip-blocked] tip-blocked: contact capacitance fell", &sort));
    assert_int_equal(looks_until(&t, NOTIFY_PROBE, 20), NOTIFY_MESSAGES_APART);
    assert_string_equal(t.title, "seccm: the probe");
    /* each is rationed by itself */
    happens(&t, "health", "fine again");
    happens(&t, "health", "tip-broken: contacts lie lower");
    assert_int_equal(looks_until(&t, NOTIFY_PROBE, 2 * NOTIFY_EVENTS_APART), NOTIFY_EVENTS_APART);
    assert_string_equal(t.title, "seccm: 2 changes of the probe");
}

static void pauses(void **state)
{
    (void)state;
    struct teller t = new_teller();
    look(&t);
    snprintf(t.now.state, sizeof t.now.state, "paused by the operator");
    assert_int_equal(looks_until(&t, NOTIFY_PAUSED, 20), 1);
    assert_int_equal(looks_until(&t, NOTIFY_PAUSED, 100), 0);
    snprintf(t.now.state, sizeof t.now.state, "running");
    assert_int_equal(looks_until(&t, NOTIFY_PAUSED, 100), 0);
    snprintf(t.now.state, sizeof t.now.state, "paused by the operator");
    assert_int_equal(looks_until(&t, NOTIFY_PAUSED, 20), 1);
}

/* --- telling ---------------------------------------------------------------------------------------------
 */

struct folder {
    char path[64];
};

static void open_folder(struct folder *f)
{
    snprintf(f->path, sizeof f->path, "/tmp/seccm-notify-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    log_set_level(LOG_ERROR); /* failures are warned of on stderr */
}

static void close_folder(struct folder *f)
{
    struct buf b = {0};
    buf_printf(&b, "rm -r %s", f->path);
    assert_int_equal(system(b.p), 0);
    buf_free(&b);
}

static void path_in(const struct folder *f, const char *name, char *out, size_t n)
{
    snprintf(out, n, "%s/%s", f->path, name);
}

static void write_program(const struct folder *f, const char *name, const char *text)
{
    char path[128];
    path_in(f, name, path, sizeof path);
    FILE *file = fopen(path, "w");
    fprintf(file, "#!/bin/sh\ncd %s\n%s\n", f->path, text);
    fclose(file);
    assert_int_equal(chmod(path, 0755), 0);
}

static void read_text(const struct folder *f, const char *name, char *text, size_t n)
{
    char path[128];
    path_in(f, name, path, sizeof path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, n - 1, file)] = '\0';
    fclose(file);
}

static void a_program_gets_arguments_not_a_shell(void **state)
{
    (void)state;
    struct folder f;
    struct err e = ERR_INIT;
    char path[128], text[2000];
    open_folder(&f);
    /* what it was called with, what it reads, what of ours it still holds open */
    write_program(&f, "tell me", "printf '%s|' \"$#\" \"$@\" >args; cat >json; ls -l /proc/$$/fd >fds");
    path_in(&f, "tell me", path, sizeof path);
    struct notify_options o = {.command = path};
    struct notify *n = notify_start(&o, "a run", "night.seccm", &e);
    assert_non_null(n);
    path_in(&f, "a-serial-line", text, 128);
    FILE *ours = fopen(text, "w"); /* without O_CLOEXEC */
    assert_non_null(ours);
    struct snapshot_status now = {.planned = 10, .left = 3, .safe = true};
    notify_tell(n, NOTIFY_END, &now, "a title; $(touch broken)", "a \"text\" `touch broken` \n&");
    fclose(ours);
    read_text(&f, "args", text, sizeof text);
    assert_string_equal(text, "2|a title; $(touch broken)|a \"text\" `touch broken` \n&|");
    read_text(&f, "json", text, sizeof text);
    assert_non_null(strstr(text, "\"kind\": \"end\""));
    assert_non_null(strstr(text, "\"text\": \"a \\\"text\\\" `touch broken` \\n&\""));
    assert_non_null(strstr(text, "\"file\": \"night.seccm\""));
    assert_non_null(strstr(text, "\"done\": 7"));
    read_text(&f, "fds", text, sizeof text);
    assert_non_null(strstr(text, "/dev/null"));
    assert_null(strstr(text, "a-serial-line"));
    path_in(&f, "broken", path, sizeof path);
    assert_int_not_equal(access(path, F_OK), 0);
    notify_free(n);
    close_folder(&f);
}

static void what_is_wrong_is_said_at_the_start(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    assert_null(notify_start(&(struct notify_options){.command = "/nowhere/at-all"}, "", "", &e));
    assert_int_equal(e.code, ERR_IO);
    assert_null(notify_start(&(struct notify_options){.command = "no-such-program-here"}, "", "", &e));
    assert_null(notify_start(&(struct notify_options){.url = "file:///etc/passwd"}, "", "", &e));
    assert_int_equal(e.code, ERR_USAGE);
    struct notify *n = notify_start(&(struct notify_options){.command = "true"}, "", "", &e);
    assert_non_null(n);
    notify_free(n);
}

struct server {
    int listener, port;
    const char *answer;
    char got[4000];
};

static void *serve_once(void *ctx)
{
    struct server *s = ctx;
    int fd = accept(s->listener, NULL, NULL);
    size_t n = 0;
    ssize_t more;
    while ((more = read(fd, s->got + n, sizeof s->got - 1 - n)) > 0) {
        n += (size_t)more;
        s->got[n] = '\0';
        if (strstr(s->got, "}\n"))
            break;
    }
    send(fd, s->answer, strlen(s->answer), MSG_NOSIGNAL);
    close(fd);
    return NULL;
}

static void open_server(struct server *s, pthread_t *thread)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t n = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&at, n), 0);
    assert_int_equal(listen(s->listener, 1), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &n), 0);
    s->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(thread, NULL, serve_once, s), 0);
}

static void an_address_gets_json(void **state)
{
    (void)state;
    struct server s = {.answer = "HTTP/1.1 204 No Content\r\n\r\n"};
    pthread_t thread;
    struct err e = ERR_INIT;
    char url[64];
    open_server(&s, &thread);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/hook?secret=1", s.port);
    struct notify_options o = {.url = url};
    struct notify *n = notify_start(&o, "a run", "night.seccm", &e);
    assert_non_null(n);
    struct snapshot_status now = {.planned = 4, .left = 2};
    notify_tell(n, NOTIFY_MILESTONE, &now, "seccm: 50 % done", "half");
    pthread_join(thread, NULL);
    close(s.listener);
    assert_int_equal(strncmp(s.got, "POST /hook?secret=1 HTTP/1.1\r\n", 30), 0);
    assert_non_null(strstr(s.got, "Content-Type: application/json"));
    assert_non_null(strstr(s.got, "\"title\": \"seccm: 50 % done\""));
    notify_tell(n, NOTIFY_MILESTONE, &now, "nobody", "listens any more"); /* a warning, no harm */
    notify_free(n);
}

/* --- the attendant: log and systemd -----------------------------------------------------------------------
 */

static void the_attendant_looks_at_the_end(void **state)
{
    (void)state;
    struct folder f;
    struct err e = ERR_INIT;
    char log[128], where[100], text[4000];
    open_folder(&f);
    path_in(&f, "log.jsonl", log, sizeof log);
    path_in(&f, "systemd", where, sizeof where);
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s", where);
    int systemd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(bind(systemd, (struct sockaddr *)&at, sizeof at), 0);
    setenv("NOTIFY_SOCKET", where, 1);
    struct snapshot *s = snapshot_new(&plan);
    plan.site = xcalloc(100, sizeof *plan.site);
    for (int k = 0; k < 100; k++)
        plan.site[k].site = k + 1;
    struct attendant_options o = {.log = log};
    assert_true(attendant_wanted(&o));
    struct attendant *a = attendant_start(&o, "a run", "night.seccm", s, &e);
    assert_non_null(a);
    struct results_event ev = {.t_s = 12.5, .utc = "2026-01-01T00:00:12.500Z", .site = 3, .kind = "warning"};
    snprintf(ev.text, sizeof ev.text, "odd \"text\"\n");
    snapshot_put_event(s, &ev);
    snapshot_put_site(s, 3,
                      &(struct snapshot_site){.outcome = OUTCOME_NO_CONTACT,
                                              .attempts = 1,
                                              .reason = "none",
                                              .utc = "2026-01-01T00:00:13.000Z"});
    struct snapshot_status now = {
        .state = "finished", .utc = "2026-01-01T00:00:14.000Z", .ended = true, .planned = 100, .left = 99};
    snapshot_put_status(s, &now);
    snapshot_publish(s);
    attendant_stop(a); /* the last look tells everything */
    read_text(&f, "log.jsonl", text, sizeof text);
    assert_non_null(
        strstr(text, "{\"utc\": \"2026-01-01T00:00:12.500Z\", \"time\": {\"value\": 12.5, \"unit\": \"s\"}, "
                     "\"kind\": \"warning\", \"site\": 3, \"text\": \"odd \\\"text\\\"\\n\"}\n"));
    assert_non_null(strstr(text, "\"kind\": \"site\", \"site\": 3, \"outcome\": \"no-contact\""));
    assert_non_null(strstr(text, "\"state\": \"finished\""));
    bool ready = false, stopping = false, beat = false;
    for (ssize_t n; (n = recv(systemd, text, sizeof text - 1, MSG_DONTWAIT)) > 0;) {
        text[n] = '\0';
        ready = ready || strstr(text, "READY=1\n");
        beat = beat || strstr(text, "WATCHDOG=1\n");
        stopping = stopping || !strcmp(text, "STOPPING=1\n");
    }
    assert_true(ready && stopping && beat);
    unsetenv("NOTIFY_SOCKET");
    close(systemd);
    snapshot_free(s);
    free(plan.site);
    plan.site = NULL;
    close_folder(&f);
}

/* Everything between two looks: each change of state, in the order of time, and how much was too much. */
static void the_log_is_in_the_order_of_time(void **state)
{
    (void)state;
    static const char *const order[] = {"\"state\": \"running\"", "\"kind\": \"warning\"",
                                        "\"kind\": \"site\"",     "\"state\": \"recovering\"",
                                        "\"state\": \"running\"", "\"state\": \"paused\""};
    static const struct {
        double t;
        const char *name;
    } states[] = {{0, "running"}, {10, "recovering"}, {15, "running"}, {20, "paused"}};
    struct folder f;
    struct err e = ERR_INIT;
    char log[128], text[60000];
    open_folder(&f);
    path_in(&f, "log.jsonl", log, sizeof log);
    struct snapshot *s = snapshot_new(&plan);
    plan.site = xcalloc(100, sizeof *plan.site);
    for (size_t k = 0; k < sizeof states / sizeof states[0]; k++) {
        struct snapshot_status now = {
            .time_s = states[k].t, .utc = "2026-01-01T00:00:00.000Z", .planned = 100};
        snprintf(now.state, sizeof now.state, "%s", states[k].name);
        snapshot_put_status(s, &now);
        snapshot_put_state(s, &now);
        if (k == 0)
            snapshot_put_event(s, &(struct results_event){.t_s = 5, .utc = "-", .kind = "warning"});
    }
    snapshot_put_site(s, 3, &(struct snapshot_site){.outcome = OUTCOME_FAULT, .end_s = 10, .utc = "-"});
    snapshot_publish(s);
    struct attendant *a = attendant_start(&(struct attendant_options){.log = log}, "", "night.seccm", s, &e);
    assert_non_null(a);
    attendant_stop(a);
    read_text(&f, "log.jsonl", text, sizeof text);
    const char *at = text;
    for (size_t k = 0; k < sizeof order / sizeof order[0]; k++) {
        at = strstr(at, order[k]);
        assert_non_null(at);
        at++;
    }
    assert_null(strstr(text, "\"kind\": \"lost\""));
    for (int k = 0; k < SNAPSHOT_EVENTS + 50; k++)
        snapshot_put_event(s, &(struct results_event){.t_s = 30 + k, .utc = "-", .kind = "warning"});
    snapshot_publish(s);
    a = attendant_start(&(struct attendant_options){.log = log}, "", "night.seccm", s, &e);
    assert_non_null(a);
    attendant_stop(a);
    read_text(&f, "log.jsonl", text, sizeof text);
    assert_non_null(strstr(text, "\"kind\": \"lost\", \"events\": 55,")); /* 5 of the first part, too */
    snapshot_free(s);
    free(plan.site);
    plan.site = NULL;
    close_folder(&f);
}

/* The next datagrams of the attendant, at most `most`: how many have this line; stops at the first if `one`.
 */
static int lines_in(int systemd, const char *line, int most, bool one)
{
    char text[400];
    int found = 0;
    for (int k = 0; k < most && !(one && found); k++) {
        ssize_t n = recv(systemd, text, sizeof text - 1, 0);
        assert_true(n > 0);
        text[n] = '\0';
        found += strstr(text, line) != NULL;
    }
    return found;
}

/* Each look reports, but only news of the run thread is a sign of life: while it hangs there is none. */
static void the_watchdog_hears_the_run_thread(void **state)
{
    (void)state;
    static const char *const states[] = {"running", "paused by the operator", "recovering"};
    struct folder f;
    struct err e = ERR_INIT;
    char where[100];
    open_folder(&f);
    path_in(&f, "systemd", where, sizeof where);
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s", where);
    int systemd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(bind(systemd, (struct sockaddr *)&at, sizeof at), 0);
    setenv("NOTIFY_SOCKET", where, 1);
    struct snapshot *s = snapshot_new(&plan);
    struct attendant *a =
        attendant_start(&(struct attendant_options){.every_ms = 2}, "a run", "night.seccm", s, &e);
    assert_non_null(a);
    for (size_t k = 0; k < sizeof states / sizeof states[0]; k++) {
        struct snapshot_status now = {.planned = 4, .left = 2};
        snprintf(now.state, sizeof now.state, "%s", states[k]);
        snapshot_put_status(s, &now);
        snapshot_publish(s);
        assert_int_equal(lines_in(systemd, "WATCHDOG=1\n", 1000, true), 1);
        /* Its status and its publication may be seen in two looks. */
        assert_in_range(lines_in(systemd, "WATCHDOG=1\n", 20, false), 0, 1);
        assert_int_equal(lines_in(systemd, "WATCHDOG=1\n", 20, false), 0);
    }
    attendant_stop(a);
    unsetenv("NOTIFY_SOCKET");
    close(systemd);
    snapshot_free(s);
    close_folder(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quarters_are_told_once),
        cmocka_unit_test(the_end_is_always_told_and_once),
        cmocka_unit_test(faults_are_rationed),
        cmocka_unit_test(the_probe_and_recoveries_are_told),
        cmocka_unit_test(pauses),
        cmocka_unit_test(a_program_gets_arguments_not_a_shell),
        cmocka_unit_test(what_is_wrong_is_said_at_the_start),
        cmocka_unit_test(an_address_gets_json),
        cmocka_unit_test(the_attendant_looks_at_the_end),
        cmocka_unit_test(the_log_is_in_the_order_of_time),
        cmocka_unit_test(the_watchdog_hears_the_run_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
