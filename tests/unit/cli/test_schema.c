/* The schema of rig files knows what may stand in `simulate:`: it takes every rig that is shipped, and judges
 * as the simulator does. (What it says of the rest of a rig is in unit/protocol/test_language.c.) */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/yaml.h"
#include "protocol/language.h"
#include "sim/rig.h"
#include "sim/rig_config.h"
#include "unit/protocol/json_schema.h"

static struct json *schema;

/* As an editor reads it. */
static struct json *to_json(const struct ynode *n)
{
    double number;
    if (ynode_is_null(n))
        return json_new(J_NULL, "null");
    if (ynode_kind(n) == Y_SCALAR) {
        const char *text = ynode_text(n);
        bool logical = !strcmp(text, "true") || !strcmp(text, "false");
        bool counts = number_parse(text, &number);
        return json_new(logical ? J_BOOL : counts ? J_NUMBER : J_STRING, text + (counts && *text == '+'));
    }
    bool map = ynode_kind(n) == Y_MAP;
    struct json *j = json_new(map ? J_OBJECT : J_ARRAY, NULL);
    for (int k = 0; k < ynode_count(n); k++)
        json_add(j, map ? ynode_key(n, k) : NULL, to_json(map ? ynode_value(n, k) : ynode_item(n, k)));
    return j;
}

static bool schema_takes(const struct json *part, const struct ynode *n)
{
    struct json *j = to_json(n);
    bool ok = json_accepts(schema, part, j);
    struct buf text = {0};
    json_write(j, &text);
    if (!ok)
        print_message("refused by the schema: %.300s\n", text.p);
    buf_free(&text);
    json_free(j);
    return ok;
}

static int read_schema(void **state)
{
    struct buf text = {0};
    (void)state;
    language_schema(language_find("rig"), &simulate_fields, &text);
    schema = json_parse(text.p);
    buf_free(&text);
    return schema ? 0 : -1;
}

static int free_schema(void **state)
{
    (void)state;
    json_free(schema);
    return 0;
}

static void the_shipped_schema_is_that_of_this_program(void **state)
{
    (void)state;
    struct buf now = {0};
    struct err e = ERR_INIT;
    struct source *s = source_read("protocols/schema/rig.schema.json", 1u << 22, &e);
    if (!s)
        fail_msg("%s", e.text);
    language_schema(language_find("rig"), &simulate_fields, &now);
    if (now.n != s->bytes.n || memcmp(now.p, s->bytes.p, now.n) != 0)
        fail_msg("it is out of date: make schema");
    buf_free(&now);
    source_free(s);
}

static void rigs_that_are_shipped_are_taken(void **state)
{
    static const char *const where[] = {"instruments/*.yaml", "examples/*/*.yaml", "tests/data/*.yaml",
                                        "tests/data/*/*.yaml"};
    glob_t found;
    int rigs = 0, simulated = 0;
    (void)state;
    for (size_t k = 0; k < sizeof where / sizeof where[0]; k++)
        glob(where[k], k ? GLOB_APPEND : 0, NULL, &found);
    for (size_t k = 0; k < found.gl_pathc; k++) {
        struct err e = ERR_INIT;
        struct diags *d = diags_new();
        struct source *s = source_read(found.gl_pathv[k], 1u << 22, &e);
        struct ytree *t = s ? ytree_parse(s, d) : NULL;
        const struct ynode *root = t ? ytree_root(t) : NULL;
        if (root && ynode_get(root, "stage") && ynode_get(root, "potentiostat")) {
            rigs++;
            simulated += ynode_get(root, "simulate") != NULL;
            if (!schema_takes(schema, root))
                fail_msg("%s is refused", found.gl_pathv[k]);
        }
        ytree_free(t);
        source_free(s);
        diags_free(d);
    }
    globfree(&found);
    print_message("%d rigs, %d of them simulated\n", rigs, simulated);
    assert_true(simulated >= 2);
}

static const struct {
    const char *text;
    bool good;
} cases[] = {
    {"{}", true},
    {"{seed: 3}", true},
    {"{seed: -1}", false},
    {"{seeds: 3}", false},
    {"{stage: {latency: 2 ms, halt: no}}", true},
    {"{stage: {latency: 2}}", false},
    {"{stage: {late: 2 ms}}", false},
    {"{stage: [1]}", false},
    {"{stage: {axes: [{id: 1, world: x}, {id: 2, world: y}, {id: 3, world: z, direction: +1}]}}", true},
    {"{stage: {axes: [{id: 1, world: z}]}}", true},
    {"{stage: {axes: [{id: 1, world: up}]}}", false},
    {"{stage: {axes: [{world: z}]}}", false},
    {"{stage: {axes: []}}", false},
    {"{potentiostat: {wiring: {potential: -1}, noise: 0.2 pA}}", true},
    {"{potentiostat: {wiring: {potential: 2}}}", false},
    {"{potentiostat: {baud: fast}}", false},
    {"{sample: {surface: {particles: {list: [{x: 1 um, y: 2 um, radius: 1 um}]}}}}", true},
    {"{sample: {surface: {particles: {list: {x: 1 um}}}}}", false},
    {"{sample: {surface: {particles: {list: [{x: 1 um, z: 2 um}]}}}}", false},
    {"{sample: {regions: [{x: 0 um, y: 0 um, radius: 5 um, edge-density: 0.2}]}}", true},
    {"{sample: {regions: [{colour: red}]}}", false},
    {"{sample: {surfaces: {}}}", false},
    {"{probe: {meniscus: {height: 200 nm}}}", true},
    {"{probe: {meniscus: {height: 200}}}", false},
    {"{faults: [{kind: stage-silent, at: 10 min, for: 30 s}, {kind: stage-reset, at: 1 h}]}", true},
    {"{faults: [{kind: stage-asleep, at: 10 min}]}", false},
    {"{faults: [{kind: stage-silent}]}", false},
    {"{faults: {kind: stage-silent, at: 1 s}}", false},
};

static void simulator_and_schema_agree(void **state)
{
    const struct json *part = json_get(json_get(schema, "properties"), "simulate");
    struct err e = ERR_INIT;
    (void)state;
    assert_non_null(part);
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct diags *d = diags_new();
        struct loop *l = loop_new(LOOP_VIRTUAL, 1, &e);
        struct source *s = source_from_text("simulate.yaml", cases[k].text);
        struct ytree *t = ytree_parse(s, d);
        assert_non_null(t);
        struct sim_rig *rig = sim_rig_new(l, ytree_root(t), 0, d);
        bool taken = schema_takes(part, ytree_root(t));
        if ((rig != NULL) != cases[k].good || taken != cases[k].good)
            fail_msg("%s: simulator %s, schema %s", cases[k].text, rig ? "yes" : "no", taken ? "yes" : "no");
        sim_rig_free(rig);
        loop_free(l);
        ytree_free(t);
        source_free(s);
        diags_free(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_schema_is_that_of_this_program),
        cmocka_unit_test(rigs_that_are_shipped_are_taken),
        cmocka_unit_test(simulator_and_schema_agree),
    };
    return cmocka_run_group_tests(tests, read_schema, free_schema);
}
