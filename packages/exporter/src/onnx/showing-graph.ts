import type { Graph } from '@crosscheck/network';

/** A graph that gives values of its inside beside its outputs; the runtime finds out their shapes. */
export interface ShowingGraph extends Graph {
  /** Names of float32 values. */
  shown: readonly string[];
}

export const shownBy = (graph: Graph): readonly string[] => ('shown' in graph ? (graph as ShowingGraph).shown : []);
