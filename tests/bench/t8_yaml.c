/* T8, a file of 10 000 explicit sites into a tree with marks, and each value into SI, against libyaml alone
 * (events thrown away, and its own document tree) and PyYAML over libyaml. */
#include "bench/bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

#include "base/quantity.h"
#include "base/yaml.h"

#define SITES 10000

static double run_events(void *ctx)
{
    const struct source *s = ctx;
    yaml_parser_t p;
    yaml_event_t ev;
    double start = bench_clock();
    bool more = yaml_parser_initialize(&p), ok = true;
    yaml_parser_set_input_string(&p, (const unsigned char *)s->bytes.p, s->bytes.n);
    while (more && (ok = yaml_parser_parse(&p, &ev))) {
        more = ev.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&ev);
    }
    yaml_parser_delete(&p);
    return ok ? bench_clock() - start : -1;
}

static double run_document(void *ctx)
{
    const struct source *s = ctx;
    yaml_parser_t p;
    yaml_document_t doc;
    double start = bench_clock();
    yaml_parser_initialize(&p);
    yaml_parser_set_input_string(&p, (const unsigned char *)s->bytes.p, s->bytes.n);
    bool ok = yaml_parser_load(&p, &doc);
    if (ok)
        yaml_document_delete(&doc);
    yaml_parser_delete(&p);
    return ok ? bench_clock() - start : -1;
}

static double run_tree(void *ctx)
{
    struct diags *d = diags_new();
    double start = bench_clock();
    struct ytree *t = ytree_parse(ctx, d);
    ytree_free(t);
    double seconds = bench_clock() - start;
    diags_free(d);
    return t ? seconds : -1;
}

/* The tree and the two coordinates of each site. */
static double run_values(void *ctx)
{
    struct diags *d = diags_new();
    struct err e = ERR_INIT;
    double start = bench_clock(), sum = 0;
    struct ytree *t = ytree_parse(ctx, d);
    const struct ynode *sites = t ? ynode_get(ytree_root(t), "sites") : NULL;
    bool ok = sites && ynode_count(sites) == SITES;
    for (int k = 0; ok && k < SITES; k++) {
        double x, y;
        const struct ynode *site = ynode_item(sites, k);
        ok = quantity_parse(ynode_text(ynode_get(site, "x")), DIM_LENGTH, &x, &e) &&
             quantity_parse(ynode_text(ynode_get(site, "y")), DIM_LENGTH, &y, &e);
        sum += ok ? x + y : 0;
    }
    ytree_free(t);
    double seconds = bench_clock() - start;
    diags_free(d);
    return ok && sum > 0 ? seconds : -1;
}

static void write_text(const char *path, const struct buf *text)
{
    FILE *f = fopen(path, "w");
    if (f) {
        fwrite(text->p, 1, text->n, f);
        fclose(f);
    }
}

void bench_t8(struct bench *b)
{
    struct buf text = {0}, path = {0};
    buf_str(&text, "sites:\n");
    for (int k = 0; k < SITES; k++)
        buf_printf(&text, "  - {x: %d.%02d um, y: %d um}\n", k % 100, k % 97, k / 100);
    buf_printf(&path, "%s/sites.yaml", b->folder);
    write_text(path.p, &text);
    struct source *s = source_from_text("sites.yaml", text.p);
    struct peer py;
    bool has = peer_start(&py, "yaml", path.p);
    struct bench_side side[5] = {{.run = run_tree, .ctx = s},
                                 {.run = run_values, .ctx = s},
                                 {.run = run_events, .ctx = s},
                                 {.run = run_document, .ctx = s},
                                 {.run = peer_run, .ctx = &py, .failed = !has}};
    bench_blocks(side, 5);
    bench_begin(b, "T8", "10 000 explicit sites as YAML maps");
    static const char *const name[] = {"ours_tree", "ours_tree_and_values", "libyaml_events",
                                       "libyaml_document"};
    for (int k = 0; k < 4; k++)
        bench_value(b, name[k], 1e3 * bench_seconds(&side[k]), "ms");
    bench_ratio(b, "tree_time_over_libyaml_events", bench_paired(&side[0], &side[2]), "");
    bench_ratio(b, "tree_time_over_libyaml_document", bench_paired(&side[0], &side[3]), "<= 1.5");
    if (has) {
        bench_value(b, "pyyaml_c", 1e3 * bench_seconds(&side[4]), "ms");
        bench_ratio(b, "tree_over_pyyaml_c", bench_paired(&side[4], &side[0]), ">= 15");
        peer_stop(&py);
    } else {
        bench_absent(b, "pyyaml_c", "python3-yaml is not installed (make deps-bench)");
    }
    bench_end(b);
    unlink(path.p);
    source_free(s);
    buf_free(&text);
    buf_free(&path);
}
