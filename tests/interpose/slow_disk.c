/* Preloaded into a program under test, lets its disk stand still once: as soon as the file that
 * SECCM_SLOW_DISK names is there, the next fsync(2) or fdatasync(2) removes it and takes
 * SECCM_SLOW_DISK_SECONDS longer. */
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void stand_still(void)
{
    const char *sign = getenv("SECCM_SLOW_DISK"), *seconds = getenv("SECCM_SLOW_DISK_SECONDS");
    if (!sign || !seconds || unlink(sign) != 0)
        return;
    unsigned left = (unsigned)atoi(seconds);
    while (left > 0)
        left = sleep(left);
}

int fsync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    stand_still();
    return real(fd);
}

int fdatasync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    stand_still();
    return real(fd);
}
