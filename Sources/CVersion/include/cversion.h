/// Which source the program was built from.
#pragma once

#pragma clang assume_nonnull begin

/// The commit as `git describe` names it, from the environment variable GFN_COMMIT of the build; "unknown" without it.
const char *gfn_commit(void);

#pragma clang assume_nonnull end
