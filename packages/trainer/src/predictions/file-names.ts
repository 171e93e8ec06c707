/** What `pnpm evaluate` leaves in its run folder, and `pnpm train` of validation in its own. `pnpm compare` reads both. */
export const resultsFile = 'eval_results.json';
export const predictionsFile = 'predictions.csv';
export const validationResultsFile = 'val_results.json';
export const validationPredictionsFile = 'val_predictions.csv';
