// Package stdoutlog writes what the programs of a container log to the container's
// standard output, each line with the name of its program in front.
//
// The log files are the buffer in between. supervisord writes to them whether or
// not anybody reads standard output, and the Follower reads them as fast as its
// own output is taken, so that neither a program nor supervisord ever waits.
//
// A stream is one log through all its rotations: a queue of open files, the
// oldest first. inotify tells of new ones at once, because they may be renamed or
// removed again soon, and of new lines with a delay, so that many come together.
// How far each stream has been written is recorded below IMAGE_RUN_DIR, for a
// Follower that takes over from one that was killed.
package stdoutlog
