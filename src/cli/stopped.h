/* What came of a stop that was asked for: the run's own verdict, when it has ended. */
#ifndef SECCM_CLI_STOPPED_H
#define SECCM_CLI_STOPPED_H

/* Waits until nobody writes that results file any more, at most a minute of real time, and prints how the run
 * ended and whether the rig was verified safe. Exit status: 0 it was; 3 it was not, or the file can not be
 * read; 1 the run is still at it. */
int stopped_tell(const char *results_path);

#endif
