/* SHA-256 by Nettle. */
#include "results/sha256.h"

#include <stdint.h>
#include <stdio.h>

#include <nettle/sha2.h>

void sha256_hex(const void *bytes, size_t n, char text[65])
{
    struct sha256_ctx c;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&c);
    sha256_update(&c, n, bytes);
    sha256_digest(&c, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
}
