/* Faulty files: each tests/faulty/NAME.yaml is checked and planned, and must give what NAME.expect says, at
 * the place that it says. A line of NAME.expect is "[FILE:]LINE:COLUMN: error|warning: TEXT": TEXT must occur
 * in the message; all errors must be listed, and of the warnings those that are listed must be given. With
 * SECCM_WRITE_EXPECT=1 in the environment the expectations are written anew, for a reader to compare. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "protocol/plan.h"

#define FOLDER "tests/faulty/"

/* Checks and plans a file; what was found goes to `out`. True if there is a plan. */
static bool check_file(const char *path, struct buf *out)
{
    struct diags *d = diags_new();
    struct err e = ERR_INIT;
    struct protocol *p = protocol_load(path, NULL, d, &e);
    struct plan *plan = p ? plan_make(p, d) : NULL;
    bool ok = plan != NULL, loaded = p != NULL;
    plan_free(plan);
    protocol_free(p);
    diags_print(d, out);
    if (!loaded && diags_errors(d) == 0)
        buf_printf(out, "error: %s\n", e.text);
    assert_int_equal(ok, diags_errors(d) == 0 && loaded);
    diags_free(d);
    return ok;
}

/* The lines of `text` that state an error or a warning, without the folder and their own file's name. */
static void keep_statements(const char *name, char *text, struct buf *out)
{
    char prefix[300];
    snprintf(prefix, sizeof prefix, "%s:", name);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        bool folder = strncmp(line, FOLDER, strlen(FOLDER)) == 0;
        bool hint = strncmp(line, "  = did you mean", 16) == 0;
        if (!folder && !hint && strncmp(line, "error: ", 7) != 0)
            continue;
        line += folder ? strlen(FOLDER) : 0;
        line += strncmp(line, prefix, strlen(prefix)) == 0 ? strlen(prefix) : 0;
        line += strspn(line, " ");
        buf_printf(out, "%s\n", line);
    }
}

static bool read_file(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "r");
    if (!f)
        return false;
    char block[4096];
    size_t n;
    while ((n = fread(block, 1, sizeof block, f)) > 0)
        buf_add(out, block, n);
    fclose(f);
    return true;
}

/* Splits into lines in place; returns how many. */
static int split(char *text, char *line[], int most)
{
    int n = 0;
    for (char *p = strtok(text, "\n"); p && n < most; p = strtok(NULL, "\n"))
        line[n++] = p;
    return n;
}

/* Does a statement say what is expected: same place and severity, the text inside the message? */
static bool matches(const char *statement, const char *expected)
{
    if (expected[0] == '=')
        return strcmp(statement, expected) == 0;
    const char *kind = strstr(expected, "error: ");
    if (!kind)
        kind = strstr(expected, "warning: ");
    if (!kind)
        return false;
    size_t head = (size_t)(strchr(kind, ' ') + 1 - expected);
    return strncmp(statement, expected, head) == 0 && strstr(statement + head, expected + head) != NULL;
}

static int compare(const char *name, char *found, char *expected)
{
    char *f[200], *x[200];
    int nf = split(found, f, 200), nx = split(expected, x, 200), bad = 0;
    bool used[200] = {false};
    for (int i = 0; i < nx; i++) {
        int k = 0;
        while (k < nf && (used[k] || !matches(f[k], x[i])))
            k++;
        if (k < nf)
            used[k] = true;
        else
            bad += printf("%s: not given: %s\n", name, x[i]) > 0;
    }
    for (int k = 0; k < nf; k++)
        if (!used[k] && f[k][0] != '=' && !strstr(f[k], "warning: "))
            bad += printf("%s: not expected: %s\n", name, f[k]) > 0;
    return bad;
}

static void write_expect(const char *path, const struct buf *statements)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fwrite(statements->p, 1, statements->n, f);
    fclose(f);
}

/* One file of the folder; returns the number of differences. */
static int try_file(const char *name)
{
    char path[400], expect[400];
    struct buf printed = {0}, found = {0}, expected = {0};
    snprintf(path, sizeof path, FOLDER "%s", name);
    snprintf(expect, sizeof expect, FOLDER "%.*s.expect", (int)(strlen(name) - 5), name);
    bool ok = check_file(path, &printed);
    buf_str(&found, "");
    if (printed.p)
        keep_statements(name, printed.p, &found);
    int bad = 0;
    if (ok != (strncmp(name, "warn-", 5) == 0))
        bad = printf("%s: %s\n", name, ok ? "is accepted" : "is refused") > 0;
    if (getenv("SECCM_WRITE_EXPECT"))
        write_expect(expect, &found);
    else if (!read_file(expect, &expected) || expected.n == 0)
        bad += printf("%s: no expectation\n", name) > 0;
    else
        bad += compare(name, found.p, expected.p);
    buf_free(&printed);
    buf_free(&found);
    buf_free(&expected);
    return bad;
}

static bool is_yaml(const char *name)
{
    size_t n = strlen(name);
    return n > 5 && strcmp(name + n - 5, ".yaml") == 0;
}

static void each_faulty_file_gives_its_messages(void **state)
{
    (void)state;
    DIR *dir = opendir(FOLDER);
    assert_non_null(dir);
    int files = 0, bad = 0;
    for (struct dirent *entry; (entry = readdir(dir));)
        if (is_yaml(entry->d_name)) {
            files++;
            bad += try_file(entry->d_name);
        }
    closedir(dir);
    printf("%d faulty files, %d differences\n", files, bad);
    assert_true(files >= 60);
    assert_int_equal(bad, 0);
}

/* Too large to be kept: made here. */
static void a_file_of_ten_megabytes_is_refused(void **state)
{
    (void)state;
    char path[] = "/tmp/seccm-large-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "w");
    fputs("seccm: 1\nname: large\nsite:\n", f);
    for (int i = 0; i < 500000; i++)
        fputs("  - ocp: {for: 1 s}\n", f);
    fclose(f);
    struct diags *d = diags_new();
    struct err e = ERR_INIT;
    assert_null(protocol_load(path, NULL, d, &e));
    unlink(path);
    assert_int_equal(diags_errors(d), 0);
    assert_non_null(strstr(e.text, "at most"));
    diags_free(d);
}

static void a_missing_file_and_a_folder_are_refused(void **state)
{
    (void)state;
    static const char *const paths[] = {FOLDER "no-such-file.yaml", FOLDER};
    for (int i = 0; i < 2; i++) {
        struct diags *d = diags_new();
        struct err e = ERR_INIT;
        assert_null(protocol_load(paths[i], NULL, d, &e));
        assert_int_equal(e.code, ERR_INPUT);
        assert_non_null(strstr(e.text, paths[i]));
        diags_free(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_faulty_file_gives_its_messages),
        cmocka_unit_test(a_file_of_ten_megabytes_is_refused),
        cmocka_unit_test(a_missing_file_and_a_folder_are_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    quantity_done();
    return failed;
}
