/* Where results may live: file systems, space, and the lock among writers. */
#include "unit/results/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "results/place.h"

static void network_file_systems_are_known_by_their_magic(void **state)
{
    (void)state;
    const char *name;
    assert_int_equal(place_judge(0x6969, "nfs4", &name), PLACE_NETWORK);
    assert_string_equal(name, "NFS");
    assert_int_equal(place_judge(0xfe534d42, "cifs", &name), PLACE_NETWORK);
    assert_int_equal(place_judge(0xff534d42, NULL, &name), PLACE_NETWORK);
    assert_int_equal(place_judge(0xffffffffff534d42, NULL, &name), PLACE_NETWORK); /* sign-extended */
    assert_int_equal(place_judge(0x01021997, "9p", &name), PLACE_NETWORK);
}

static void local_file_systems_are_fine(void **state)
{
    (void)state;
    const char *name;
    assert_int_equal(place_judge(0xef53, "ext4", &name), PLACE_LOCAL);
    assert_int_equal(place_judge(0x01021994, "tmpfs", &name), PLACE_LOCAL);
    assert_int_equal(place_judge(0x794c7630, "overlay", &name), PLACE_LOCAL);
    assert_int_equal(place_judge(0x58465342, NULL, &name), PLACE_LOCAL);
}

static void fuse_is_judged_by_its_type(void **state)
{
    (void)state;
    const char *name;
    assert_int_equal(place_judge(0x65735546, "fuse.sshfs", &name), PLACE_NETWORK);
    assert_string_equal(name, "fuse.sshfs");
    assert_int_equal(place_judge(0x65735546, "fuseblk", &name), PLACE_LOCAL);
    assert_int_equal(place_judge(0x65735546, "fuse.something-new", &name), PLACE_DOUBTFUL);
    assert_int_equal(place_judge(0x65735546, NULL, &name), PLACE_DOUBTFUL);
}

static void space_is_asked_for_before_anything_is_written(void **state)
{
    (void)state;
    char *folder = temp_folder(), *path = path_in(folder, "r.seccm");
    struct err e = ERR_INIT;
    assert_true(place_check(path, 1, &e));
    assert_false(place_check(path, UINT64_MAX, &e));
    assert_int_equal(e.code, ERR_FULL);
    assert_non_null(strstr(e.text, "free"));
    err_clear(&e);
    assert_null(results_create(path, test_plan(1), UINT64_MAX, &e));
    assert_int_equal(e.code, ERR_FULL);
    assert_int_equal(folder_count(folder, NULL), 0);
    err_clear(&e);
    assert_false(place_check("/no/such/folder/r.seccm", 0, &e));
    assert_int_equal(e.code, ERR_IO);
    free(path);
    remove_folder(folder);
}

static void lock_keeps_others_out_and_names_the_holder(void **state)
{
    (void)state;
    char *folder = temp_folder(), *path = path_in(folder, "r.seccm"), pid[32];
    struct place_lock mine = {0}, other = {0};
    struct err e = ERR_INIT;
    assert_true(place_lock(path, &mine, &e));
    assert_false(place_lock(path, &other, &e));
    assert_int_equal(e.code, ERR_IO);
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_non_null(strstr(e.text, pid));
    place_unlock(&mine);
    assert_int_equal(folder_count(folder, NULL), 0);
    assert_true(place_lock(path, &other, &e));
    place_unlock(&other);
    place_unlock(&other); /* harmless */
    free(path);
    remove_folder(folder);
}

/* Two names of one file are one lock. */
static void lock_follows_symbolic_links(void **state)
{
    (void)state;
    char *folder = temp_folder(), *path = path_in(folder, "r.seccm"), *alias = path_in(folder, "latest");
    struct place_lock mine = {0}, other = {0};
    close(open(path, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(symlink("r.seccm", alias), 0);
    assert_true(place_lock(alias, &mine, NULL));
    assert_false(place_lock(path, &other, NULL));
    assert_true(place_is_held(alias, NULL));
    place_unlock(&mine);
    assert_false(place_is_held(alias, NULL));
    free(alias);
    free(path);
    remove_folder(folder);
}

static void names_beside_a_file_follow_links_to_it(void **state)
{
    (void)state;
    char *folder = temp_folder(), *path = path_in(folder, "r.seccm"), *alias = path_in(folder, "latest"),
         *second = path_in(folder, "newest"), *real = realpath(folder, NULL),
         *wanted = path_in(real, "r.seccm");
    struct err e = ERR_INIT;
    struct results *r = results_create(path, test_plan(1), 0, &e);
    assert_true(r && results_close(r, &e));
    assert_int_equal(symlink("r.seccm", alias), 0);
    assert_int_equal(symlink("latest", second), 0);
    char *const link[] = {alias, second};
    for (int k = 0; k < 2; k++) {
        struct results *const opened[] = {results_open(link[k], &e), results_open_write(link[k], &e)};
        for (int j = 0; j < 2; j++) {
            assert_non_null(opened[j]);
            assert_string_equal(results_path(opened[j]), wanted);
        }
        assert_true(results_close(opened[0], &e) && results_close(opened[1], &e));
    }
    char *same = place_resolve(path), *nowhere = place_resolve("nobody/here.seccm");
    assert_string_equal(same, path); /* as it was given */
    assert_string_equal(nowhere, "nobody/here.seccm");
    char *const all[] = {same, nowhere, wanted, real, second, alias, path};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
        free(all[k]);
    remove_folder(folder);
}

static void lock_of_a_killed_process_is_taken_over(void **state)
{
    (void)state;
    char *folder = temp_folder(), *path = path_in(folder, "r.seccm");
    struct place_lock mine = {0};
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct place_lock theirs = {0};
        char ok = place_lock(path, &theirs, NULL) ? 'y' : 'n';
        if (write(ready[1], &ok, 1) == 1)
            pause();
        _exit(1);
    }
    char got = 0;
    assert_int_equal(read(ready[0], &got, 1), 1);
    assert_int_equal(got, 'y');
    assert_false(place_lock(path, &mine, NULL));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(folder_count(folder, NULL), 1); /* the lock file itself stayed */
    assert_true(place_lock(path, &mine, NULL));
    place_unlock(&mine);
    assert_int_equal(folder_count(folder, NULL), 0);
    close(ready[0]);
    close(ready[1]);
    free(path);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(network_file_systems_are_known_by_their_magic),
        cmocka_unit_test(local_file_systems_are_fine),
        cmocka_unit_test(fuse_is_judged_by_its_type),
        cmocka_unit_test(space_is_asked_for_before_anything_is_written),
        cmocka_unit_test(lock_keeps_others_out_and_names_the_holder),
        cmocka_unit_test(lock_follows_symbolic_links),
        cmocka_unit_test(names_beside_a_file_follow_links_to_it),
        cmocka_unit_test(lock_of_a_killed_process_is_taken_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
