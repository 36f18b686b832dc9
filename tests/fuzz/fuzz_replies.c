/* Coverage-guided fuzzing of lines that instruments send; see tests/fuzz/inputs.h. */
#include "fuzz/inputs.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    fuzz_replies(bytes, n);
    return 0;
}
