/* Designs: balance, reproducibility and difference, over many seeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/design.h"

#define SEEDS 500
#define SITES 100

/* Combinations and blocks of `n` sites without a pattern. */
static void assign(enum design design, uint64_t seed, int n, int combinations, int *combination, int *block)
{
    const struct design_request q = {
        .design = design, .seed = seed, .n_sites = n, .n_combinations = combinations};
    struct err e = ERR_INIT;
    assert_true(design_assign(&q, combination, block, &e));
}

static void count(const int *combination, int n, int *counts)
{
    for (int i = 0; i < n; i++)
        counts[combination[i]]++;
}

static void combinations_differ_by_at_most_one(void **state)
{
    (void)state;
    static const int cases[] = {1, 2, 3, 6, 7, 12, 99, 100};
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        for (size_t c = 0; c < 3 * sizeof cases / sizeof cases[0]; c++) {
            int combination[SITES], block[SITES], counts[SITES] = {0}, n = cases[c / 3];
            assign((enum design)(DESIGN_FULL_FACTORIAL + c % 3), seed, SITES, n, combination, block);
            count(combination, SITES, counts);
            for (int k = 0; k < n; k++)
                if (counts[k] < SITES / n || counts[k] > SITES / n + 1)
                    fail_msg("%s, seed %llu, %d combinations: %d of number %d",
                             design_name((enum design)(DESIGN_FULL_FACTORIAL + c % 3)),
                             (unsigned long long)seed, n, counts[k], k);
        }
}

static void each_block_holds_each_combination_once(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        int combination[SITES], block[SITES];
        assign(DESIGN_RANDOMISED_BLOCKS, seed, SITES, 7, combination, block);
        for (int b = 0; b * 7 < SITES; b++) {
            unsigned seen = 0;
            for (int i = 7 * b; i < 7 * b + 7 && i < SITES; i++) {
                assert_int_equal(block[i], b + 1);
                assert_in_range(combination[i], 0, 6);
                if (seen & (1u << combination[i]))
                    fail_msg("seed %llu: block %d repeats a combination", (unsigned long long)seed, b + 1);
                seen |= 1u << combination[i];
            }
        }
    }
}

static const enum design random_designs[] = {DESIGN_COMPLETELY_RANDOMISED,
                                             DESIGN_RANDOMISED_BLOCKS,
                                             DESIGN_LATIN_SQUARE,
                                             DESIGN_BY_COLUMN,
                                             DESIGN_BY_ROW,
                                             DESIGN_BY_REGION};
#define N_RANDOM (sizeof random_designs / sizeof random_designs[0])

/* A pattern of `rows` x `columns`, every second row backward, in regions of `region` rows. Returns the number
 * of sites. */
static int pattern(int rows, int columns, int region, struct design_place *place)
{
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < columns; c++)
            place[r * columns + c] = (struct design_place){r, r % 2 ? columns - 1 - c : c, r / region};
    return rows * columns;
}

static void the_same_seed_gives_the_same_and_another_another(void **state)
{
    (void)state;
    static int all[SEEDS][20 * 20];
    static struct design_place place[20 * 20];
    int again[20 * 20], block[20 * 20];
    for (size_t k = 0; k < N_RANDOM; k++) {
        struct design_request q = {random_designs[k], 0, true, pattern(20, 20, 5, place), 4, place};
        int equal = 0;
        struct err e = ERR_INIT;
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            q.seed = seed;
            assert_true(design_assign(&q, all[seed], block, &e));
            assert_true(design_assign(&q, again, block, &e));
            assert_memory_equal(again, all[seed], sizeof again);
        }
        for (int a = 0; a < SEEDS; a++)
            for (int b = 0; b < a; b++)
                equal += memcmp(all[a], all[b], sizeof all[a]) == 0;
        /* Four regions can be dealt in 24 ways only. */
        int most = random_designs[k] == DESIGN_BY_REGION ? SEEDS * SEEDS / 24 : 0;
        if (equal > most)
            fail_msg("%s: %d pairs of seeds give the same", design_name(q.design), equal);
    }
}

/* Each combination once in each row and column of each whole square; counts differ by what the corner can
 * hold. */
static void a_latin_square_is_one(void **state)
{
    (void)state;
    static const int shapes[][3] = {{12, 12, 4}, {10, 10, 3}, {7, 9, 5}, {20, 11, 2}, {6, 6, 6}};
    static struct design_place place[400];
    int combination[400], block[400];
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
            int rows = shapes[k][0], columns = shapes[k][1], n = shapes[k][2], grid[20][20], counts[8] = {0};
            struct design_request q = {
                DESIGN_LATIN_SQUARE, seed, false, pattern(rows, columns, rows, place), n, place};
            assert_true(design_assign(&q, combination, block, NULL));
            for (int i = 0; i < q.n_sites; i++)
                grid[place[i].row][place[i].column] = combination[i];
            count(combination, q.n_sites, counts);
            for (int r = 0; r < rows; r++)
                for (int c = 0; c + n <= columns; c += n) {
                    unsigned seen = 0;
                    for (int i = 0; i < n; i++)
                        seen |= 1u << grid[r][c + i];
                    if (seen != (1u << n) - 1)
                        fail_msg("seed %llu, square of %d: row %d is not complete", (unsigned long long)seed,
                                 n, r);
                }
            for (int c = 0; c < columns; c++)
                for (int r = 0; r + n <= rows; r += n) {
                    unsigned seen = 0;
                    for (int i = 0; i < n; i++)
                        seen |= 1u << grid[r + i][c];
                    if (seen != (1u << n) - 1)
                        fail_msg("seed %llu, square of %d: column %d is not complete",
                                 (unsigned long long)seed, n, c);
                }
            int corner = rows % n < columns % n ? rows % n : columns % n, least = 400, most = 0;
            for (int i = 0; i < n; i++) {
                least = counts[i] < least ? counts[i] : least;
                most = counts[i] > most ? counts[i] : most;
            }
            assert_in_range(most - least, 0, corner);
        }
}

/* One combination per column, row or region; runs of as many as there are combinations hold each once. */
static void a_column_row_or_region_has_one_combination(void **state)
{
    (void)state;
    static struct design_place place[400];
    int combination[400], block[400];
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        for (int d = DESIGN_BY_COLUMN; d <= DESIGN_BY_REGION; d++) {
            struct design_request q = {(enum design)d, seed, seed > 0, pattern(15, 8, 5, place), 3, place};
            int of[20], counts[3] = {0}, n = d == DESIGN_BY_COLUMN ? 8 : d == DESIGN_BY_ROW ? 15 : 3;
            memset(of, -1, sizeof of);
            assert_true(design_assign(&q, combination, block, NULL));
            for (int i = 0; i < q.n_sites; i++) {
                int k = d == DESIGN_BY_COLUMN ? place[i].column
                        : d == DESIGN_BY_ROW  ? place[i].row
                                              : place[i].region;
                if (of[k] >= 0 && of[k] != combination[i])
                    fail_msg("%s: number %d has two combinations", design_name(q.design), k);
                of[k] = combination[i];
            }
            count(of, n, counts);
            for (int k = 0; k < 3; k++)
                assert_in_range(counts[k], n / 3, (n + 2) / 3);
            for (int k = 0; k < n && seed == 0; k++)
                assert_int_equal(of[k], k % 3); /* not shuffled: as written */
        }
}

static void a_pattern_too_small_is_refused(void **state)
{
    (void)state;
    struct design_place place[20];
    int combination[20], block[20];
    static const enum design designs[] = {DESIGN_LATIN_SQUARE, DESIGN_BY_COLUMN, DESIGN_BY_ROW,
                                          DESIGN_BY_REGION};
    static const char *const says[] = {"2 rows", "3 columns", "2 rows", "1 region"};
    for (int k = 0; k < 4; k++) {
        struct design_request q = {designs[k], 1, false, pattern(2, 3, 2, place), 4, place};
        struct err e = ERR_INIT;
        assert_false(design_assign(&q, combination, block, &e));
        assert_non_null(strstr(e.text, says[k]));
    }
}

/* Over many seeds every combination is as often at every place: no place favours a level. With 500 draws of
 * probability 1/3 the standard deviation is 10.5; six of them are allowed. */
static void no_place_favours_a_level(void **state)
{
    (void)state;
    static struct design_place place[SITES];
    for (size_t d = 0; d < N_RANDOM - 1; d++) {
        int counts[SITES][3] = {{0}};
        struct design_request q = {random_designs[d], 0, true, pattern(10, 10, 10, place), 3, place};
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            int combination[SITES], block[SITES];
            q.seed = seed;
            assert_true(design_assign(&q, combination, block, NULL));
            for (int i = 0; i < SITES; i++)
                counts[i][combination[i]]++;
        }
        for (int i = 0; i < SITES; i++)
            for (int k = 0; k < 3; k++)
                if (counts[i][k] < 104 || counts[i][k] > 230)
                    fail_msg("%s: place %d has level %d %d times in %d", design_name(q.design), i, k,
                             counts[i][k], SEEDS);
    }
}

/* One fixed plan, so that a change of the generator or of the order of calls does not go unnoticed: resumed
 * runs and old results files depend on it. */
static void seed_one_is_what_it_always_was(void **state)
{
    (void)state;
    static const int expected[12] = {0, 2, 1, 1, 0, 2, 0, 2, 1, 1, 2, 0};
    int combination[12], block[12];
    assign(DESIGN_RANDOMISED_BLOCKS, 1, 12, 3, combination, block);
    assert_memory_equal(combination, expected, sizeof expected);
}

static void without_a_design_nothing_is_assigned(void **state)
{
    (void)state;
    int combination[3] = {9, 9, 9}, block[3] = {9, 9, 9};
    assign(DESIGN_NONE, 1, 3, 1, combination, block);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(combination[i], 0);
        assert_int_equal(block[i], 0);
    }
}

int main(void)
{
    printf("seeds 0 to %d\n", SEEDS - 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(combinations_differ_by_at_most_one),
        cmocka_unit_test(each_block_holds_each_combination_once),
        cmocka_unit_test(the_same_seed_gives_the_same_and_another_another),
        cmocka_unit_test(a_latin_square_is_one),
        cmocka_unit_test(a_column_row_or_region_has_one_combination),
        cmocka_unit_test(a_pattern_too_small_is_refused),
        cmocka_unit_test(no_place_favours_a_level),
        cmocka_unit_test(seed_one_is_what_it_always_was),
        cmocka_unit_test(without_a_design_nothing_is_assigned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
