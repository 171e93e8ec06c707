export { type ColumnNames, type ColumnPositions, describeShape } from './columns.ts';
export {
  createImageLocator,
  type FoundImage,
  type ImageLocator,
  type ImagePlaces,
  isInside,
  type LostImage,
  showPath,
} from './images/locate.ts';
export { createMeaningCheck, type MeaningCheck } from './label-meaning.ts';
export {
  createLabelReader,
  describeUnknownWords,
  isMissing,
  type LabelReader,
  type LabelRules,
  type LabelWords,
  type WordCounts,
} from './labels.ts';
export { countRest, type RestOfFile } from './records/count-rest.ts';
export type { FileRow, ReadingOptions } from './records/file-row.ts';
export { isJsonLines } from './records/json-rows.ts';
export { type OpenOptions, type OpenPosts, openPosts } from './records/open-posts.ts';
export { readRows, readText } from './records/read-rows.ts';
