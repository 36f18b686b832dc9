/* Files are found on the shelf under any of their names, and nowhere else while it is in use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/shelf.h"
#include "base/yaml.h"

static void plain(const char *path, const char *wanted)
{
    struct buf b = {0};
    path_plain(path, &b);
    assert_string_equal(b.p, wanted);
    buf_free(&b);
}

static void names_are_made_plain(void **state)
{
    (void)state;
    char here[4096];
    struct buf b = {0};
    assert_non_null(getcwd(here, sizeof here));
    plain("/a/b/c", "/a/b/c");
    plain("/a/./b//c/", "/a/b/c");
    plain("/a/b/../c", "/a/c");
    plain("/a/b/../../c", "/c");
    plain("/../../c", "/c");
    plain("/..", "/");
    plain("/", "/");
    plain("/a/...", "/a/...");
    plain("/a/.b/..c", "/a/.b/..c");
    buf_printf(&b, "%s/x/y", strcmp(here, "/") == 0 ? "" : here);
    plain("x/z/../y", b.p);
    buf_free(&b);
}

static void files_come_from_the_shelf_in_use(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct shelf *s = shelf_new();
    shelf_put(s, "/no/such/folder/protocol.yaml", "seccm: 1\n", 9);
    shelf_put(s, "/no/such/grids/hex.yaml", "grid", 4);
    shelf_put(s, "/no/such/empty", "", 0);
    assert_null(source_read("/no/such/folder/protocol.yaml", 100, &e));
    shelf_use(s);
    struct source *p = source_read("/no/such/folder/protocol.yaml", 100, &e);
    assert_non_null(p);
    assert_string_equal(p->bytes.p, "seccm: 1\n");
    char *beside = source_beside(p->path, "../grids/hex.yaml"), *real = source_real(beside);
    struct source *g = source_read(beside, 100, &e);
    assert_non_null(g);
    assert_int_equal(g->bytes.n, 4);
    assert_string_equal(real, "/no/such/grids/hex.yaml");
    struct source *empty = source_read("/no/such/empty", 100, &e);
    assert_non_null(empty);
    assert_int_equal(empty->bytes.n, 0);
    assert_null(source_read("/no/such/grids/hex.yaml", 3, &e));
    assert_non_null(strstr(e.text, "at most 3"));
    assert_null(source_read("/etc/passwd", 1 << 20, &e)); /* it is there, but not stored */
    assert_non_null(strstr(e.text, "not among the files that are stored"));
    assert_null(source_real("/etc/passwd"));
    shelf_use(NULL);
    assert_null(shelf_in_use());
    source_free(p);
    source_free(g);
    source_free(empty);
    free(beside);
    free(real);
    shelf_free(s);
}

static void the_last_bytes_of_a_name_count(void **state)
{
    (void)state;
    struct shelf *s = shelf_new();
    const char *name = NULL;
    shelf_put(s, "/x/../x/file", "old and long", 12);
    shelf_put(s, "/x/file", "new", 3);
    const struct buf *b = shelf_find(s, "/x//file", &name);
    assert_non_null(b);
    assert_int_equal(b->n, 3);
    assert_memory_equal(b->p, "new", 4);
    assert_string_equal(name, "/x/../x/file");
    assert_null(shelf_find(s, "/x/fil", NULL));
    shelf_free(s);
}

/* Two names that a link makes one. */
static void links_are_followed_where_the_disk_has_them(void **state)
{
    (void)state;
    char folder[] = "/tmp/test-shelf-XXXXXX", file[64], link[64];
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/file", folder);
    snprintf(link, sizeof link, "%s/link", folder);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(symlink(file, link), 0);
    struct shelf *s = shelf_new();
    shelf_put(s, file, "kept", 4);
    assert_non_null(shelf_find(s, link, NULL));
    unlink(link);
    assert_null(shelf_find(s, link, NULL));
    unlink(file);
    assert_non_null(shelf_find(s, file, NULL));
    rmdir(folder);
    shelf_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_made_plain),
        cmocka_unit_test(files_come_from_the_shelf_in_use),
        cmocka_unit_test(the_last_bytes_of_a_name_count),
        cmocka_unit_test(links_are_followed_where_the_disk_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
