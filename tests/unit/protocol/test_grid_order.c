/* Orders of visits. */
#include "grid_made.h"
#include "protocol/grid_parts.h"

static struct made ordered(const char *order)
{
    char text[300];
    snprintf(text, sizeof text,
             "{shape: rectangle, columns: 6, rows: 6, pitch: 1 um, origin: {x: 0 m, y: 0 m}, spares: 0, "
             "order: %s}",
             order);
    return place(text);
}

/* Every order visits each place once. */
static void an_order_is_a_permutation(void **state)
{
    (void)state;
    static const char *const orders[] = {"serpentine", "raster", "spiral", "nearest",
                                         "random",     "blocks", "given"};
    for (int k = 0; k < 7; k++) {
        struct made m = ordered(orders[k]);
        bool seen[36] = {false};
        assert_int_equal(m.l.n_sites, 36);
        for (int i = 0; i < 36; i++)
            seen[lrint(m.l.point[i].y * 1e6) * 6 + lrint(m.l.point[i].x * 1e6)] = true;
        for (int i = 0; i < 36; i++)
            assert_true(seen[i]);
        drop(&m);
    }
}

/* From the inside: 4, 12 and 20 sites of square rings. */
static void the_spiral_goes_outward(void **state)
{
    (void)state;
    struct made m = ordered("spiral");
    for (int i = 0; i < 36; i++) {
        double ring = fmax(fabs(m.l.point[i].x * 1e6 - 2.5), fabs(m.l.point[i].y * 1e6 - 2.5));
        assert_true(fabs(ring - (i < 4 ? 0.5 : i < 16 ? 1.5 : 2.5)) < 1e-6);
    }
    assert_true(way(&m) < 42e-6);
    drop(&m);
}

static void nearest_takes_the_shortest_way_through_a_lattice(void **state)
{
    (void)state;
    struct made m = ordered("nearest");
    is_at(&m, 0, 0, 0);
    assert_true(fabs(way(&m) - 35e-6) < 1e-9); /* 35 steps of one pitch: no shorter one exists */
    drop(&m);
}

static void random_order_depends_on_the_seed(void **state)
{
    (void)state;
    const char *text =
        "{shape: line, count: 30, pitch: 1 um, origin: {x: 0 m, y: 0 m}, spares: 0, order: random}";
    struct made a = make_used(text, 1, NULL, 0), b = make_used(text, 1, NULL, 0),
                c = make_used(text, 2, NULL, 0);
    int same = 0;
    for (int i = 0; i < 30; i++) {
        assert_true(a.l.point[i].x == b.l.point[i].x);
        same += a.l.point[i].x == c.l.point[i].x;
    }
    assert_true(same < 10);
    drop(&a);
    drop(&b);
    drop(&c);
}

/* Tiles of 3 x 2: each run of six consecutive sites lies in one tile, tiles follow one another. */
static void blocks_are_compact(void **state)
{
    (void)state;
    struct made m = ordered("blocks, tile: {columns: 3, rows: 2}");
    for (int i = 0; i < 36; i++) {
        int tile_x = (int)(m.l.point[i].x * 1e6 + 0.5) / 3, tile_y = (int)(m.l.point[i].y * 1e6 + 0.5) / 2;
        const struct grid_point *first = &m.l.point[i - i % 6];
        assert_int_equal(tile_x, (int)(first->x * 1e6 + 0.5) / 3);
        assert_int_equal(tile_y, (int)(first->y * 1e6 + 0.5) / 2);
    }
    for (int i = 6; i < 36; i += 6)
        assert_true(apart(&m.l.point[i - 1], &m.l.point[i]) < 4e-6);
    drop(&m);
    m = place("{shape: rectangle, columns: 6, rows: 6, pitch: 1 um, origin: {x: 0 m, y: 0 m}, spares: 0, "
              "tile: {columns: 2, "
              "rows: 2}}"); /* `tile` alone means blocks */
    assert_true(apart(&m.l.point[0], &m.l.point[3]) < 1.1e-6);
    drop(&m);
    refused("{shape: line, count: 3, pitch: 1 um, origin: {x: 0 m, y: 0 m}, order: raster, tile: {rows: 2}}",
            "`tile` has a meaning for the order `blocks` only");
}

/* Points without rows are put into bands of one pitch. */
static void a_list_can_be_ordered_in_rows(void **state)
{
    (void)state;
    const char *text = "{shape: points, unit: um, pitch: 2 um, order: %s, points: [[5, 0.3], [0, 0], [3, "
                       "1.1], [4, 2.2], [1, 3], "
                       "[2, 2.1]]}";
    char buffer[300];
    fill(buffer, sizeof buffer, text, "raster", NULL);
    struct made m = place(buffer);
    is_at(&m, 0, 0, 0);
    is_at(&m, 2, 5, 0.3);
    is_at(&m, 3, 1, 3);
    is_at(&m, 5, 4, 2.2);
    drop(&m);
    fill(buffer, sizeof buffer, text, "serpentine", NULL);
    m = place(buffer);
    is_at(&m, 3, 4, 2.2);
    is_at(&m, 5, 1, 3);
    drop(&m);
}

/* --- the way through many points -------------------------------------------------------------------------
 */

#define N          2000
#define ORDER_HASH UINT64_C(0x31C07E69A6CD9717)
static double xy[N][2];

static void random_points(uint64_t seed)
{
    struct rng r = rng_stream(seed, "test");
    printf("seed %d\n", (int)seed);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 2; k++)
            xy[i][k] = grid_round(100e-6 * rng_uniform(r, (uint64_t)i, (uint64_t)k, 0));
}

static double away(int a, int b)
{
    return sqrt((xy[a][0] - xy[b][0]) * (xy[a][0] - xy[b][0]) +
                (xy[a][1] - xy[b][1]) * (xy[a][1] - xy[b][1]));
}

static double edge(const int *order, int i)
{
    return i < 0 || i + 1 >= N ? 0 : away(order[i], order[i + 1]);
}

static void reverse(int *order, int i, int j)
{
    for (; i < j; i++, j--) {
        int kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

/* All pairs, no neighbour lists: turn every stretch round that shortens the way. */
static double reference_2opt(int *order)
{
    double gained = 0;
    for (int i = 1; i < N; i++)
        for (int j = i + 1; j < N; j++) {
            double gain = edge(order, i - 1) + edge(order, j) - away(order[i - 1], order[j]) -
                          (j + 1 < N ? away(order[i], order[j + 1]) : 0);
            if (gain > 1e-12) {
                reverse(order, i, j);
                gained += gain;
            }
        }
    return gained;
}

/* All stretches of up to three to all places, both ways round. */
static double reference_oropt(int *order)
{
    double gained = 0;
    for (int length = 1; length <= 3; length++)
        for (int i = 1; i + length <= N; i++) {
            int a = order[i], b = order[i + length - 1];
            double freed = edge(order, i - 1) + edge(order, i + length - 1) -
                           (i + length < N ? away(order[i - 1], order[i + length]) : 0);
            for (int k = 0; k < N && freed > 1e-12; k++) {
                if (k >= i - 1 && k < i + length)
                    continue;
                int p = order[k], q = k + 1 < N ? order[k + 1] : -1;
                double same = away(p, a) + (q < 0 ? 0 : away(b, q)) - edge(order, k);
                double turned = away(p, b) + (q < 0 ? 0 : away(a, q)) - edge(order, k);
                double gain = freed - fmin(same, turned);
                if (gain < 1e-12)
                    continue;
                int moved[3];
                memcpy(moved, order + i, (size_t)length * sizeof *moved);
                if (turned < same)
                    for (int m = 0; m < length / 2; m++) {
                        int kept = moved[m];
                        moved[m] = moved[length - 1 - m];
                        moved[length - 1 - m] = kept;
                    }
                if (k < i) {
                    memmove(order + k + 1 + length, order + k + 1, (size_t)(i - k - 1) * sizeof *order);
                    memcpy(order + k + 1, moved, (size_t)length * sizeof *order);
                } else {
                    memmove(order + i, order + i + length, (size_t)(k + 1 - i - length) * sizeof *order);
                    memcpy(order + k + 1 - length, moved, (size_t)length * sizeof *order);
                }
                gained += gain;
                break;
            }
        }
    return gained;
}

/* 2-opt and Or-opt over all pairs to exhaustion from several random and the nearest-neighbour start; then the
 * same search as ours ten times as long: the shortest of all. */
static double long_reference(void)
{
    static int order[N];
    double best = INFINITY;
    for (int start = 0; start < 3; start++) {
        for (int i = 0; i < N; i++)
            order[i] = i;
        if (start == 0)
            grid_tour((const double(*)[2])xy, N, 0, 0, order);
        else
            rng_shuffle(rng_stream(5, "test.start"), (uint64_t)start, order, N);
        while (reference_2opt(order) + reference_oropt(order) > 0)
            ;
        double length = grid_tour_length((const double(*)[2])xy, order, N);
        printf("  reference from start %d: %.1f um\n", start, length * 1e6);
        best = fmin(best, length);
    }
    grid_tour((const double(*)[2])xy, N, 0, 10 * 20000, order);
    double length = grid_tour_length((const double(*)[2])xy, order, N);
    printf("  ten times as long: %.1f um\n", length * 1e6);
    return fmin(best, length);
}

static void the_way_is_within_5_percent_of_a_long_reference(void **state)
{
    (void)state;
    struct grid_point *p = xcalloc(N, sizeof *p);
    random_points(11);
    for (int i = 0; i < N; i++)
        p[i] = (struct grid_point){.x = xy[i][0], .y = xy[i][1], .entry = i};
    const struct grid_ordering o = {.order = ORDER_NEAREST, .pitch = 1e-6};
    grid_order_points(p, N, &o);
    static int order[N];
    bool seen[N] = {false};
    for (int i = 0; i < N; i++) {
        order[i] = p[i].entry;
        seen[order[i]] = true;
    }
    for (int i = 0; i < N; i++)
        assert_true(seen[i]);
    uint64_t hash = UINT64_C(0xCBF29CE484222325); /* FNV-1a of the order: the same with every compiler */
    for (int i = 0; i < N; i++)
        hash = (hash ^ (uint64_t)order[i]) * UINT64_C(0x100000001B3);
    if (hash != ORDER_HASH)
        fail_msg("the order has the hash 0x%llX", (unsigned long long)hash);
    double ours = grid_tour_length((const double(*)[2])xy, order, N), best = long_reference();
    printf("  ours: %.1f um, %.2f %% above\n", ours * 1e6, 100 * (ours / best - 1));
    assert_true(ours < 1.05 * best);
    /* The shortest tour through N random points of an area A is about 0.7124 sqrt(N A) (1 + 0.33 / sqrt(N)
     * ...) long (Johnson and McGeoch 1997: 0.7313 at N = 1000, 0.7168 at 10 000): nothing can be far below.
     */
    assert_true(ours > 0.70 * sqrt(N) * 100e-6);
    free(p);
}

static void odd_sets_of_points_have_an_order(void **state)
{
    (void)state;
    static const double same[6][2] = {{1e-6, 1e-6}, {1e-6, 1e-6}, {1e-6, 1e-6},
                                      {1e-6, 1e-6}, {1e-6, 1e-6}, {1e-6, 1e-6}};
    double line[200][2];
    int order[200];
    grid_tour(same, 6, 2, 100, order);
    assert_int_equal(order[0], 2);
    for (int i = 0; i < 200; i++) {
        line[i][0] = 1e-6 * (i * 77 % 200);
        line[i][1] = 0;
    }
    grid_tour((const double(*)[2])line, 200, 0, 1000, order);
    assert_true(fabs(grid_tour_length((const double(*)[2])line, order, 200) - 199e-6) < 1e-12);
    grid_tour((const double(*)[2])line, 1, 0, 1000, order);
    assert_int_equal(order[0], 0);
    grid_tour((const double(*)[2])line, 2, 1, 1000, order);
    assert_int_equal(order[1], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_a_permutation),
        cmocka_unit_test(the_spiral_goes_outward),
        cmocka_unit_test(nearest_takes_the_shortest_way_through_a_lattice),
        cmocka_unit_test(random_order_depends_on_the_seed),
        cmocka_unit_test(blocks_are_compact),
        cmocka_unit_test(a_list_can_be_ordered_in_rows),
        cmocka_unit_test(the_way_is_within_5_percent_of_a_long_reference),
        cmocka_unit_test(odd_sets_of_points_have_an_order),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    quantity_done();
    return failed;
}
