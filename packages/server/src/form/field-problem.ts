import { CrosscheckError } from '@crosscheck/contract';

/** One thing that is wrong with one field, in FastAPI's words. */
export interface FieldProblem {
  type:
    | 'missing'
    | 'extra_forbidden'
    | 'too_many'
    | 'string_type'
    | 'string_unicode'
    | 'string_too_long'
    | 'file_type'
    | 'value_error';
  loc: (string | number)[];
  msg: string;
  ctx?: Record<string, number>;
}

/** An error about fields; the list travels as its cause. */
export function fieldsInvalid(problems: FieldProblem[]): CrosscheckError {
  const message = problems.map(({ loc, msg }) => `${loc.slice(1).join('.')}: ${msg}`).join('; ');
  return new CrosscheckError('CROSSCHECK_SERVER_FIELDS_INVALID', message, { cause: problems });
}

export function fieldProblemsOf({ code, cause }: CrosscheckError): FieldProblem[] | null {
  return code === 'CROSSCHECK_SERVER_FIELDS_INVALID' ? (cause as FieldProblem[]) : null;
}
