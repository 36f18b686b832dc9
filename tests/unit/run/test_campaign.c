/* The campaign of faults: every class of the matrix, by each way to cause it, at random instants of random
 * phases; then nights with several faults at once. Each night is resumed until it is finished. Whatever
 * breaks, the sample's side must see no harm, every attempt has one outcome, nothing committed is lost or
 * altered, and the rig is stopped and switched off at once when a fault is noticed.
 *
 * SECCM_TEST_INSTANTS chooses how many instants per injector, SECCM_TEST_SEEDS how many nights;
 * SECCM_TEST_INJECTOR only those injectors with this in their name, SECCM_TEST_NIGHT only the one night with
 * several faults of this number (from 0; with SECCM_TEST_SEEDS so many from there on), SECCM_TEST_TELL has
 * each of these nights told. To repeat what a campaign printed: its seed in SECCM_TEST_SEED, and the number
 * of the night, or the name of the injector; a night depends on nothing else, not on how many were asked for.
 */
#include "campaign_night.h"

static const struct night_spec one_row = {.columns = 5, .spares = "4"};
static const struct night_spec two_rows = {.columns = 5, .rows = 2, .spares = "12"};

/* --- what the run made of it --------------------------------------------------------------------------- */

/* The class in brackets that an event begins with. */
static enum fault_class class_in(const char *text)
{
    char name[40];
    return sscanf(text, "[%39[^]]]", name) == 1 ? fault_from_name(name) : FAULT_NONE;
}

/* The attempt's own class, which is what was found when the instruments had been asked. */
static enum fault_class class_of_attempt(const struct night *n, int site, int64_t id)
{
    struct results_attempt a[32];
    int count = site > 0 ? attempts_of(n, site, a, 32) : 0;
    for (int k = 0; k < count; k++)
        if (a[k].id == id)
            return fault_from_name(a[k].fault);
    return FAULT_NONE;
}

static enum fault_class class_told(const struct night *n, const struct results_event *ev)
{
    enum fault_class c = class_of_attempt(n, ev->site, ev->attempt);
    return c != FAULT_NONE ? c : class_in(ev->text);
}

enum noticed { NOT_AT_ALL, WITHOUT_CLASS, AS_CLASS };

static bool is_next_visit(const struct results_event *ev)
{
    return !strcmp(ev->kind, "state") && !strcmp(ev->text, hop_state_name(HOP_UPLOAD));
}

/* What was told behind `at`: the first, or what it turned out to be while the rig was brought back. Without
 * class: an attempt that ended badly, or the run did. */
static enum noticed first_notice(const struct night *n, ns_t at, enum fault_class *c)
{
    struct results_event *ev;
    struct err err = ERR_INIT;
    int count;
    *c = FAULT_NONE;
    assert_true(results_events(n->file, &ev, &count, &err));
    for (int k = 0; k < count && (*c == FAULT_NONE || !is_next_visit(&ev[k])); k++)
        if (ev[k].t_s >= ns_to_s(at) && class_in(ev[k].text) != FAULT_NONE)
            *c = *c == FAULT_NONE ? class_told(n, &ev[k]) : class_in(ev[k].text);
    free(ev);
    if (*c != FAULT_NONE)
        return AS_CLASS;
    for (int site = 1; site <= plan_places(n->plan); site++) {
        struct results_attempt a[32];
        int attempts = attempts_of(n, site, a, 32);
        for (int k = 0; k < attempts; k++)
            if (a[k].outcome != OUTCOME_MEASURED && a[k].end_s >= ns_to_s(at))
                return WITHOUT_CLASS;
    }
    return n->end != RUN_FINISHED || !n->began ? WITHOUT_CLASS : NOT_AT_ALL;
}

/* Anywhere in the night: an event names the class, or an attempt has it. */
static bool is_told(const struct night *n, enum fault_class c)
{
    struct results_event *ev;
    struct err err = ERR_INIT;
    int count;
    bool told = false;
    assert_true(results_events(n->file, &ev, &count, &err));
    for (int k = 0; k < count && !told; k++)
        told = class_in(ev[k].text) == c || class_of_attempt(n, ev[k].site, ev[k].attempt) == c;
    free(ev);
    return told;
}

/* --- tables -------------------------------------------------------------------------------------------- */

struct row {
    int injected, right, other, unclear, unnoticed;
    int itself;    /* nights in which the class was told as itself, first or later */
    int new_probe; /* finished only with another probe */
    int outcome[OUTCOME_COUNT];
    int by_other[FAULT_COUNT];
    int end[RUN_FAULT + 1], not_safe, finished_at_last, resumed, crashed;
    struct reaction reaction;
};

static void add_reaction(struct row *r, const struct reaction *x)
{
    if (!r->reaction.notices)
        r->reaction =
            (struct reaction){.stop = -1, .cut = -1, .open = -1, .up = -1, .up_at_last = -1, .up_again = -1};
    r->reaction.notices += x->notices;
    longer(&r->reaction.stop, x->stop);
    longer(&r->reaction.cut, x->cut);
    longer(&r->reaction.open, x->open);
    longer(&r->reaction.up, x->up);
    r->reaction.deaf += x->deaf;
    longer(&r->reaction.up_at_last, x->up_at_last);
    longer(&r->reaction.up_again, x->up_again);
}

static void add_night(struct row *r, const struct campaign_night *c)
{
    r->end[c->first_end]++;
    r->not_safe += !c->first_safe;
    r->resumed += c->resumed;
    r->crashed += c->n.seen.crashes > 0;
    r->finished_at_last += finished(c);
    r->new_probe += c->n.options.probe != NULL;
    for (int k = 0; k < c->n_committed; k++)
        r->outcome[c->committed[k].outcome]++;
    add_reaction(r, &c->reaction);
}

static void add_row(struct row *to, const struct row *r)
{
    to->injected += r->injected;
    to->itself += r->itself;
    to->new_probe += r->new_probe;
    for (int k = 0; k < OUTCOME_COUNT; k++)
        to->outcome[k] += r->outcome[k];
    to->right += r->right;
    to->other += r->other;
    to->unclear += r->unclear;
    to->unnoticed += r->unnoticed;
    for (int k = 0; k < FAULT_COUNT; k++)
        to->by_other[k] += r->by_other[k];
    for (int k = 0; k <= RUN_FAULT; k++)
        to->end[k] += r->end[k];
    to->not_safe += r->not_safe;
    to->finished_at_last += r->finished_at_last;
    to->crashed += r->crashed;
    add_reaction(to, &r->reaction);
}

static void print_noticed(const char *name, const struct row *r)
{
    struct buf other = {0};
    for (int k = 1; k < FAULT_COUNT; k++)
        if (r->by_other[k])
            buf_printf(&other, "%s%s %d", other.n ? ", " : "", fault_name((enum fault_class)k),
                       r->by_other[k]);
    print_message("%-28s %4d %5d %5d %7d %9d | %4d %6d %5d %8d | %4d %7d | %s\n", name, r->injected, r->right,
                  r->other, r->unclear, r->unnoticed, r->end[RUN_FINISHED],
                  r->end[RUN_PAUSED] + r->end[RUN_ABORTED], r->end[RUN_FAULT], r->not_safe,
                  r->finished_at_last, r->crashed, other.n ? other.p : "");
    buf_free(&other);
}

static void seconds(double s, char text[16])
{
    if (s < 0)
        snprintf(text, 16, "-");
    else
        snprintf(text, 16, "%.3f", s);
}

static void print_reaction(const char *name, const struct reaction *r)
{
    char stop[16], cut[16], open[16], up[16], at_last[16], again[16];
    if (!r->notices)
        return;
    seconds(r->stop, stop);
    seconds(r->cut, cut);
    seconds(r->open, open);
    seconds(r->up, up);
    seconds(r->up_at_last, at_last);
    seconds(r->up_again, again);
    print_message("%-28s %7d %9s %9s %9s %9s | %7d %9s %9s\n", name, r->notices, stop, cut, open, up, r->deaf,
                  at_last, again);
}

/* --- one at a time ------------------------------------------------------------------------------------- */

static void one_fault(const struct phases *p, struct rng r, uint64_t k, uint64_t j, struct row *row)
{
    const struct injector *by = &injectors[k];
    static struct campaign_night c;
    const char *phase;
    enum fault_class told;
    ns_t at = random_instant(p, r, k, j, &phase);
    campaign_open(&c, &one_row);
    campaign_fault(&c, by, at, phase);
    night_run(&c.n);
    enum noticed noticed = first_notice(&c.n, at, &told);
    row->injected++;
    row->unnoticed += noticed == NOT_AT_ALL;
    row->unclear += noticed == WITHOUT_CLASS;
    row->right += noticed == AS_CLASS && told == by->expect;
    row->other += noticed == AS_CLASS && told != by->expect;
    row->by_other[told] += noticed == AS_CLASS && told != by->expect;
    row->itself += is_told(&c.n, by->expect);
    if (getenv("SECCM_TEST_TELL"))
        tell(&c, noticed == NOT_AT_ALL ? "not noticed" : "noticed");
    campaign_finish(&c);
    add_night(row, &c);
    campaign_close(&c);
}

static void noticed_table(const struct row row[], const struct row by_class[])
{
    if (getenv("SECCM_TEST_INJECTOR"))
        for (size_t k = 0; k < INJECTORS; k++)
            if (row[k].injected)
                print_noticed(injectors[k].name, &row[k]);
    print_message("%-28s %4s %5s %5s %7s %9s | %4s %6s %5s %8s | %4s %7s | %s\n", "class", "n", "right",
                  "other", "unclear", "unnoticed", "done", "paused", "fault", "not safe", "last", "crashed",
                  "told as another");
    for (int c = 1; c < FAULT_COUNT; c++)
        if (by_class[c].injected)
            print_noticed(fault_name((enum fault_class)c), &by_class[c]);
    for (size_t k = 0; k < INJECTORS; k++)
        if (injectors[k].how == ELSEWHERE)
            print_message("%-28s %s\n", fault_name(injectors[k].expect), injectors[k].device);
}

/* What became of the attempts, all parts of the nights together. */
static void outcome_table(const struct row by_class[])
{
    print_message("\n%-28s %s\n", "class", "attempts");
    for (int c = 1; c < FAULT_COUNT; c++) {
        struct buf text = {0};
        for (int k = 0; k < OUTCOME_COUNT; k++)
            if (by_class[c].outcome[k])
                buf_printf(&text, "%s%s %d", text.n ? ", " : "", outcome_name((enum outcome)k),
                           by_class[c].outcome[k]);
        if (by_class[c].new_probe)
            buf_printf(&text, "; another probe in %d nights", by_class[c].new_probe);
        if (text.n)
            print_message("%-28s %s\n", fault_name((enum fault_class)c), text.p);
        buf_free(&text);
    }
}

static void reaction_table(const struct row by_class[])
{
    print_message("\n%-28s %7s %9s %9s %9s %9s | stage does not obey: retracted, since it obeys\n",
                  "longest s from notice to", "notices", "stop", "cell off", "open", "retracted");
    for (int c = 1; c < FAULT_COUNT; c++)
        print_reaction(fault_name((enum fault_class)c), &by_class[c].reaction);
    print_message("%-28s %7s %9.3f %9.3f %9.3f %9.3f\n", "must be within", "", WRITTEN_WITHIN, WRITTEN_WITHIN,
                  OPENED_WITHIN, RETRACTED_WITHIN);
}

/* Classes that a night of one row can not show, whatever is injected. */
static const struct {
    enum fault_class class;
    const char *why;
} not_here[] = {
    {FAULT_TIP_BLOCKED, "control charts learn from more sites than a row has"},
    {FAULT_TIP_BROKEN, "control charts learn from more sites than a row has"},
    {FAULT_TIP_WETTING, "control charts learn from more sites than a row has"},
};

/* NULL: it is told as itself. */
static const char *why_not(enum fault_class c)
{
    for (size_t k = 0; k < sizeof not_here / sizeof not_here[0]; k++)
        if (not_here[k].class == c)
            return not_here[k].why;
    return NULL;
}

/* A fault that comes where it changes nothing is not noticed, and one that looks like another is told as
 * that. But each class is told as itself somewhere: instants are drawn until it was. One in five is right for
 * the rarest, so that all of them miss in less than one campaign of 10 000. */
#define DRAWN_AT_MOST 60

static void draw_until_told(const struct phases *p, struct rng r, enum fault_class c, int from,
                            struct row row[])
{
    int itself = 0, injectors_of = 0;
    for (size_t k = 0; k < INJECTORS; k++) {
        bool ours = injectors[k].expect == c && injectors[k].how != ELSEWHERE;
        injectors_of += ours;
        itself += ours ? row[k].itself : 0;
    }
    int drawn = 0;
    for (int j = from; injectors_of > 0 && itself == 0 && drawn < DRAWN_AT_MOST; j++)
        for (uint64_t k = 0; k < INJECTORS && itself == 0; k++)
            if (injectors[k].expect == c && injectors[k].how != ELSEWHERE) {
                one_fault(p, r, k, (uint64_t)j, &row[k]);
                itself += row[k].itself;
                drawn++;
            }
    if (drawn)
        print_message("%s: %d more until it was told as itself%s\n", fault_name(c), drawn,
                      itself ? "" : ", in vain");
    if (injectors_of > 0 && itself == 0)
        fail_msg("%s is never told as itself", fault_name(c));
}

static void every_class_at_random_instants(void **unused)
{
    (void)unused;
    static struct phases p;
    static struct row row[INJECTORS];
    struct rng r = rng_stream(campaign_seed(), "campaign");
    int instants = test_count("SECCM_TEST_INSTANTS", 3);
    const char *only = getenv("SECCM_TEST_INJECTOR");
    learn_phases(&p, &one_row);
    for (uint64_t k = 0; k < INJECTORS; k++)
        for (int j = 0; j < instants && injectors[k].how != ELSEWHERE; j++)
            if (!only || strstr(injectors[k].name, only))
                one_fault(&p, r, k, (uint64_t)j, &row[k]);
    for (int c = 1; c < FAULT_COUNT && !only; c++)
        if (!why_not((enum fault_class)c))
            draw_until_told(&p, r, (enum fault_class)c, instants, row);
        else
            print_message("%s is not told here: %s\n", fault_name((enum fault_class)c),
                          why_not((enum fault_class)c));
    static struct row by_class[FAULT_COUNT];
    for (size_t k = 0; k < INJECTORS; k++)
        if (row[k].injected)
            add_row(&by_class[injectors[k].expect], &row[k]);
    noticed_table(row, by_class);
    outcome_table(by_class);
    reaction_table(by_class);
    for (int c = 1; c < FAULT_COUNT; c++)
        assert_int_equal(by_class[c].unclear, 0); /* whatever is noticed has a class */
}

static void every_class_has_an_injector(void **unused)
{
    (void)unused;
    bool has[FAULT_COUNT] = {false};
    for (size_t k = 0; k < INJECTORS; k++) {
        const struct injector *by = &injectors[k];
        has[by->expect] = true;
        if (by->how == ELSEWHERE && access(by->device, R_OK) != 0)
            fail_msg("%s: there is no %s", by->name, by->device);
    }
    for (int c = FAULT_NONE + 1; c < FAULT_COUNT; c++)
        if (!has[c])
            fail_msg("no injector for %s", fault_name((enum fault_class)c));
}

/* --- several at once ----------------------------------------------------------------------------------- */

static const struct injector *any_injector(struct rng r, uint64_t a, uint64_t b)
{
    for (uint64_t c = 0;; c++) {
        const struct injector *by = &injectors[rng_below(r, INJECTORS, a, 100 * b + c)];
        if (by->how != ELSEWHERE)
            return by;
    }
}

static void nights_with_several_faults(void **unused)
{
    (void)unused;
    static struct phases p;
    static struct campaign_night c;
    static struct row all;
    uint64_t seed = campaign_seed();
    struct rng r = rng_stream(seed, "nights");
    int only = test_count("SECCM_TEST_NIGHT", -1), first = only >= 0 ? only : 0;
    int nights = test_count("SECCM_TEST_SEEDS", only >= 0 ? 1 : 10), sites = 0, measured = 0, slowest = -1;
    double longest = -1;
    learn_phases(&p, &two_rows);
    for (int k = first; k < first + nights; k++) {
        int faults = 2 + (int)rng_below(r, MOST_FAULTS - 1, (uint64_t)k, 0);
        struct night_spec spec = two_rows;
        spec.seed = 1 + rng_below(r, 1000000, (uint64_t)k, 1);
        campaign_open(&c, &spec);
        for (int j = 0; j < faults; j++) {
            const char *phase;
            ns_t at = random_instant(&p, r, (uint64_t)k, 10 + (uint64_t)j, &phase);
            campaign_fault(&c, any_injector(r, (uint64_t)k, 10 + (uint64_t)j), at, phase);
        }
        night_run(&c.n);
        c.number = k;
        if (getenv("SECCM_TEST_TELL"))
            tell(&c, "first part");
        campaign_finish(&c);
        if (getenv("SECCM_TEST_TELL"))
            tell(&c, "at last");
        if (c.reaction.up > longest) {
            longest = c.reaction.up;
            slowest = k;
        }
        all.injected++;
        add_night(&all, &c);
        sites += c.n_committed;
        for (int j = 0; j < c.n_committed; j++)
            measured += c.committed[j].outcome == OUTCOME_MEASURED;
        campaign_close(&c);
    }
    print_message(
        "%d nights with 2 to %d faults: %d attempts, %d measured; in one go %d, paused %d, fault %d; "
        "not verified safe %d; resumed %d times, %d finished at last\n",
        nights, MOST_FAULTS, sites, measured, all.end[RUN_FINISHED],
        all.end[RUN_PAUSED] + all.end[RUN_ABORTED], all.end[RUN_FAULT], all.not_safe, all.resumed,
        all.finished_at_last);
    print_message("longest s from notice to stop, cell off, open, retracted (in night %d, counted from 0) | "
                  "stage does not obey: retracted, since it obeys\n",
                  slowest);
    print_reaction("notices", &all.reaction);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_class_has_an_injector),
        cmocka_unit_test(every_class_at_random_instants),
        cmocka_unit_test(nights_with_several_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
