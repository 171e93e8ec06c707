import { CrosscheckError } from '../errors/errors.ts';

/** Quotes text for a POSIX shell. */
const quote = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** This program with its Node options, as the shell must call it. */
function selfCall(): string {
  return [process.execPath, ...process.execArgv, process.argv[1] as string].map(quote).join(' ');
}

/** A command's name as part of a shell's own names: `score:split` has a colon in it. */
const idOf = (name: string) => name.replaceAll(/\W/g, '_');

const scripts: Record<string, (name: string, call: string) => string> = {
  bash: (name, call) => `# eval "$(pnpm --silent ${name} --shell-completion install=bash)"
_crosscheck_${idOf(name)}() {
  local words=("\${COMP_WORDS[@]:2:COMP_CWORD-1}") IFS=$'\\n'
  # bash splits words at = and :, which belong to an override
  local line="\${COMP_LINE:0:COMP_POINT}"
  local word="\${line##* }"
  COMPREPLY=($(${call} --shell-completion query=bash -- "$word" 2>/dev/null))
  local head="\${word%"\${word##*[=:]}"}"
  COMPREPLY=("\${COMPREPLY[@]#"$head"}")
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} != *[=.] ]] || compopt -o nospace
}
# a script that is evaluated again must not take itself for what was there before
if ! declare -F _crosscheck_${idOf(name)}_pnpm >/dev/null; then
  _crosscheck_${idOf(name)}_before="$(complete -p pnpm 2>/dev/null | sed -n 's/.*-F \\([^ ]*\\).*/\\1/p')"
  complete -o default -F _crosscheck_${idOf(name)}_pnpm pnpm
fi
_crosscheck_${idOf(name)}_pnpm() {
  if [[ "\${COMP_LINE:0:COMP_POINT}" =~ ^[[:space:]]*[^[:space:]]+[[:space:]]+${name}[[:space:]] ]]; then _crosscheck_${idOf(name)}
  elif [[ -n $_crosscheck_${idOf(name)}_before ]]; then "$_crosscheck_${idOf(name)}_before" "$@"
  fi
}
`,
  zsh: (name, call) => `# eval "$(pnpm --silent ${name} --shell-completion install=zsh)"
autoload -Uz compinit && (( $+functions[compdef] )) || compinit
if (( ! $+functions[_crosscheck_${idOf(name)}] )); then
  _crosscheck_${idOf(name)}_before="\${_comps[pnpm]:-}"
  compdef _crosscheck_${idOf(name)} pnpm
fi
_crosscheck_${idOf(name)}() {
  if [[ \${words[2]} == ${name} && CURRENT -ge 3 ]]; then
    local -a found
    found=("\${(@f)$(${call} --shell-completion query=zsh -- "\${words[CURRENT]}" 2>/dev/null)}")
    found=("\${(@)found:#}")
    if (( $#found )); then compadd -Q -S '' -- "\${found[@]}"; else compset -P '*='; _files; fi
  elif [[ -n $_crosscheck_${idOf(name)}_before ]]; then
    "$_crosscheck_${idOf(name)}_before"
  fi
}
`,
  fish: (name, call) => `# pnpm --silent ${name} --shell-completion install=fish | source
function __crosscheck_${idOf(name)}
    set -l word (commandline -ct)
    set -l found (${call} --shell-completion query=fish -- "$word" 2>/dev/null | string match -v '')
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        set -l head (string match -r '^[^=]*=' -- "$word")
        for file in (__fish_complete_path (string replace -r '^[^=]*=' '' -- "$word"))
            echo "$head$file"
        end
    end
end
complete -c pnpm -f -n 'test (count (commandline -opc)) -ge 2; and test (commandline -opc)[2] = ${name}' -a '(__crosscheck_${idOf(name)})'
`,
};

/**
 * The script that a shell evaluates to complete `pnpm <name> …`; other words keep the completion they had.
 *
 * @throws CROSSCHECK_CLI_FLAG
 */
export function completionScript(shell: string, name: string): string {
  const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
  if (script !== undefined) return script(name, selfCall());
  const message = `no completion for the shell "${shell}"; available: ${Object.keys(scripts).join(', ')}`;
  throw new CrosscheckError('CROSSCHECK_CLI_FLAG', message);
}
