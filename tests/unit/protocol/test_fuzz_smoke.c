/* The short form of fuzzing that belongs in every test run: the seeds of all targets and mutations of them,
 * by a printed seed, without libFuzzer. SECCM_TEST_SEED repeats a run; SECCM_TEST_SEEDS makes it longer. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "fuzz/inputs.h"

typedef void target(const uint8_t *bytes, size_t n);

static uint64_t seed;
static uint64_t rounds; /* mutations of each seed input */

static int choose_seed(void **state)
{
    (void)state;
    const char *given = getenv("SECCM_TEST_SEED"), *more = getenv("SECCM_TEST_SEEDS");
    seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 1000003u + (uint64_t)getpid();
    rounds = more ? strtoull(more, NULL, 0) : 3;
    print_message("seed %llu\n", (unsigned long long)seed);
    return 0;
}

/* --- mutations ----------------------------------------------------------------------------------------- */

static const char *const words[] = {
    "nan", "1e308", "-",  "0",      "$cutoff",  "- ",  "{",
    "}",   "[",     "]",  ": ",     "um",       "V/s", "pA",
    "&a ", "*a",    "\n", "format", "\xC2\xB5", "1 M", "99999999999999999999"};

/* Changes a piece of the input somewhere: a byte, a cut, a repeated piece, a foreign word. */
static void mutate_once(struct buf *b, struct rng r, uint64_t round, uint64_t k)
{
    size_t at = rng_below(r, b->n + 1, round, 4 * k + 1), length = rng_below(r, 40, round, 4 * k + 2);
    if (length > b->n - at)
        length = b->n - at;
    struct buf out = {0};
    buf_add(&out, b->p, at);
    switch (rng_below(r, 5, round, 4 * k)) {
    case 0: /* another byte */
        buf_char(&out, (char)rng_below(r, 256, round, 4 * k + 3));
        length = length ? 1 : 0;
        break;
    case 1: /* a piece removed */
        break;
    case 2: /* a piece twice */
        buf_add(&out, b->p + at, length);
        length = 0;
        break;
    case 3: /* a word */
        buf_str(&out, words[rng_below(r, sizeof words / sizeof words[0], round, 4 * k + 3)]);
        break;
    default: /* the end removed */
        length = rng_below(r, 4, round, 4 * k + 3) ? 0 : b->n - at;
        break;
    }
    buf_add(&out, b->p + at + length, b->n - at - length);
    buf_free(b);
    *b = out;
}

/* The input as it is, then mutations of it. A failure aborts and names line and input on stderr. */
static void feed(target *run, const char *name, const struct buf *input)
{
    run((const uint8_t *)input->p, input->n);
    struct rng r = rng_stream(seed, name);
    for (uint64_t round = 0; round < rounds; round++) {
        struct buf b = {0};
        buf_add(&b, input->p, input->n);
        for (uint64_t k = 0; k < 1 + round % 4; k++)
            mutate_once(&b, r, round, k);
        run((const uint8_t *)b.p, b.n);
        buf_free(&b);
    }
}

/* --- seeds --------------------------------------------------------------------------------------------- */

/* Protocols of tests/faulty name their rig from there; they are read as if they stood in examples/. */
static void add_relocated(struct buf *out, const struct buf *text)
{
    const char *at = text->p, *end = text->p + text->n, *hit;
    while ((hit = memmem(at, (size_t)(end - at), "parts/", 6))) {
        buf_add(out, at, (size_t)(hit - at));
        buf_str(out, "../tests/faulty/parts/");
        at = hit + 6;
    }
    buf_add(out, at, (size_t)(end - at));
}

static int feed_folder(target *run, const char *folder)
{
    int n = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *entry; (entry = readdir(d));) {
        const char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ".yaml") != 0)
            continue;
        struct buf path = {0}, text = {0};
        struct err e = ERR_INIT;
        buf_printf(&path, "%s/%s", folder, entry->d_name);
        struct source *s = source_read(path.p, 1 << 22, &e);
        assert_non_null(s);
        add_relocated(&text, &s->bytes);
        feed(run, path.p, &text);
        source_free(s);
        buf_free(&text);
        buf_free(&path);
        n++;
    }
    closedir(d);
    return n;
}

static void protocols(void **state)
{
    (void)state;
    assert_in_range(feed_folder(fuzz_plan, "examples"), 1, 1000);
    assert_in_range(feed_folder(fuzz_plan, "tests/faulty"), 100, 10000);
}

static void rigs(void **state)
{
    (void)state;
    rounds *= 20;
    assert_in_range(feed_folder(fuzz_rig, "instruments"), 2, 1000);
    assert_in_range(feed_folder(fuzz_rig, "tests/faulty/parts"), 5, 1000);
    rounds /= 20;
}

static void waveforms(void **state)
{
    (void)state;
    rounds *= 100;
    for (uint64_t k = 0; k < 10; k++) {
        struct buf input = {0};
        fuzz_waveform_seed(k, &input);
        feed(fuzz_waveform, "waveform", &input);
        buf_free(&input);
    }
    rounds /= 100;
}

static void programs(void **state)
{
    (void)state;
    rounds *= 20;
    for (uint64_t k = 0; k < 40; k++) {
        struct buf input = {0};
        fuzz_program_seed(k, &input);
        feed(fuzz_program, "program", &input);
        buf_free(&input);
    }
    rounds /= 20;
}

static void replies(void **state)
{
    (void)state;
    static const char *const seeds[] = {"Pda7F85F3Fu;ba48D503Dp,10,288;eb8000010m",
                                        "Pda     nan;baFFFFFFF ,12,2ff", "1=+1.25e-3 \n2=-0.5 \n3=7", "-1024",
                                        "e!4001: Line 3, Col 7"};
    rounds *= 2000;
    for (size_t k = 0; k < sizeof seeds / sizeof seeds[0]; k++) {
        struct buf input = {0};
        buf_str(&input, seeds[k]);
        feed(fuzz_replies, seeds[k], &input);
        buf_free(&input);
    }
    rounds /= 2000;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(protocols), cmocka_unit_test(rigs),    cmocka_unit_test(waveforms),
        cmocka_unit_test(programs),  cmocka_unit_test(replies),
    };
    return cmocka_run_group_tests(tests, choose_seed, NULL);
}
