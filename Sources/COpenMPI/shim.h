// Open MPI's handles are cast macros, which Swift cannot import; each gets an accessor.
#pragma once
#include <mpi.h>

static inline MPI_Comm gfn_comm_world(void) { return MPI_COMM_WORLD; }
