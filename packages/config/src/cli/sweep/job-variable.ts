/** What a sweep tells the process of one of its jobs, in this environment variable as JSON. */
export const sweepJobVariable = 'CROSSCHECK_SWEEP_JOB';
