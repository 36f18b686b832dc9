/* Coverage-guided fuzzing of programs of a potentiostat; see tests/fuzz/inputs.h. With FUZZ_SEEDS=FOLDER in
 * the environment it writes valid inputs there first: random bytes would hardly ever be one. */
#include "fuzz/inputs.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    const char *folder = getenv("FUZZ_SEEDS");
    for (uint64_t k = 0; folder && k < 32; k++) {
        struct buf path = {0}, seed = {0};
        buf_printf(&path, "%s/seed-%02d", folder, (int)k);
        fuzz_program_seed(k, &seed);
        FILE *f = fopen(path.p, "wb");
        FUZZ_CHECK(f && fwrite(seed.p, 1, seed.n, f) == seed.n && fclose(f) == 0);
        buf_free(&path);
        buf_free(&seed);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    fuzz_program(bytes, n);
    return 0;
}
