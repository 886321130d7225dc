// What Swift's module of the C library leaves out: extensions that every glibc has since 2.34.
#pragma once
#include <spawn.h>

// The current folder of the new process. 0, or the error number of the system, as those of <spawn.h>.
int gfn_spawn_add_folder(posix_spawn_file_actions_t *actions, const char *path);

// Closes every descriptor from `first` on.
int gfn_spawn_add_close_from(posix_spawn_file_actions_t *actions, int first);
