// Requests that arrive as signals, kept until the program asks. The handler only sets flags, which is all it may do.
#pragma once

// Replaces what SIGTERM, SIGINT, SIGUSR1 and SIGUSR2 do. 0, or the error number of the system.
int gfn_signals_install(void);

// The last of SIGTERM, SIGINT, SIGUSR1 that asked to stop, or 0; forgets it.
int gfn_signals_take_stop(void);

// The same without forgetting.
int gfn_signals_peek_stop(void);

// Whether SIGUSR2 asked to save; forgets it.
int gfn_signals_take_save(void);
