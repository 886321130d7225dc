// Open MPI's handles are cast macros, which Swift cannot import; each gets an accessor.
#pragma once
#include <mpi.h>

static inline MPI_Comm gfn_comm_world(void) { return MPI_COMM_WORLD; }
static inline MPI_Comm gfn_comm_null(void) { return MPI_COMM_NULL; }
static inline MPI_Errhandler gfn_errors_return(void) { return MPI_ERRORS_RETURN; }
static inline MPI_Info gfn_info_null(void) { return MPI_INFO_NULL; }
static inline MPI_Request gfn_request_null(void) { return MPI_REQUEST_NULL; }
static inline MPI_Status *gfn_status_ignore(void) { return MPI_STATUS_IGNORE; }
static inline void *gfn_in_place(void) { return MPI_IN_PLACE; }
static inline MPI_Datatype gfn_byte(void) { return MPI_BYTE; }
static inline MPI_Datatype gfn_int64(void) { return MPI_INT64_T; }
static inline MPI_Datatype gfn_float(void) { return MPI_FLOAT; }
static inline MPI_Op gfn_sum(void) { return MPI_SUM; }
static inline MPI_Op gfn_max(void) { return MPI_MAX; }
