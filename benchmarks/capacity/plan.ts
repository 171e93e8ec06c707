/** What is not measured here but chosen: change it on the command line. */
export interface Assumptions {
  /** The busiest minutes of a day over its mean. */
  peak: number;
  /** Share of a core that is planned to be busy at the peak; the rest swallows bursts and lost pods. */
  utilization: number;
  coresPerPod: number;
  /** So that one may fail or be updated. */
  leastPods: number;
  dollarsPerCoreHour: number;
}

export const usualAssumptions: Assumptions = {
  peak: 3,
  utilization: 0.6,
  coresPerPod: 2,
  leastPods: 2,
  dollarsPerCoreHour: 0.04,
};

/** What a service needs for so many posts a day. */
export interface ServicePlan {
  postsPerDay: number;
  meanPerSecond: number;
  peakPerSecond: number;
  podsAtPeak: number;
  /** Over a day, when pods follow the load; never fewer than the least. */
  podsOnAverage: number;
  dollarsPerMonth: number;
  dollarsPerMillion: number;
}

const secondsPerDay = 86_400;
const hoursPerMonth = 730;

/** @param perCore posts per second that one core answers */
export function planService(postsPerDay: number, perCore: number, assumptions: Assumptions): ServicePlan {
  const { peak, utilization, coresPerPod, leastPods, dollarsPerCoreHour } = assumptions;
  const perPod = perCore * coresPerPod * utilization;
  const meanPerSecond = postsPerDay / secondsPerDay;
  const podsOnAverage = Math.max(leastPods, meanPerSecond / perPod);
  const dollarsPerHour = podsOnAverage * coresPerPod * dollarsPerCoreHour;
  return {
    postsPerDay,
    meanPerSecond,
    peakPerSecond: meanPerSecond * peak,
    podsAtPeak: Math.max(leastPods, Math.ceil((meanPerSecond * peak) / perPod)),
    podsOnAverage,
    dollarsPerMonth: dollarsPerHour * hoursPerMonth,
    dollarsPerMillion: (dollarsPerHour * 24 * 1e6) / postsPerDay,
  };
}

/** What a Job needs that judges so many posts once; it waits for nobody, so its cores are busy all the time. */
export interface BatchPlan {
  posts: number;
  coreHours: number;
  hoursOn100Cores: number;
  dollars: number;
}

export function planBatch(posts: number, perCore: number, { dollarsPerCoreHour }: Assumptions): BatchPlan {
  const coreHours = posts / perCore / 3600;
  return { posts, coreHours, hoursOn100Cores: coreHours / 100, dollars: coreHours * dollarsPerCoreHour };
}
