// Loaded before the C library (LD_PRELOAD), this makes calls that change files fail, or ends the process at one of them. It is told by the
// environment, and has no functions of its own:
//   GFN_FAULTS_UNDER  the folder, absolute, below which calls are counted
//   GFN_FAULTS_AT     from which call on, counted from 1
//   GFN_FAULTS_KIND   kill: SIGKILL instead of that call; half: that write, or the next, writes half of its bytes and says so;
//                     ENOSPC, EIO, EDQUOT, EROFS: that call and all later ones fail so, but for those that remove
//   GFN_FAULTS_LOG    a file that gets a line for each call
#ifndef FILE_FAULTS_H
#define FILE_FAULTS_H
#endif
