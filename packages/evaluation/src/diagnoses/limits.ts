/** Where a figure begins to mean something is wrong; docs/troubleshooting.md explains each. */
export const limits = {
  /** A label of which a smaller share is found counts as never given. */
  foundShare: 0.1,
  /** Below this ROC-AUC, what a model has learned can hardly be told from nothing. */
  learnedAuc: 0.6,
  /** The lowest validation loss, as a share of the loss of a constant answer, from which on nothing was learned. */
  nearPriorLoss: 0.98,
  /** From this balanced accuracy on, a model is of use although the commoner label alone would be right as often. */
  usefulBalancedAccuracy: 0.75,
  /** From this share of the commoner label on, posts count as unbalanced. */
  unbalanced: 0.6,
  /**
   * Training's accuracy above validation's: by so much, and the 95 % interval of that by so much. Training's is measured with dropout on and while
   * weights still change, so runs that learn well end with a gap around 0 (the demo: −0.01 to −0.03), or below 0.1 with a few epochs too many.
   */
  accuracyGap: 0.1,
  accuracyGapBeyondChance: 0.03,
  /** The last validation loss, as a multiple of the lowest, and as a share of the loss of a constant answer. */
  lossRise: 1.5,
  lossRiseOfPrior: 0.5,
  /** Share of steps that had no finite loss or gradient. */
  skippedShare: 0.01,
  /** An epoch's training loss as a multiple of the loss at the start, and of that of a constant answer. */
  lossSpike: 3,
  /** A phase's last training loss as a multiple of its first epoch's. */
  lossUpturn: 1.1,
  /** Of a learning rate at which Adam has often broken a network that then learns nothing. */
  highRate: 0.01,
  /** Share by which the training loss must fall over a run. */
  lossFall: 0.02,
  /** Temperatures beyond these say that the logits, not their scale, are wrong. */
  temperature: { low: 0.25, high: 4 },
} as const;
