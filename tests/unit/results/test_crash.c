/* Crashes: a killed writer loses at most the site in progress, and so does a WAL that is cut anywhere. */
#include "unit/results/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { SITES = 200, ROWS = 150, ROUNDS = 25, CUTS = 200 };

static uint64_t seed;
static struct wave_row rows[ROWS];

/* Child: writes sites as fast as it can and says after each barrier that it is durable. */
static void write_until_killed(const char *path, int say)
{
    struct loop *l = loop_new(LOOP_REAL, 1, NULL);
    struct writer *w = writer_start(results_create(path, test_plan(SITES), 0, NULL), l, NULL);
    for (int site = 1; w && site <= SITES; site++) {
        if (!hand_over_site(w, site, rows, ROWS) || !writer_barrier(w, NULL) || write(say, "+", 1) != 1)
            _exit(2);
        writer_checkpoint(w);
    }
    for (;;)
        pause();
}

/* Reads until `n` sites are said to be durable, n < 0: until the end. */
static int listen_for(int from, int n)
{
    int heard = 0;
    for (char c; heard != n && read(from, &c, 1) == 1;)
        heard++;
    return heard;
}

static void burn(uint64_t turns)
{
    for (volatile uint64_t i = 0; i < turns; i++)
        ;
}

static void killed_writer_loses_at_most_the_site_in_progress(void **state)
{
    (void)state;
    struct rng r = rng_stream(seed, "kill");
    int surplus = 0;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        char *folder = temp_folder(), *path = path_in(folder, "r.seccm");
        int pipe_of[2];
        struct err e = ERR_INIT;
        assert_int_equal(pipe(pipe_of), 0);
        pid_t child = fork();
        if (child == 0)
            write_until_killed(path, pipe_of[1]);
        close(pipe_of[1]);
        int durable = listen_for(pipe_of[0], 1 + (int)rng_below(r, 40, round, 0));
        burn(rng_below(r, 3000000, round, 1));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        durable += listen_for(pipe_of[0], -1); /* said before it died */
        close(pipe_of[0]);

        struct results *in = results_open(path, &e);
        if (!in)
            fail_msg("%s", e.text);
        int found = check_prefix(in, rows, ROWS);
        if (found < durable || found > durable + 1)
            fail_msg("round %d: %d durable, %d found", (int)round, durable, found);
        surplus += found - durable;
        assert_true(results_close(in, &e));

        in = results_open_write(path, &e); /* nobody holds it */
        if (!in)
            fail_msg("%s", e.text);
        assert_true(results_close(in, &e));
        assert_int_equal(folder_count(folder, NULL), 1);
        free(path);
        remove_folder(folder);
    }
    print_message("%d of %d rounds had one site more than was said\n", surplus, ROUNDS);
}

/* Killed while the file is made: it is whole, or there is none and the name is free. */
static void killed_create_leaves_a_whole_file_or_none(void **state)
{
    (void)state;
    struct rng r = rng_stream(seed, "create");
    int whole = 0;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        char *folder = temp_folder(), *path = path_in(folder, "r.seccm");
        int pipe_of[2];
        struct err e = ERR_INIT;
        struct stat st;
        assert_int_equal(pipe(pipe_of), 0);
        pid_t child = fork();
        if (child == 0) {
            if (write(pipe_of[1], "+", 1) != 1)
                _exit(2);
            results_create(path, test_plan(2000), 0, NULL);
            for (;;)
                pause();
        }
        close(pipe_of[1]);
        listen_for(pipe_of[0], 1);
        burn(rng_below(r, 40000000, round, 0));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        close(pipe_of[0]);
        bool there = stat(path, &st) == 0;
        whole += there;
        struct results *in = there ? results_open(path, &e) : results_create(path, test_plan(2000), 0, &e);
        if (!in)
            fail_msg("%s", e.text);
        struct results_sites s;
        assert_true(results_sites(in, &s, &e));
        assert_int_equal(s.n, 2000);
        results_sites_free(&s);
        assert_true(results_close(in, &e));
        free(path);
        remove_folder(folder);
    }
    print_message("%d of %d were whole\n", whole, ROUNDS);
}

static void read_whole(const char *path, const char *suffix, struct buf *out)
{
    struct buf name = {0};
    char block[4096];
    buf_printf(&name, "%s%s", path, suffix);
    FILE *f = fopen(name.p, "rb");
    assert_non_null(f);
    for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;)
        buf_add(out, block, n);
    fclose(f);
    buf_free(&name);
}

static void write_whole(const char *path, const char *suffix, const struct buf *bytes, size_t n)
{
    struct buf name = {0};
    buf_printf(&name, "%s%s", path, suffix);
    FILE *f = fopen(name.p, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes->p, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    buf_free(&name);
}

/* Opens what is left with `n` bytes of the WAL; returns the number of whole sites. */
static int sites_after_cut(const char *path, const struct buf *db, const struct buf *wal, size_t n)
{
    struct err e = ERR_INIT;
    write_whole(path, "", db, db->n);
    write_whole(path, "-wal", wal, n);
    struct results *r = results_open(path, &e);
    if (!r)
        fail_msg("WAL of %zu bytes: %s", n, e.text);
    int found = check_prefix(r, rows, ROWS);
    assert_true(results_close(r, &e));
    return found;
}

static void cut_wal_holds_a_prefix_of_the_sites(void **state)
{
    (void)state;
    enum { N = 12 };
    struct rng r = rng_stream(seed, "cut");
    char *folder = temp_folder(), *path = path_in(folder, "r.seccm"), *copy = path_in(folder, "copy.seccm");
    struct err e = ERR_INIT;
    struct loop *l = loop_new(LOOP_VIRTUAL, 1, NULL);
    struct buf db = {0}, wal = {0};
    struct stat st;
    size_t durable_at[N + 1] = {0};
    struct buf wal_name = {0};
    buf_printf(&wal_name, "%s-wal", path);
    struct writer *w = writer_start(results_create(path, test_plan(N), 0, &e), l, &e);
    assert_non_null(w);
    for (int site = 1; site <= N; site++) {
        assert_true(hand_over_site(w, site, rows, ROWS));
        assert_true(writer_barrier(w, &e));
        assert_int_equal(stat(wal_name.p, &st), 0);
        durable_at[site] = (size_t)st.st_size;
    }
    read_whole(path, "", &db);
    read_whole(path, "-wal", &wal);
    assert_true(writer_stop(w, &e));
    for (uint64_t cut = 0; cut < CUTS; cut++) {
        size_t n = (size_t)rng_below(r, wal.n + 1, cut, 0);
        int expected = 0;
        while (expected < N && durable_at[expected + 1] <= n)
            expected++;
        assert_int_equal(sites_after_cut(copy, &db, &wal, n), expected);
    }
    for (int site = 0; site <= N; site++) { /* the last byte counts */
        assert_int_equal(sites_after_cut(copy, &db, &wal, durable_at[site]), site);
        if (site)
            assert_int_equal(sites_after_cut(copy, &db, &wal, durable_at[site] - 1), site - 1);
    }
    buf_free(&wal_name);
    buf_free(&db);
    buf_free(&wal);
    loop_free(l);
    free(copy);
    free(path);
    remove_folder(folder);
}

int main(void)
{
    seed = test_seed();
    test_rows(rows, ROWS, rng_stream(seed, "rows"), 0, 20, 30);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_writer_loses_at_most_the_site_in_progress),
        cmocka_unit_test(killed_create_leaves_a_whole_file_or_none),
        cmocka_unit_test(cut_wal_holds_a_prefix_of_the_sites),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
