import type { ErrorRow } from '../error-row.ts';

/** Codes of contract. */
export const contractErrors = {
  CROSSCHECK_COMMAND_INTERRUPTED: {
    meaning: 'Ctrl-C, SIGTERM or a closed terminal (SIGHUP) ended a command; the exit code is 130, 143 or 129',
    remedy: 'run it again; training goes on with `training.resume=<run folder>`',
  },
  CROSSCHECK_COMMAND_ENDED_EARLY: {
    meaning:
      'a command had nothing left to wait for before its work was done: a thread or connection went away without an answer',
    remedy: 'report it; `training.num_workers=0` loads without threads',
  },
  CROSSCHECK_OUTPUT_UNWRITABLE: {
    meaning:
      'a file or folder cannot be written: no space, no permission, a read-only file system, a file where a folder is needed',
    remedy:
      'the message names the place, the reason and the key to set; nothing half-written stands under the final name',
  },
  CROSSCHECK_RUN_FOLDER_IN_USE: {
    meaning: 'another run is at work in the run folder, or in the one that `training.resume` names',
    remedy: 'wait for it or end it, or choose another `hydra.run.dir`; a process that is gone holds nothing',
  },
  CROSSCHECK_INPUT_UNREADABLE: {
    meaning: 'a file is there, but may not be read',
    remedy: 'give the user that runs the command the right to read it',
  },
  CROSSCHECK_LABELS_MIXED: {
    meaning:
      'a checkpoint, an `artifact.json` or an ONNX file says that its labels mean something else than 0 = REAL, 1 = FAKE',
    remedy:
      'make the file again; read a checkpoint that was trained elsewhere on 1 = REAL with `model.positive_class=real`',
  },
} as const satisfies Record<string, ErrorRow>;
