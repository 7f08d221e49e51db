/* Forced into the build of ggml on AMX machines. GCC before 14 says of _tile_loadconfig that it reads eight bytes of the sixty-four, and
   then drops the stores to the rest; the first matrix product faults. Named in llama.cpp's issue 20824. */
#if defined(__AMX_TILE__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>
#undef _tile_loadconfig
#define _tile_loadconfig(config) \
    __asm__ volatile("ldtilecfg %0" ::"m"(*(const char(*)[64])(config)))
#endif
