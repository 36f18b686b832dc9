/* Two trees are walked side by side; a part that is of another kind is one difference as a whole. */
#include "base/yaml_compare.h"

#include <string.h>

struct walk {
    struct buf path;
    yaml_change *fn;
    void *ctx;
};

static void compare(struct walk *w, const struct ynode *was, const struct ynode *now);

static void tell(struct walk *w, const struct ynode *was, const struct ynode *now)
{
    w->fn(w->ctx, w->path.p, was, now);
}

static void cut(struct buf *path, size_t n)
{
    path->n = n;
    path->p[n] = '\0';
}

static void compare_values(struct walk *w, const char *key, const struct ynode *was, const struct ynode *now)
{
    size_t n = w->path.n;
    buf_printf(&w->path, "%s%s", n ? "." : "", key);
    if (was && now)
        compare(w, was, now);
    else
        tell(w, was, now);
    cut(&w->path, n);
}

/* The keys that both have stand in another order. */
static bool another_order(const struct ynode *was, const struct ynode *now)
{
    int j = 0, n = ynode_count(now);
    for (int k = 0; k < ynode_count(was); k++) {
        const char *key = ynode_key(was, k);
        if (!ynode_get(now, key))
            continue;
        while (j < n && !ynode_get(was, ynode_key(now, j)))
            j++;
        if (j == n || strcmp(ynode_key(now, j++), key) != 0)
            return true;
    }
    return false;
}

static void compare_maps(struct walk *w, const struct ynode *was, const struct ynode *now)
{
    for (int k = 0; k < ynode_count(was); k++)
        compare_values(w, ynode_key(was, k), ynode_value(was, k), ynode_get(now, ynode_key(was, k)));
    for (int k = 0; k < ynode_count(now); k++)
        if (!ynode_get(was, ynode_key(now, k)))
            compare_values(w, ynode_key(now, k), NULL, ynode_value(now, k));
    if (w->path.n && another_order(was, now))
        tell(w, was, now);
}

static void compare_lists(struct walk *w, const struct ynode *was, const struct ynode *now)
{
    int a = ynode_count(was), b = ynode_count(now);
    size_t n = w->path.n;
    for (int k = 0; k < (a > b ? a : b); k++) {
        buf_printf(&w->path, "[%d]", k + 1);
        if (k < a && k < b)
            compare(w, ynode_item(was, k), ynode_item(now, k));
        else
            tell(w, k < a ? ynode_item(was, k) : NULL, k < b ? ynode_item(now, k) : NULL);
        cut(&w->path, n);
    }
}

static void compare(struct walk *w, const struct ynode *was, const struct ynode *now)
{
    if (ynode_kind(was) != ynode_kind(now))
        tell(w, was, now);
    else if (ynode_kind(was) == Y_MAP)
        compare_maps(w, was, now);
    else if (ynode_kind(was) == Y_LIST)
        compare_lists(w, was, now);
    else if (strcmp(ynode_text(was), ynode_text(now)) != 0 || ynode_is_null(was) != ynode_is_null(now))
        tell(w, was, now);
}

void yaml_compare(const struct ynode *was, const struct ynode *now, yaml_change *fn, void *ctx)
{
    struct walk w = {.fn = fn, .ctx = ctx};
    buf_str(&w.path, "");
    compare(&w, was, now);
    buf_free(&w.path);
}
