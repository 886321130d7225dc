#pragma once

// What the process has on its heap, counted at every allocation: linked into a program, this replaces malloc and its
// kin by ones that count and then call glibc's.

// The next peak is counted from what is allocated now.
void gfn_allocation_meter_begin(void);

// The most bytes that were allocated at a time since, beyond those at the beginning.
long gfn_allocation_meter_peak(void);

// The same for the calling thread alone, whatever others do meanwhile: what it allocates less what it frees.
void gfn_allocation_meter_begin_thread(void);
long gfn_allocation_meter_thread_peak(void);
