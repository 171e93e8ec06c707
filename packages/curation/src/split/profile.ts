/**
 * What kind of data limits are meant for. `out_of_context`: pictures and words are paired anew by design, true and false, so that they
 * repeat.
 */
export const limitProfiles = ['default', 'out_of_context'] as const;

export type LimitProfile = (typeof limitProfiles)[number];

/** Share of rows that may repeat a picture or the words of another one where that is not by design. */
export const mostRepeats = 0.05;

/** Rows with one picture that make it a placeholder, where nothing else is asked for. */
export const sharedRowsOf: Record<LimitProfile, number> = { default: 10, out_of_context: 0 };
