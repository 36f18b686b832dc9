/* Coverage-guided fuzzing of protocol files; see tests/fuzz/inputs.h. */
#include "fuzz/inputs.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    fuzz_plan(bytes, n);
    return 0;
}
