/* SHA-256 against the published examples of FIPS 180-4 and against all lengths around a block. */
#include "unit/results/fixture.h"

#include "results/sha256.h"

static void published_examples(void **state)
{
    (void)state;
    char text[65];
    sha256_hex("abc", 3, text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_hex(NULL, 0, text);
    assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    const char *two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    sha256_hex(two, strlen(two), text);
    assert_string_equal(text, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    char *million = malloc(1000000);
    memset(million, 'a', 1000000);
    sha256_hex(million, 1000000, text);
    assert_string_equal(text, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

/* sha256sum of coreutils is an independent judge of the padding. */
static void padding_of_every_length(void **state)
{
    (void)state;
    char *folder = temp_folder(), *path = path_in(folder, "x"), text[65], judge[65];
    unsigned char bytes[130];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 37);
    static const size_t length[] = {1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 128, 130};
    for (size_t i = 0; i < sizeof length / sizeof length[0]; i++) {
        FILE *f = fopen(path, "wb");
        assert_int_equal(fwrite(bytes, 1, length[i], f), length[i]);
        fclose(f);
        struct buf command = {0};
        buf_printf(&command, "sha256sum %s", path);
        f = popen(command.p, "r");
        assert_non_null(f);
        assert_int_equal(fscanf(f, "%64s", judge), 1);
        pclose(f);
        buf_free(&command);
        sha256_hex(bytes, length[i], text);
        assert_string_equal(text, judge);
    }
    free(path);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_examples),
        cmocka_unit_test(padding_of_every_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
