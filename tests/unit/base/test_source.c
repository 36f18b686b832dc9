/* Files are read whole, regular ones only, within the limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/yaml.h"

static char folder[] = "/tmp/test-source-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/f", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void write_file(const void *bytes, size_t n)
{
    unlink(path);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void refuse(const char *name, size_t limit, const char *says)
{
    struct err e = ERR_INIT;
    assert_null(source_read(name, limit, &e));
    assert_int_equal(e.code, ERR_INPUT);
    if (!strstr(e.text, says))
        fail_msg("`%s` does not say `%s`", e.text, says);
    assert_memory_equal(e.text, name, strlen(name));
}

static void test_exact_bytes(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    write_file("a\0\xFF\r\n", 5);
    struct source *s = source_read(path, 5, &e);
    assert_non_null(s);
    assert_int_equal(s->bytes.n, 5);
    assert_memory_equal(s->bytes.p, "a\0\xFF\r\n", 6);
    assert_string_equal(s->path, path);
    source_free(s);
    write_file("", 0);
    s = source_read(path, 0, &e);
    assert_non_null(s);
    assert_int_equal(s->bytes.n, 0);
    assert_string_equal(s->bytes.p, "");
    source_free(s);
    source_free(NULL);
}

static void test_limit(void **state)
{
    (void)state;
    write_file("", 0);
    assert_int_equal(truncate(path, 10485760), 0);
    refuse(path, 4194304, ": file is 10485760 bytes, at most 4194304");
    write_file("123456", 6);
    refuse(path, 5, ": file is 6 bytes, at most 5");
}

static void test_what_is_no_file(void **state)
{
    (void)state;
    unlink(path);
    refuse(path, 100, ": No such file or directory");
    refuse(folder, 100, ": is a directory, a file is wanted");
    refuse("/dev/zero", 100, ": is not a regular file");
    assert_int_equal(mkfifo(path, 0600), 0);
    refuse(path, 100, ": is not a regular file"); /* and no waiting for a writer */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_bytes),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_what_is_no_file),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
