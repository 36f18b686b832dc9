/* A YAML document as a tree with source marks, over libyaml's parser events.
 *
 * libyaml counts characters; messages need lines and bytes as editors count them. So the text is checked to
 * be clean UTF-8 first, and an index from characters to bytes turns each of libyaml's marks into a position.
 * Aliases share the node of their anchor, but each use counts all the nodes below it, so that what a reader
 * may have to walk is bounded. After an error that leaves the structure intact (a duplicate key, a tag)
 * parsing goes on, so that a file's errors come together. */
#include "base/yaml.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/positions.h"
#include "base/utf8.h"

#define MAX_BYTES   ((size_t)4 << 20)
#define MAX_DEPTH   64
#define MAX_NODES   500000
#define MAX_ANCHORS 1000

struct pair {
    const char *key; /* text of a node of the tree */
    struct mark mark;
    const struct ynode *value;
};

struct ynode {
    enum ynode_kind kind;
    bool plain; /* scalar without quotes or block style */
    int count;  /* items or pairs */
    int nodes;  /* of this subtree with aliases followed */
    int height; /* of this subtree; 1 = a scalar */
    struct mark mark;
    char *text;
    const struct ynode **items;
    struct pair *pairs;
};

/* Nodes are made in blocks: a file may have a hundred thousand of them. */
#define BLOCK 256
struct block {
    struct block *next;
    int n;
    struct ynode node[BLOCK];
};

struct ytree {
    const struct ynode *root;
    struct block *blocks; /* every node once, however often it is shared */
};

/* --- reading the tree ---------------------------------------------------------------------------------- */

const struct ynode *ytree_root(const struct ytree *t)
{
    return t->root;
}

enum ynode_kind ynode_kind(const struct ynode *n)
{
    return n->kind;
}

struct mark ynode_mark(const struct ynode *n)
{
    return n->mark;
}

const char *ynode_text(const struct ynode *n)
{
    return n->text;
}

bool ynode_is_null(const struct ynode *n)
{
    return n->kind == Y_SCALAR && n->plain &&
           (n->text[0] == '\0' || strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0);
}

int ynode_count(const struct ynode *n)
{
    return n->count;
}

const struct ynode *ynode_item(const struct ynode *n, int i)
{
    return n->kind == Y_LIST && i >= 0 && i < n->count ? n->items[i] : NULL;
}

static const struct pair *pair_at(const struct ynode *n, int i)
{
    return n->kind == Y_MAP && i >= 0 && i < n->count ? &n->pairs[i] : NULL;
}

const char *ynode_key(const struct ynode *n, int i)
{
    const struct pair *p = pair_at(n, i);
    return p ? p->key : NULL;
}

struct mark ynode_key_mark(const struct ynode *n, int i)
{
    const struct pair *p = pair_at(n, i);
    return p ? p->mark : (struct mark){0};
}

const struct ynode *ynode_value(const struct ynode *n, int i)
{
    const struct pair *p = pair_at(n, i);
    return p ? p->value : NULL;
}

const struct ynode *ynode_get(const struct ynode *n, const char *key)
{
    if (!n || n->kind != Y_MAP)
        return NULL;
    for (int i = 0; i < n->count; i++)
        if (strcmp(n->pairs[i].key, key) == 0)
            return n->pairs[i].value;
    return NULL;
}

void ytree_free(struct ytree *t)
{
    if (!t)
        return;
    while (t->blocks) {
        struct block *b = t->blocks;
        t->blocks = b->next;
        for (int i = 0; i < b->n; i++) {
            free(b->node[i].pairs);
            free(b->node[i].items);
            free(b->node[i].text);
        }
        free(b);
    }
    free(t);
}

/* --- is it text at all --------------------------------------------------------------------------------- */

/* Byte offset of the first thing that is not text, or the number of bytes. */
static size_t first_junk(const struct buf *b)
{
    for (size_t i = 0; i < b->n;) {
        unsigned char c = (unsigned char)b->p[i];
        int length = utf8_length(b->p + i, b->n - i);
        if (length == 0 || c == 0x7F || (c < 0x20 && c != '\t' && c != '\n' && c != '\r'))
            return i;
        i += (size_t)length;
    }
    return b->n;
}

static struct mark mark_of_junk(const struct source *s, size_t junk)
{
    struct mark m = {s, 1, 1, 1};
    for (size_t i = 0; i < junk; i++) {
        m.column++;
        if (positions_is_line_end(&s->bytes, i)) {
            m.line++;
            m.column = 1;
        }
    }
    return m;
}

static bool check_text(const struct source *s, struct diags *d)
{
    const struct buf *b = &s->bytes;
    struct mark start = {s, 0, 0, 0};
    if (b->n > MAX_BYTES) {
        diags_error(d, start, "file is %zu bytes, at most %zu", b->n, MAX_BYTES);
        return false;
    }
    size_t junk = first_junk(b);
    if (junk == b->n)
        return true;
    diags_error(d, mark_of_junk(s, junk), "this is not UTF-8 text (byte 0x%02X): a YAML file is wanted",
                (unsigned char)b->p[junk]);
    return false;
}

/* --- building the tree --------------------------------------------------------------------------------- */

struct anchor {
    char *name;
    const struct ynode *node; /* NULL while it is being built */
};

struct build {
    yaml_parser_t parser;
    struct positions at;
    struct ytree *tree;
    struct diags *d;
    struct anchor *anchors;
    int anchor_n;
    int nodes;   /* with aliases followed */
    bool broken; /* an error after which parsing went on */
};

static struct ynode *fail(struct build *b, struct mark m, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static const struct ynode *build_node(struct build *b, yaml_event_t *ev, int depth);

static struct ynode *fail(struct build *b, struct mark m, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    diags_error(b->d, m, "%s", text);
    b->broken = true;
    return NULL;
}

static struct mark event_mark(const struct build *b, const yaml_event_t *ev)
{
    size_t first = positions_byte(&b->at, ev->start_mark.index);
    return positions_mark(&b->at, first, positions_byte(&b->at, ev->end_mark.index));
}

/* Turns libyaml's complaint into ours. */
static void syntax_error(struct build *b)
{
    const yaml_parser_t *p = &b->parser;
    /* The reader, which runs ahead, knows bytes; scanner and parser know characters. */
    size_t i = p->error == YAML_READER_ERROR ? p->problem_offset + positions_skip_bom(&b->at.source->bytes)
                                             : positions_byte(&b->at, p->problem_mark.index);
    struct mark m = positions_mark(&b->at, i, i + 1);
    const char *problem = p->problem ? p->problem : "out of memory";
    if (p->context)
        fail(b, m, "%s (%s)", problem, p->context);
    else
        fail(b, m, "%s", problem);
    const struct buf *bytes = &b->at.source->bytes;
    size_t began = positions_byte(&b->at, p->context_mark.index);
    struct mark from = positions_mark(&b->at, began, began);
    if (i < bytes->n && bytes->p[i] == '\t')
        diags_hint(b->d, "YAML is indented with spaces, not with tabs");
    else if (p->context && from.line < m.line)
        diags_hint(b->d, "what was being read began on line %d", from.line);
}

static bool next_event(struct build *b, yaml_event_t *ev)
{
    if (yaml_parser_parse(&b->parser, ev))
        return true;
    syntax_error(b);
    return false;
}

static bool count_nodes(struct build *b, int n, struct mark m)
{
    b->nodes += n; /* both are at most MAX_NODES: no overflow */
    if (b->nodes <= MAX_NODES)
        return true;
    fail(b, m, "more than %d values when aliases are followed", MAX_NODES);
    return false;
}

static struct ynode *new_node(struct build *b, enum ynode_kind kind, struct mark m)
{
    if (!count_nodes(b, 1, m))
        return NULL;
    struct ytree *t = b->tree;
    if (!t->blocks || t->blocks->n == BLOCK) {
        struct block *more = xmalloc(sizeof *more);
        more->next = t->blocks;
        more->n = 0;
        t->blocks = more;
    }
    struct ynode *n = &t->blocks->node[t->blocks->n++];
    *n = (struct ynode){.kind = kind, .mark = m, .nodes = 1, .height = 1};
    return n;
}

static void adopt(struct ynode *parent, const struct ynode *child)
{
    parent->nodes += child->nodes;
    if (parent->height <= child->height)
        parent->height = child->height + 1;
}

static struct anchor *find_anchor(struct build *b, const char *name)
{
    for (int i = 0; i < b->anchor_n; i++)
        if (strcmp(b->anchors[i].name, name) == 0)
            return &b->anchors[i];
    return NULL;
}

/* Makes (or takes over) the anchor of a node that begins; false only beyond the bound. */
static bool open_anchor(struct build *b, const yaml_char_t *name, struct mark m)
{
    struct anchor *a = find_anchor(b, (const char *)name);
    if (!a) {
        if (b->anchor_n == MAX_ANCHORS) {
            fail(b, m, "more than %d anchors", MAX_ANCHORS);
            return false;
        }
        b->anchors = xrealloc(b->anchors, (size_t)(b->anchor_n + 1) * sizeof *b->anchors);
        a = &b->anchors[b->anchor_n++];
        a->name = xstrdup((const char *)name);
    }
    a->node = NULL;
    return true;
}

static void close_anchor(struct build *b, const char *name, const struct ynode *n)
{
    struct anchor *a = name ? find_anchor(b, name) : NULL;
    if (a)
        a->node = n;
}

static const struct ynode *build_alias(struct build *b, const yaml_event_t *ev, int depth)
{
    struct mark m = event_mark(b, ev);
    const char *name = (const char *)ev->data.alias.anchor;
    const struct anchor *a = find_anchor(b, name);
    if (!a)
        return fail(b, m, "`*%s`: no anchor `&%s` stands above", name, name);
    if (!a->node)
        return fail(b, m, "`*%s` stands inside of what it refers to", name);
    if (depth + a->node->height - 1 > MAX_DEPTH)
        return fail(b, m, "nested more than %d deep when aliases are followed", MAX_DEPTH);
    return count_nodes(b, a->node->nodes, m) ? a->node : NULL;
}

static void check_tag(struct build *b, const yaml_char_t *tag, const char *usual, struct mark m)
{
    if (tag && strcmp((const char *)tag, "!") != 0 && strcmp((const char *)tag, usual) != 0)
        fail(b, m, "the tag `%s` is not supported", (const char *)tag);
}

static const struct ynode *build_scalar(struct build *b, const yaml_event_t *ev)
{
    struct mark m = event_mark(b, ev);
    check_tag(b, ev->data.scalar.tag, YAML_STR_TAG, m);
    struct ynode *n = new_node(b, Y_SCALAR, m);
    if (!n)
        return NULL;
    n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !ev->data.scalar.tag;
    if (memchr(ev->data.scalar.value, 0, ev->data.scalar.length))
        fail(b, m, "a NUL character can not be part of a value");
    n->text = xstrdup((const char *)ev->data.scalar.value);
    return n;
}

static const struct ynode *build_list(struct build *b, const yaml_event_t *start, int depth)
{
    struct mark m = event_mark(b, start);
    check_tag(b, start->data.sequence_start.tag, YAML_SEQ_TAG, m);
    struct ynode *n = new_node(b, Y_LIST, m);
    for (int cap = 0; n;) {
        yaml_event_t ev;
        if (!next_event(b, &ev))
            return NULL;
        if (ev.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&ev);
            return n;
        }
        const struct ynode *item = build_node(b, &ev, depth + 1);
        if (!item)
            return NULL;
        if (n->count == cap) {
            cap = cap ? 2 * cap : 8;
            n->items = xrealloc(n->items, (size_t)cap * sizeof(struct ynode *));
        }
        n->items[n->count++] = item;
        adopt(n, item);
    }
    return NULL;
}

static int by_key(const void *a, const void *b)
{
    const struct pair *x = *(const struct pair *const *)a, *y = *(const struct pair *const *)b;
    int order = strcmp(x->key, y->key);
    return order ? order : (x > y) - (x < y);
}

static bool all_differ(const struct ynode *n)
{
    for (int i = 1; i < n->count; i++)
        for (int k = 0; k < i; k++)
            if (strcmp(n->pairs[i].key, n->pairs[k].key) == 0)
                return false;
    return true;
}

/* Sorting instead of comparing all with all: a map may have a hundred thousand keys. */
static void check_duplicates(struct build *b, const struct ynode *n)
{
    if (n->count < 2 || (n->count <= 8 && all_differ(n)))
        return;
    const struct pair **sorted = xmalloc((size_t)n->count * sizeof *sorted);
    for (int i = 0; i < n->count; i++)
        sorted[i] = &n->pairs[i];
    qsort(sorted, (size_t)n->count, sizeof *sorted, by_key);
    for (int i = 1, first = 0; i < n->count; i++) {
        if (strcmp(sorted[i]->key, sorted[first]->key) != 0) {
            first = i;
            continue;
        }
        fail(b, sorted[i]->mark, "the key `%s` is given twice", sorted[i]->key);
        diags_hint(b->d, "first on line %d", sorted[first]->mark.line);
    }
    free(sorted);
}

/* Adds a pair; a key that can not be one is an error, and the pair is left out. */
static void add_pair(struct build *b, struct ynode *n, int *cap, const struct ynode *key,
                     struct mark key_mark, const struct ynode *value)
{
    adopt(n, value);
    if (key->kind != Y_SCALAR) {
        fail(b, key_mark, "a key must be a word, not a %s", key->kind == Y_LIST ? "list" : "map");
        return;
    }
    if (key->plain && strcmp(key->text, "<<") == 0) {
        fail(b, key_mark, "merge keys (`<<`) are not supported");
        diags_hint(b->d, "write the keys out, or use an alias for the whole value");
        return;
    }
    if (n->count == *cap) {
        *cap = *cap ? 2 * *cap : 8;
        n->pairs = xrealloc(n->pairs, (size_t)*cap * sizeof *n->pairs);
    }
    n->pairs[n->count++] = (struct pair){key->text, key_mark, value};
}

static const struct ynode *build_map(struct build *b, const yaml_event_t *start, int depth)
{
    struct mark m = event_mark(b, start);
    check_tag(b, start->data.mapping_start.tag, YAML_MAP_TAG, m);
    struct ynode *n = new_node(b, Y_MAP, m);
    for (int cap = 0; n;) {
        yaml_event_t ev;
        if (!next_event(b, &ev))
            return NULL;
        if (ev.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&ev);
            check_duplicates(b, n);
            return n;
        }
        bool alias = ev.type == YAML_ALIAS_EVENT;
        struct mark key_mark = alias ? event_mark(b, &ev) : (struct mark){0};
        const struct ynode *key = build_node(b, &ev, depth + 1);
        if (!key || !next_event(b, &ev))
            return NULL;
        if (!alias)
            key_mark = key->mark;
        const struct ynode *value = build_node(b, &ev, depth + 1);
        if (!value)
            return NULL;
        add_pair(b, n, &cap, key, key_mark, value);
    }
    return NULL;
}

/* The anchor that the start event of a node carries, and the node itself. */
static const struct ynode *build_anchored(struct build *b, const yaml_event_t *ev, int depth)
{
    const yaml_char_t *anchor = ev->type == YAML_SCALAR_EVENT           ? ev->data.scalar.anchor
                                : ev->type == YAML_SEQUENCE_START_EVENT ? ev->data.sequence_start.anchor
                                                                        : ev->data.mapping_start.anchor;
    if (anchor && !open_anchor(b, anchor, event_mark(b, ev)))
        return NULL;
    const struct ynode *n = ev->type == YAML_SCALAR_EVENT           ? build_scalar(b, ev)
                            : ev->type == YAML_SEQUENCE_START_EVENT ? build_list(b, ev, depth)
                                                                    : build_map(b, ev, depth);
    if (n)
        close_anchor(b, (const char *)anchor, n);
    return n;
}

/* Builds the node that begins with `ev`, at `depth` (1 = the root), and deletes `ev`. NULL: parsing is over.
 */
static const struct ynode *build_node(struct build *b, yaml_event_t *ev, int depth)
{
    const struct ynode *n = NULL;
    if (depth > MAX_DEPTH)
        fail(b, event_mark(b, ev), "nested more than %d deep", MAX_DEPTH);
    else if (ev->type == YAML_ALIAS_EVENT)
        n = build_alias(b, ev, depth);
    else
        n = build_anchored(b, ev, depth);
    yaml_event_delete(ev);
    return n;
}

/* --- the document -------------------------------------------------------------------------------------- */

/* Skips one event; if it begins another document or ends the stream early, says so. */
static bool expect(struct build *b, yaml_event_type_t type, const char *otherwise)
{
    yaml_event_t ev;
    if (!next_event(b, &ev))
        return false;
    bool ok = ev.type == type;
    if (!ok)
        fail(b, event_mark(b, &ev), "%s", otherwise);
    yaml_event_delete(&ev);
    return ok;
}

static void build_document(struct build *b)
{
    yaml_event_t ev;
    if (!expect(b, YAML_STREAM_START_EVENT, "not a YAML stream") ||
        !expect(b, YAML_DOCUMENT_START_EVENT, "the file holds nothing") || !next_event(b, &ev))
        return;
    b->tree->root = build_node(b, &ev, 1);
    if (!b->tree->root || !expect(b, YAML_DOCUMENT_END_EVENT, "the document does not end here"))
        return;
    expect(b, YAML_STREAM_END_EVENT, "a second document begins here; a file holds one");
}

struct ytree *ytree_parse(const struct source *s, struct diags *d)
{
    if (!check_text(s, d))
        return NULL;
    struct build b = {.d = d, .tree = xcalloc(1, sizeof(struct ytree))};
    if (!yaml_parser_initialize(&b.parser)) {
        diags_error(d, (struct mark){s, 0, 0, 0}, "out of memory");
        ytree_free(b.tree);
        return NULL;
    }
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    size_t bom = positions_skip_bom(&s->bytes);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)s->bytes.p + bom, s->bytes.n - bom);
    positions_make(&b.at, s);
    build_document(&b);
    yaml_parser_delete(&b.parser);
    positions_free(&b.at);
    for (int i = 0; i < b.anchor_n; i++)
        free(b.anchors[i].name);
    free(b.anchors);
    if (b.broken) {
        ytree_free(b.tree);
        return NULL;
    }
    return b.tree;
}
