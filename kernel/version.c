#include "kernel/version.h"

const char mortise_commit[] = MORTISE_COMMIT;
