/* hal/short.h: short names that all of Mortise uses. Other kernels have names like these, so no header
 * that they take with mm/ defines or includes them. */
#ifndef HAL_SHORT_H
#define HAL_SHORT_H

#include "hal/base.h"

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)
#define TIB ((uint64_t)1 << 40)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define UNUSED(x)    ((void)(x))

#endif
