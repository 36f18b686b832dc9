/* Help, schema and parser say the same.
 *
 * A minimal and a maximal document are made from each generated schema; then every value in them is replaced
 * by values of other kinds, every key is taken away, and a key that nobody knows is added. Whatever the
 * schema refuses the parser must refuse too, so that an editor never marks what is right; and what the schema
 * accepts the parser must accept, but for what no schema can say: names, files, and values that must fit one
 * another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <unistd.h>

#include <cmocka.h>

#include "instrument/rig.h"
#include "protocol/grid.h"
#include "protocol/language.h"
#include "protocol/plan.h"
#include "unit/protocol/json_schema.h"

static char folder[64];

static void write_text(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/seccm-language-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    write_text("rig.yaml", language_find("rig")->example);
    write_text("grid.yaml", "grid: 1\nregions:\n"
                            "  - {name: screen, shape: rectangle, columns: 6, rows: 5, pitch: 5 um, "
                            "origin: {x: 10 um, y: 10 um}}\n"
                            "  - {name: reference, shape: line, count: 6, pitch: 5 um, "
                            "origin: {x: 10 um, y: 60 um}}\n");
    write_text("steps.yaml", "seccm: 1\nsteps: [rest: {for: 1 s}]\n");
    write_text("levels.csv", "potential_V\n1\n0.5\n");
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"rig.yaml", "grid.yaml", "levels.csv", "tried.yaml", "steps.yaml"};
    char path[128];
    for (int i = 0; i < 5; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    quantity_done();
    return rmdir(folder);
}

/* --- what the parser says ---------------------------------------------------------------------------------
 */

static bool read_grid(const char *path, struct diags *d)
{
    struct err e = ERR_INIT;
    struct source *s = source_read(path, 1u << 20, &e);
    assert_non_null(s);
    struct ytree *t = ytree_parse(s, d);
    struct grid *g = t ? grid_read(ytree_root(t), d) : NULL;
    bool ok = g != NULL;
    grid_free(g);
    ytree_free(t);
    source_free(s);
    return ok;
}

/* A protocol around a file of steps. */
static const char includes_steps[] =
    "{seccm: 1, name: made, probe: {aperture: 400 nm}, reference: {electrode: Ag, offset: 3.2 V, "
    "uncertainty: 0.05 V}, rig: rig.yaml, grid: grid.yaml, limits: {potential: [0 V, 4 V], current: 5 nA}, "
    "approach: {bias: 2 V, speed: 1 um/s, travel: 12 um, contact: {threshold: 3 pA}}, vary: {factors: {e: "
    "[0.1 V, 0.2 V], n: [1, 2]}}, site: [include: steps.yaml, hold: {name: uses-e, potential: $e, for: 1 s}, "
    "pulse: {name: uses-n, potentials: [1 V], for: 1 s, count: $n}]}";

/* Does the parser accept the text? *why: what it says, the caller's to free. */
static bool parser_accepts(const struct language *l, const char *text, struct buf *why)
{
    char path[128];
    struct diags *d = diags_new();
    struct err e = ERR_INIT;
    bool ok;
    write_text(strcmp(l->name, "steps") == 0 ? "steps.yaml" : "tried.yaml", text);
    if (strcmp(l->name, "steps") == 0)
        write_text("tried.yaml", includes_steps);
    snprintf(path, sizeof path, "%s/tried.yaml", folder);
    if (strcmp(l->name, "protocol") == 0 || strcmp(l->name, "steps") == 0) {
        struct protocol *p = protocol_load(path, NULL, d, &e);
        ok = p != NULL;
        protocol_free(p);
    } else if (strcmp(l->name, "rig") == 0) {
        struct rig_config *r = rig_load(path, d, &e);
        ok = r != NULL;
        rig_config_free(r);
    } else {
        ok = read_grid(path, d);
    }
    diags_print(d, why);
    diags_free(d);
    return ok;
}

/* --- documents from a schema -------------------------------------------------------------------------------
 */

/* Values for places where any value of the right kind would not do. */
static const struct {
    const char *path, *json;
} fitting[] = {
    {"protocol/rig", "\"rig.yaml\""},
    {"protocol/grid", "\"grid.yaml\""},
    {"protocol/probe/barrels", "1"},
    {"protocol/avoid", NULL}, /* results files are not there */
    {"grid*/order", "\"blocks\""},
    {"grid*/unit", "\"um\""},
    {"grid*/file", NULL}, /* with `points` */
    {"grid/tilt/points", "[{\"x\": \"0 um\", \"y\": \"0 um\", \"z\": \"0 um\"}, {\"x\": \"9 um\", \"y\": \"0 "
                         "um\", \"z\": \"0 um\"}, "
                         "{\"x\": \"0 um\", \"y\": \"9 um\", \"z\": \"1 um\"}]"},
    {"grid*/points", "[[1, 2], {\"x\": 5, \"y\": 2, \"region\": \"a\", \"spare\": \"no\"}, [9, 3]]"},
    {"grid*/image/fiducials",
     "[{\"image\": [0, 0], \"stage\": [\"1 um\", \"1 um\"]}, {\"image\": [100, 0], \"stage\": [\"11 um\", "
     "\"1 um\"]}, {\"image\": [0, 90], \"stage\": [\"1 um\", \"10 um\"]}]"},
    {"grid/exclude", "[{\"name\": \"scratch\", \"polygon\": [[\"1 mm\", \"1 mm\"], [\"2 mm\", \"1 mm\"], "
                     "[\"1 mm\", \"2 mm\"]], "
                     "\"margin\": \"0 m\"}, {\"center\": [\"1 mm\", \"1 mm\"], \"radius\": \"1 um\"}]"},
    {"protocol/control/patch", "\"reference\""},
    {"protocol/control/steps", NULL}, /* those of the site */
    {"protocol/control/accept",
     "{\"contact_z\": [\"1 um\", \"2 um\"], \"cv1.q_red@1\": [\"-9 fC\", \"-1 fC\"]}"},
    {"protocol/stop/by", "\"06:30\""},
    {"protocol/stop/when/feature", "\"contact_z\""},
    {"protocol/stop/when/by", "\"e\""},
    {"protocol/stop/when/half-width", "\"5 %\""},
    {"protocol/limits/potential", "[\"-3 V\", \"1 V\"]"},
    {"protocol/landing/ocp", "[\"-1 V\", \"1 V\"]"},
    {"protocol/site/*/name", NULL},          /* left out: names must differ */
    {"protocol/site/*/all/potential", NULL}, /* more than eight conditions */
    {"protocol/site/*/until/potential", "[\"< -0.5 V\", \"> $e\"]"},
    {"protocol/site/*/until/current", "[\"< 1 pA\", \"> 1 nA\"]"},
    {"protocol/site/*/all/current", "\"< 1 pA\""},
    {"protocol/site/*/density", NULL},   /* with `current` */
    {"protocol/site/*/cv/sample", NULL}, /* with `step` */
    {"protocol/site/*/lsv/sample", NULL},
    {"protocol/site/*/cv/rate", "[\"1 V/s\", \"2 V/s\"]"},
    {"protocol/site/*/pulse/currents", NULL}, /* with `potentials` */
    {"protocol/site/*/pulse/for", "\"1 s\""},
    {"protocol/site/*/repeat/until/feature", "\"inner.ocp_mean\""},
    {"protocol/site/*/when/feature", "\"ocp1.ocp_mean\""},
    {"protocol/site/*/above", "\"0.1 V\""},
    {"protocol/site/*/below", "\"0.2 V\""},
    {"protocol/site/*/repeat/steps", "[{\"ocp\": {\"name\": \"inner\", \"for\": \"1 s\"}}]"},
    {"protocol/site/*/when/steps", "[{\"ocp\": {\"for\": \"1 s\"}}, {\"when\": {\"feature\": "
                                   "\"ocp1.ocp_mean\", \"above\": \"1 V\", \"steps\": [{\"rest\": "
                                   "{\"for\": \"1 s\"}}]}}]"},
    {"protocol/site/*/include", "\"steps.yaml\""},
    {"protocol/site/*/use", "{\"step\": \"one\", \"as\": \"other\"}"},
    {"protocol/steps", "{\"one\": {\"ocp\": {\"for\": \"1 s\"}}, \"more\": [{\"use\": \"one\"}]}"},
    {"protocol/site/*/potential", "\"$e\""},
    {"protocol/site/*/cycles", "\"$n\""},
    {"protocol/vary",
     "{\"design\": \"randomised-blocks\", \"along\": \"x\", \"shuffle\": \"no\", \"factors\": {\"e\": [\"0.1 "
     "V\", "
     "\"0.2 V\"], \"n\": [1, 2], \"b\": {\"from\": {\"file\": \"levels.csv\", \"column\": \"potential\"}}}, "
     "\"linked\": [[\"e\", \"n\"]]}"},
    {"protocol/approach/bias", "\"$b\""},
    {"protocol/analysis/sei/window", "[\"0 V\", \"1 V\"]"},
    {"protocol/faults/recover/back-off", "[\"1 s\", \"2 s\"]"},
    {"rig/stage/driver", "\"pi-gcs\""},
    {"rig/stage/link", "\"tcp:rig:5000\""},
    {"rig/stage/axes", "{\"x\": 1, \"y\": 2, \"z\": 3}"},
    {"rig/stage/toward-sample", "-1"},
    {"rig/stage/x", "[\"0 um\", \"100 um\"]"},
    {"rig/stage/y", "[\"0 um\", \"100 um\"]"},
    {"rig/stage/z", "[\"0 um\", \"100 um\"]"},
    {"rig/stage/retracted", "\"100 um\""},
    {"rig/potentiostat/driver", "\"methodscript\""},
    {"rig/potentiostat/model", "\"nexus\""},
    {"rig/potentiostat/link", "\"tcp:rig:5000\""},
    {"rig/simulate", NULL} /* links that are not simulated have none */,
    {"rig/limits/potential", "[\"-3 V\", \"1 V\"]"},
};

/* A pattern's `*` stands for any part between slashes and parts. */
static bool path_fits(const char *path, const char *pattern)
{
    while (*pattern) {
        if (*pattern == '*') {
            for (pattern++; *path; path++)
                if (path_fits(path, pattern))
                    return true;
            return *pattern == '\0';
        }
        if (*path++ != *pattern++)
            return false;
    }
    return *path == '\0';
}

static int fitting_for(const char *path)
{
    for (size_t i = 0; i < sizeof fitting / sizeof fitting[0]; i++)
        if (path_fits(path, fitting[i].path))
            return (int)i;
    return -1;
}

/* What a document is made of. */
struct variant {
    const char *language;
    bool all;               /* every key, not only those that must be there */
    const char *without[8]; /* paths that are left out */
    const char *shape;      /* of the grid */
};

struct maker {
    const struct json *root;
    const struct variant *variant;
};

static struct json *make(const struct maker *m, const struct json *schema, const char *path);

/* The least value: what stands in front of " to " behind the last semicolon of the description. */
static struct json *make_quantity(const struct json *schema, const char *path)
{
    const struct json *text = json_get(schema, "description"), *fallback = json_get(schema, "default");
    char low[64];
    const char *from = text ? strrchr(text->text, ';') : NULL, *to = from ? strstr(from, " to ") : NULL;
    if (fallback)
        return json_new(fallback->kind, fallback->text);
    if (!to)
        fail_msg("%s: no value can be made", path);
    snprintf(low, sizeof low, "%.*s", (int)(to - from - 2), from + 2);
    double plain;
    return json_new(number_parse(low, &plain) ? J_NUMBER : J_STRING, low);
}

static bool left_out(const struct maker *m, const char *path)
{
    for (int i = 0; i < 8 && m->variant->without[i]; i++)
        if (path_fits(path, m->variant->without[i]))
            return true;
    return false;
}

static void make_key(const struct maker *m, struct json *j, const char *key, const struct json *schema,
                     const char *path)
{
    char below[256];
    snprintf(below, sizeof below, "%s/%s", path, key);
    struct json *item = left_out(m, below) ? NULL : make(m, schema, below);
    if (item)
        json_add(j, key, item);
}

static void drop_key(struct json *j, const char *key)
{
    for (int i = 0; i < j->n; i++)
        if (strcmp(j->key[i], key) == 0) {
            json_free(j->item[i]);
            free(j->key[i]);
            j->n--;
            memmove(&j->item[i], &j->item[i + 1], (size_t)(j->n - i) * sizeof *j->item);
            memmove(&j->key[i], &j->key[i + 1], (size_t)(j->n - i) * sizeof *j->key);
            return;
        }
}

/* Adds what the rule that holds needs, and takes away what it does not allow. */
static void obey(const struct maker *m, struct json *j, const struct json *schema, const char *path)
{
    const struct json *all = json_get(schema, "allOf"), *known = json_get(schema, "properties");
    for (int i = 0; all && i < all->n; i++) {
        const struct json *then = json_get(all->item[i], "then");
        if (!json_accepts(m->root, json_get(all->item[i], "if"), j))
            continue;
        const struct json *needed = json_get(then, "required"), *never = json_get(then, "properties");
        for (int k = 0; k < needed->n; k++)
            if (!json_get(j, needed->item[k]->text))
                make_key(m, j, needed->item[k]->text, json_get(known, needed->item[k]->text), path);
        for (int k = 0; k < never->n; k++)
            drop_key(j, never->key[k]);
        return;
    }
}

static struct json *make_object(const struct maker *m, const struct json *schema, const char *path)
{
    const struct json *known = json_get(schema, "properties"), *required = json_get(schema, "required");
    const struct json *any = json_get(schema, "anyOf");
    struct json *j = json_new(J_OBJECT, NULL);
    for (int i = 0; known && i < known->n; i++) {
        bool wanted = m->variant->all;
        for (int k = 0; required && k < required->n; k++)
            wanted = wanted || strcmp(required->item[k]->text, known->key[i]) == 0;
        if (any && json_get(any->item[0], "required"))
            wanted = wanted || strcmp(json_get(any->item[0], "required")->item[0]->text, known->key[i]) == 0;
        if (wanted)
            make_key(m, j, known->key[i], known->item[i], path);
    }
    obey(m, j, schema, path);
    return j;
}

/* Steps stand once in the schema, and are referred to; quantities are made from their description. */
static const struct json *step_of(const struct maker *m, const struct json *schema)
{
    const struct json *ref = schema ? json_get(schema, "$ref") : NULL;
    bool step = ref && strcmp(ref->text, "#/$defs/step") == 0;
    return step ? json_get(json_get(m->root, "$defs"), "step") : schema;
}

/* One item, or one of each key where an item has one key only (the steps of a site). */
static struct json *make_array(const struct maker *m, const struct json *schema, const char *path)
{
    const struct json *items = step_of(m, json_get(schema, "items")), *least = json_get(schema, "minItems");
    struct json *j = json_new(J_ARRAY, NULL);
    char below[256];
    snprintf(below, sizeof below, "%s/0", path);
    if (json_get(items, "maxProperties")) {
        const struct json *kinds = json_get(items, "properties");
        for (int i = 0; i < (m->variant->all ? kinds->n : 1); i++) {
            char kind[300];
            snprintf(kind, sizeof kind, "%s/%s", below, kinds->key[i]);
            struct json *made = make(m, kinds->item[i], kind), *step;
            if (!made)
                continue;
            step = json_new(J_OBJECT, NULL);
            json_add(step, kinds->key[i], made);
            json_add(j, NULL, step);
        }
        return j;
    }
    int n = least ? atoi(least->text) : 1;
    const struct json *ref = json_get(items, "$ref");
    for (int i = 0; i < n; i++)
        json_add(j, NULL, ref ? make_quantity(schema, path) : make(m, items, below));
    return j;
}

static struct json *make(const struct maker *m, const struct json *schema, const char *path)
{
    const struct json *list = json_get(schema, "enum"), *type = json_get(schema, "type"), *fallback;
    int f = fitting_for(path);
    if (m->variant->shape && strcmp(path, "grid/shape") == 0)
        return json_new(J_STRING, m->variant->shape);
    if (f >= 0 && (m->variant->all || !fitting[f].json ||
                   !strchr(fitting[f].json, '$'))) /* nothing varies in a minimal one */
        return fitting[f].json ? json_parse(fitting[f].json) : NULL;
    if (list)
        return json_new(list->item[0]->kind, list->item[0]->text);
    if (json_get(schema, "properties"))
        return make_object(m, schema, path);
    if (json_get(schema, "items"))
        return make_array(m, schema, path);
    if (json_get(schema, "$ref"))
        return make_quantity(schema, path);
    if (json_get(schema, "anyOf"))
        return make(m, json_get(schema, "anyOf")->item[0], path);
    if ((fallback = json_get(schema, "default")))
        return json_new(fallback->kind, fallback->text);
    if (type && type->kind == J_STRING && strcmp(type->text, "integer") == 0)
        return json_new(J_NUMBER, json_get(schema, "minimum") ? json_get(schema, "minimum")->text : "1");
    return json_new(J_STRING, "text");
}

/* --- comparing
 * ---------------------------------------------------------------------------------------------- */

struct trial {
    const struct language *l;
    const struct json *schema;
    struct json *document;
    int tried, refused, bad;
};

/* Where the parser may refuse what the schema accepts: names that must be known, files that must be there,
 * values that must fit others. */
static const char *const beyond_schema[] = {
    "protocol/rig",
    "protocol/grid",
    "protocol/probe/barrels",
    "protocol/vary*",
    "protocol/site*/name",
    "protocol/site*/feature",
    "protocol/site*/above", /* of the dimension of the feature */
    "protocol/site*/below",
    "protocol/site*/include",
    "protocol/site*/use*",
    "protocol/steps*",     /* names that are used */
    "protocol/site*/all*", /* two conditions or more */
    "protocol/site*/cycles" /* the only use of $n */,
    "protocol/avoid*",
    "protocol/control/patch",
    "protocol/control/steps*",
    "protocol/control/accept*",
    "protocol/stop/by",
    "protocol/stop/when*",
    "grid*/exclude*",
    "grid*/fiducials*",
    "grid*/image/mirror",
    "grid*/points*",
    "grid*/unit",
    "grid*/spares", /* of a list: fewer than points */
    "grid*/order",  /* `tile` is for blocks */

    "rig/stage/driver",
    "rig/stage/link",
    "rig/stage/axes*",
    "rig/stage/coarse/axis",
    "rig/potentiostat/driver",
    "rig/potentiostat/model",
    "rig/potentiostat/link",
    NULL,
};

static bool schema_may_be_wider(const char *path)
{
    for (int i = 0; beyond_schema[i]; i++)
        if (path_fits(path, beyond_schema[i]))
            return true;
    return false;
}

/* `wider`: the parser may refuse what the schema accepts. */
static void try_document(struct trial *t, const char *path, const char *what, bool wider)
{
    struct buf text = {0}, why = {0};
    buf_str(&text, "");
    buf_str(&why, "");
    json_write(t->document, &text);
    bool schema = json_accepts(t->schema, t->schema, t->document),
         parser = parser_accepts(t->l, text.p, &why);
    t->tried++;
    t->refused += !parser;
    if (schema != parser && !(schema && wider)) {
        printf("%s %s: the schema %s, the parser %s: %.*s\n", path, what, schema ? "accepts" : "refuses",
               parser ? "accepts" : "refuses", (int)strcspn(why.p, "\n"), why.p);
        t->bad++;
    }
    buf_free(&text);
    buf_free(&why);
}

static void try_values(struct trial *t, struct json **at, const char *path)
{
    static const char *const values[] = {
        "null",    "true",    "7",       "-3", "0.5",       "\"text\"",     "\"$e\"", "\"$ e\"",
        "\"5 q\"", "\"< 5\"", "\"yes\"", "[]", "[1, 2, 3]", "[[\"text\"]]", "{}",     "{\"text\": 1}"};
    struct json *kept = *at;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        *at = json_parse(values[i]);
        assert_non_null(*at);
        /* No schema can tell whether a unit is known or a factor of the right dimension. */
        bool wider = strcmp(values[i], "\"5 q\"") == 0 || strcmp(values[i], "\"$e\"") == 0;
        try_document(t, path, values[i], wider || schema_may_be_wider(path));
        json_free(*at);
    }
    *at = kept;
}

/* What may be left out, but then a factor is without use, a polygon has two corners, and the like. */
static bool left_without_use(const char *path)
{
    static const char *const paths[] = {
        "protocol/site*", "protocol/steps*", "protocol/vary*", "grid*/exclude*",
        "grid*/points*",  "grid*/unit",      "grid*/image*",   NULL};
    for (int i = 0; paths[i]; i++)
        if (path_fits(path, paths[i]))
            return true;
    return false;
}

/* Without item `i`. */
static void try_without(struct trial *t, struct json *j, int i, const char *path)
{
    struct json *item = j->item[i];
    char *key = j->key ? j->key[i] : NULL;
    size_t behind = (size_t)(j->n - i - 1);
    memmove(&j->item[i], &j->item[i + 1], behind * sizeof *j->item);
    if (j->key)
        memmove(&j->key[i], &j->key[i + 1], behind * sizeof *j->key);
    j->n--;
    try_document(t, path, "left out", left_without_use(path));
    memmove(&j->item[i + 1], &j->item[i], behind * sizeof *j->item);
    if (j->key)
        memmove(&j->key[i + 1], &j->key[i], behind * sizeof *j->key);
    j->item[i] = item;
    if (j->key)
        j->key[i] = key;
    j->n++;
}

static void try_unknown_key(struct trial *t, struct json *j, const char *path)
{
    char below[300];
    snprintf(below, sizeof below, "%s/unheard-of", path);
    json_add(j, "unheard-of", json_new(J_NUMBER, "1"));
    try_document(t, below, "added", path_fits(path, "protocol/vary*"));
    j->n--;
    json_free(j->item[j->n]);
    free(j->key[j->n]);
}

static void try_each(struct trial *t, struct json *j, const char *path)
{
    if (j->kind == J_OBJECT)
        try_unknown_key(t, j, path);
    for (int i = 0; i < j->n; i++) {
        char below[300];
        if (j->kind == J_OBJECT)
            snprintf(below, sizeof below, "%s/%s", path, j->key[i]);
        else
            snprintf(below, sizeof below, "%s/%d", path, i);
        try_values(t, &j->item[i], below);
        try_without(t, j, i, below);
        try_each(t, j->item[i], below);
    }
}

static void try_variant(const struct variant *v)
{
    const struct language *l = language_find(v->language);
    struct buf text = {0}, why = {0};
    language_schema(l, NULL, &text);
    struct json *schema = json_parse(text.p);
    if (!schema)
        fail_msg("the schema of %s is no JSON", l->name);
    struct maker m = {.root = schema, .variant = v};
    struct trial t = {.l = l, .schema = schema, .document = make(&m, schema, l->name)};
    const char *size = v->all ? "maximal" : "minimal", *shape = v->shape ? v->shape : "";
    buf_clear(&text);
    json_write(t.document, &text);
    if (!json_accepts(schema, schema, t.document))
        fail_msg("%s document of %s %s is refused by the schema: %s", size, l->name, shape, text.p);
    if (!parser_accepts(l, text.p, &why))
        fail_msg("%s document of %s %s is refused: %s\n%s", size, l->name, shape, why.p, text.p);
    try_each(&t, t.document, l->name);
    printf("%s %s %s document: %d variants, %d refused, %d differences\n", size, l->name, shape, t.tried,
           t.refused, t.bad);
    assert_int_equal(t.bad, 0);
    assert_true(t.refused > t.tried / 3 && t.refused < t.tried);
    json_free(t.document);
    json_free(schema);
    buf_free(&text);
    buf_free(&why);
}

/* A tilt is given by x and y or by points; an image has neither origin nor unit. */
#define SLOPE  "grid/tilt/points"
#define NO_XY  "grid/tilt/x", "grid/tilt/y"
#define LISTED "grid/image"
#define IMAGED "grid*/origin", "grid*/rotation", "grid*/unit"
static const struct variant variants[] = {
    {"protocol", false, {NULL}, NULL},
    {"protocol", true, {NULL}, NULL},
    {"steps", false, {NULL}, NULL},
    {"rig", false, {NULL}, NULL},
    {"rig", true, {NULL}, NULL},
    {"grid", false, {NULL}, NULL},
    {"grid", true, {SLOPE, "grid/shape"}, NULL},
    {"grid", true, {SLOPE}, "rectangle"},
    {"grid", true, {SLOPE}, "hexagon"},
    {"grid", true, {SLOPE}, "line"},
    {"grid", true, {SLOPE}, "rings"},
    {"grid", true, {NO_XY}, "spiral"},
    {"grid", true, {NO_XY}, "random"},
    {"grid", true, {SLOPE, LISTED}, "points"},
    {"grid", true, {SLOPE, IMAGED}, "points"},
};

static void schema_and_parser_agree(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof variants / sizeof variants[0]; k++)
        try_variant(&variants[k]);
}

/* --- shipped files, examples, help
 * --------------------------------------------------------------------------- */

static void the_examples_of_the_help_are_planned(void **state)
{
    (void)state;
    struct buf why = {0};
    for (int k = 0; k < LANGUAGES; k++) {
        buf_clear(&why);
        if (!parser_accepts(&languages[k], languages[k].example, &why))
            fail_msg("the example of %s is refused: %s", languages[k].name, why.p);
    }
    write_text("tried.yaml", language_find("protocol")->example);
    write_text("steps.yaml", language_find("steps")->example);
    char path[128];
    snprintf(path, sizeof path, "%s/tried.yaml", folder);
    struct diags *d = diags_new();
    struct protocol *p = protocol_load(path, NULL, d, NULL);
    struct plan *plan = plan_make(p, d);
    buf_clear(&why);
    diags_print(d, &why);
    if (!plan)
        fail_msg("the example is not planned: %s", why.p);
    assert_int_equal(plan->n_sites, 36);
    assert_int_equal(plan->n_combinations, 4);
    plan_free(plan);
    protocol_free(p);
    write_text("tried.yaml", includes_steps);
    p = protocol_load(path, NULL, d, NULL);
    plan = p ? plan_make(p, d) : NULL;
    buf_clear(&why);
    diags_print(d, &why);
    if (!plan)
        fail_msg("the example of steps is not planned: %s", why.p);
    plan_free(plan);
    protocol_free(p);
    diags_free(d);
    buf_free(&why);
}

static void each_key(const struct fields *t, const char *help)
{
    for (int i = 0; i < t->n; i++) {
        char line[64];
        snprintf(line, sizeof line, "\n  %s ", t->field[i].key);
        if (!strstr(help, line))
            fail_msg("the help does not tell of `%s` of %s", t->field[i].key, t->what);
        if (t->field[i].sub)
            each_key(t->field[i].sub, help);
    }
}

static void the_help_is_complete_and_not_wider_than_a_terminal(void **state)
{
    (void)state;
    for (int k = 0; k < LANGUAGES; k++) {
        struct buf help = {0};
        language_help(&languages[k], &help);
        each_key(languages[k].fields, help.p);
        assert_non_null(strstr(help.p, languages[k].example));
        for (const char *line = help.p; *line;) {
            size_t n = strcspn(line, "\n");
            if (n > 100)
                fail_msg("%s: %zu columns: %.*s", languages[k].name, n, (int)n, line);
            line += n + (line[n] == '\n');
        }
        buf_free(&help);
    }
}

static void the_shipped_schemas_are_those_of_this_program(void **state)
{
    (void)state;
    for (int k = 0; k < LANGUAGES; k++) {
        char path[128];
        struct buf now = {0};
        if (strcmp(languages[k].name, "rig") == 0) /* knows the simulator's tables: unit/cli/test_schema.c */
            continue;
        struct err e = ERR_INIT;
        snprintf(path, sizeof path, "protocols/schema/%s.schema.json", languages[k].name);
        struct source *s = source_read(path, 1u << 22, &e);
        if (!s)
            fail_msg("%s", e.text);
        language_schema(&languages[k], NULL, &now);
        if (now.n != s->bytes.n || memcmp(now.p, s->bytes.p, now.n) != 0)
            fail_msg("%s is out of date: make schema", path);
        buf_free(&now);
        source_free(s);
    }
}

/* An editor finds the schema of each shipped file by its first line. */
static int check_shipped(const char *of, const char *kind)
{
    DIR *dir = opendir(of);
    int n = 0;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        size_t length = strlen(entry->d_name);
        if (length < 6 || strcmp(entry->d_name + length - 5, ".yaml") != 0)
            continue;
        char path[400], first[200];
        struct err e = ERR_INIT;
        snprintf(path, sizeof path, "%s/%s", of, entry->d_name);
        snprintf(first, sizeof first, "# yaml-language-server: $schema=%sschema/%s.schema.json\n",
                 strcmp(of, "protocols") == 0 ? "" : "../protocols/", kind);
        struct source *s = source_read(path, 1u << 22, &e);
        if (!s || strncmp(s->bytes.p, first, strlen(first)) != 0)
            fail_msg("%s does not begin with %s", path, first);
        source_free(s);
        n++;
    }
    if (dir)
        closedir(dir);
    return n;
}

static void each_shipped_file_names_its_schema(void **state)
{
    (void)state;
    assert_true(check_shipped("examples", "protocol") > 0);
    assert_true(check_shipped("grids", "grid") > 0);
    assert_true(check_shipped("instruments", "rig") > 0);
    check_shipped("protocols", "protocol");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_and_parser_agree),
        cmocka_unit_test(the_examples_of_the_help_are_planned),
        cmocka_unit_test(the_help_is_complete_and_not_wider_than_a_terminal),
        cmocka_unit_test(the_shipped_schemas_are_those_of_this_program),
        cmocka_unit_test(each_shipped_file_names_its_schema),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
