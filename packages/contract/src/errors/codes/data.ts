import type { ErrorRow } from '../error-row.ts';

/** Codes of data. */
export const dataErrors = {
  CROSSCHECK_DATA_NOT_FOUND: {
    meaning: 'a file of posts does not exist, or is a folder; a folder of images does not exist',
    remedy:
      'the message says where it looked: set `data.root_dir`, `data.{train,val,test}_file`, `inference.batch.csv_file` or `inference.batch.root_dir`, or make demo posts with `pnpm data:demo`',
  },
  CROSSCHECK_DATA_ENCODING: {
    meaning:
      'a file of posts is neither UTF-8 nor UTF-16 with a byte order mark, holds NUL characters, or is not what `encoding` says',
    remedy:
      'save it as UTF-8, or read it with `data.encoding=latin1` (`encoding=latin1` for `data:*`); the message names the line and the byte',
  },
  CROSSCHECK_DATA_BROKEN_CSV: {
    meaning:
      'a quote in a file of posts is never closed, closes before other text, or takes whole rows into its cell; or a record is longer than a mebibyte',
    remedy: 'look at the line on which the quote opens; double the quotes inside quoted text',
  },
  CROSSCHECK_DATA_MISSING_COLUMN: {
    meaning: 'a file of posts lacks the text, image or label column',
    remedy:
      'set `data.text_column`, `data.image_column`, `data.label_column` to the names that the message lists; where it found one cell only, set `data.delimiter`',
  },
  CROSSCHECK_DATA_BAD_ROW: {
    meaning: 'a row has more or fewer cells than the header',
    remedy: 'quote cells that hold commas or line breaks',
  },
  CROSSCHECK_DATA_BAD_LABEL: {
    meaning: 'a label is not 0, 1, REAL or FAKE',
    remedy:
      'say what every word means with `data.labels={Genuine: REAL, Hoax: FAKE}` (`labels=` for `data:*`), write 0 for REAL and 1 for FAKE, or leave such rows out with `data.on_bad_sample=skip`',
  },
  CROSSCHECK_DATA_BAD_LABELS: {
    meaning: '`data.labels` maps a word to something else than REAL or FAKE, or to both',
    remedy: 'write `{word: REAL, other word: FAKE}`',
  },
  CROSSCHECK_DATA_EMPTY_POST: {
    meaning: 'a row has neither a picture nor words',
    remedy: 'fill in one of them, or leave such rows out with `data.on_bad_sample=skip`',
  },
  CROSSCHECK_DATA_MISSING_IMAGE: {
    meaning:
      'the picture of a row does not exist, is a folder, a device, a pipe or an empty file, or its cell is blank',
    remedy:
      'restore the file, set `data.images_dir` or `data.images_dir_{train,val,test}`, or leave such rows out with `data.on_bad_sample=skip`; posts without a picture need `model.missing_modality=learned`',
  },
  CROSSCHECK_DATA_IMAGE_OUTSIDE: {
    meaning: 'the path of an image leads out of the images folder and the folder of its file of posts',
    remedy:
      'move it there, or allow it with `data.allow_outside_root=true`, `inference.batch.allow_outside_root=true`, `score.allow_outside_root=true` or `allow_outside_root=true`',
  },
  CROSSCHECK_DATA_AMBIGUOUS_IMAGE: {
    meaning: 'the name of an image fits two files; none is guessed',
    remedy: 'write the whole path; the message names both',
  },
  CROSSCHECK_DATA_BAD_SAMPLES: {
    meaning: 'rows of a manifest cannot be used, for more than one of the reasons above',
    remedy: 'repair the rows that the message lists, or leave them out with `data.on_bad_sample=skip`',
  },
  CROSSCHECK_DATA_NO_SAMPLES: {
    meaning: 'nothing is left to train on: no rows, no usable row, or no readable picture',
    remedy: 'see the rows that the message or the warnings before it list',
  },
  CROSSCHECK_DATA_TOO_MANY_FAILED: {
    meaning: 'a `data:*` command could use no row, or lost more than `max_failed_share`; no CSV was written',
    remedy: "the message names the commonest reason, the ledger every row's",
  },
  CROSSCHECK_DATA_BAD_OPTION: {
    meaning: 'a batch size, a number of workers or an argument of a `data:*` command is out of range or unknown',
    remedy: 'the message lists what is allowed',
  },
  CROSSCHECK_DATA_WORKER_DIED: {
    meaning: 'a thread that decodes pictures stopped, mostly for lack of memory',
    remedy: 'lower `training.num_workers`; 0 decodes without threads',
  },
  CROSSCHECK_DATA_DEMO_SIZE: {
    meaning: 'a split of the demo posts cannot be balanced, or there are fewer different captions than posts',
    remedy: 'ask for an even number of at least 4 posts, or for fewer',
  },
  CROSSCHECK_DATA_DEMO_FOLDER: {
    meaning: 'the folder for demo posts holds a `train.csv`, `val.csv` or `test.csv` of another origin',
    remedy: 'choose another `dir`; nothing was changed',
  },
  CROSSCHECK_DATA_LABEL_MEANING: {
    meaning:
      'labels mean the opposite of ours: `data.label_column=2_way_label`, labels that agree with a column `2_way_label` beside them, or a Fakeddit TSV whose `2_way_label` contradicts its 3- and 6-way labels',
    remedy:
      'make the CSV with `pnpm data:fakeddit` from the TSV as it is published: it turns the labels into 0 = REAL, 1 = FAKE; or say what they mean with `data.labels={"1": REAL, "0": FAKE}`',
  },
  CROSSCHECK_DATA_BROKEN_JSON: {
    meaning: 'a JSON or JSONL file is cut or damaged, or does not begin with an object',
    remedy:
      'put one object on each line, name the file `.csv` if it is one, or download it again; the message names the line',
  },
  CROSSCHECK_DATA_UNEXPECTED_JSON: {
    meaning: 'a JSON file of a source holds something else than its data set publishes',
    remedy: 'use the file that the message describes',
  },
  CROSSCHECK_DATA_BROKEN_PARQUET: {
    meaning:
      'a parquet file is damaged, compressed with something else than Snappy, or takes more memory or work than one of its size can',
    remedy: 'download it again, or write it anew with Snappy',
  },
  CROSSCHECK_DATA_BROKEN_TFRECORD: {
    meaning:
      'a TFRecord file is cut, damaged or gzipped: a checksum or a length is wrong, or a record is no `tf.train.Example`',
    remedy: 'copy it again, or decompress it first',
  },
  CROSSCHECK_DATA_UNEXPECTED_TFRECORD: {
    meaning: 'the records lack the features that the AC215 system writes',
    remedy: 'the message lists the features that are there',
  },
  CROSSCHECK_DATA_FFMPEG_MISSING: {
    meaning: '`pnpm data:video` finds no ffmpeg',
    remedy: 'install it (Debian: `apt-get install ffmpeg`)',
  },
  CROSSCHECK_DATA_VIDEO_UNREADABLE: {
    meaning: 'ffmpeg can read no length or no frame from a video',
    remedy: 'replace the file; such videos are left out and stand in the ledger',
  },
  CROSSCHECK_DATA_ONE_CLASS: {
    meaning:
      'all posts of train, val, test or of the calibration have one label, or all of them that `data.n_rows` leaves',
    remedy:
      'set `data.n_rows=-1` when the file is sorted by label, look at `data.label_column`, divide anew with `pnpm data:split`; `data.on_one_class=warn` goes on',
  },
  CROSSCHECK_DATA_OVERLAP: {
    meaning: 'train and val share posts: the same picture with the same words',
    remedy: 'divide them anew with `pnpm data:split`, or accept it with `data.on_overlap=warn`',
  },
  CROSSCHECK_DATA_SPLIT_OVERWRITES: {
    meaning: '`pnpm data:split` would write over the CSVs that it reads',
    remedy: 'choose another `dir`',
  },
} as const satisfies Record<string, ErrorRow>;
