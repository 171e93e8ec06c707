import { fail } from '../hydra/problems.ts';

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
_crosscheck_${idOf(name)}_before="$(complete -p pnpm 2>/dev/null | sed -n 's/.*-F \\([^ ]*\\).*/\\1/p')"
_crosscheck_${idOf(name)}_pnpm() {
  if [[ "\${COMP_LINE:0:COMP_POINT}" =~ ^[[:space:]]*[^[:space:]]+[[:space:]]+${name}[[:space:]] ]]; then _crosscheck_${idOf(name)}
  elif [[ -n $_crosscheck_${idOf(name)}_before ]]; then "$_crosscheck_${idOf(name)}_before" "$@"
  fi
}
complete -o default -F _crosscheck_${idOf(name)}_pnpm pnpm
`,
  zsh: (name, call) => `# eval "$(pnpm --silent ${name} --shell-completion install=zsh)"
autoload -Uz compinit && (( $+functions[compdef] )) || compinit
_crosscheck_${idOf(name)}_before="\${_comps[pnpm]:-}"
_crosscheck_${idOf(name)}() {
  if [[ \${words[2]} == ${name} && CURRENT -ge 3 ]]; then
    local -a found
    found=("\${(@f)$(${call} --shell-completion query=zsh -- "\${words[CURRENT]}" 2>/dev/null)}")
    compadd -Q -S '' -- \${(@)found:#}
  elif [[ -n $_crosscheck_${idOf(name)}_before ]]; then
    "$_crosscheck_${idOf(name)}_before"
  fi
}
compdef _crosscheck_${idOf(name)} pnpm
`,
  fish: (name, call) => `# pnpm --silent ${name} --shell-completion install=fish | source
function __crosscheck_${idOf(name)}
    set -l word (commandline -ct)
    ${call} --shell-completion query=fish -- "$word" 2>/dev/null
end
complete -c pnpm -f -n 'test (count (commandline -opc)) -ge 2; and test (commandline -opc)[2] = ${name}' -a '(__crosscheck_${idOf(name)})'
`,
};

/** The script that a shell evaluates to complete `pnpm <name> …`; other words keep the completion they had. */
export function completionScript(shell: string, name: string): string {
  const script = scripts[shell];
  if (script === undefined)
    return fail(
      'CROSSCHECK_CLI_FLAG',
      `no completion for the shell "${shell}"; available: ${Object.keys(scripts).join(', ')}`,
    );
  return script(name, selfCall());
}
