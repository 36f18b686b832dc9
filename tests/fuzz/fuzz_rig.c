/* Coverage-guided fuzzing of rig files; see tests/fuzz/inputs.h. */
#include "fuzz/inputs.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    fuzz_rig(bytes, n);
    return 0;
}
