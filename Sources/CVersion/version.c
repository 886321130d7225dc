#include "cversion.h"

// A file of its own, so that another commit compiles nothing else.
#ifndef GFN_COMMIT
#define GFN_COMMIT "unknown"
#endif

const char *gfn_commit(void) { return GFN_COMMIT; }
