# Completion in bash for devkeyctl, devkeyd and devkey-server. Source it, or install it under each of these names in
# /usr/share/bash-completion/completions/. It offers what --help tells of the verbs typed so far: so it needs no list of its own.

# Reads a --help text: into `verbs` what may come next, into `kinds` each long option and what it takes.
_devkey_read() {
  local line in_verbs=''
  verbs=()
  while IFS= read -r line; do
    case $line in
      Subcommands:) in_verbs=yes ;;
      '') in_verbs='' ;;
    esac
    if [[ $in_verbs && $line =~ ^\ \ ([a-z][a-z-]*) ]]; then
      verbs+=("${BASH_REMATCH[1]}")
    elif [[ $line =~ ^\ +(-[A-Za-z],)?(--[a-z-]+)(\ ([A-Z]+(:\{[a-z,]+\})?))? ]]; then
      kinds[${BASH_REMATCH[2]}]=${BASH_REMATCH[4]}
      [ -z "${BASH_REMATCH[1]}" ] || kinds[${BASH_REMATCH[1]%,}]=${BASH_REMATCH[4]}
    fi
  done < <("$program" "${typed[@]}" --help 2>/dev/null </dev/null)
}

# What may stand behind the option `$1`.
_devkey_values() {
  if [[ ${kinds[$1]} =~ \{(.*)\} ]]; then
    mapfile -t COMPREPLY < <(compgen -W "${BASH_REMATCH[1]//,/ }" -- "$current")
  elif [[ $1 =~ ^--(config|socket|db|.*-file|tls-.*)$ ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}

_devkey() {
  local program=${COMP_WORDS[0]/#\~/$HOME} current=${COMP_WORDS[COMP_CWORD]} option='' word
  local -a verbs=() typed=()
  local -A kinds=()
  COMPREPLY=()
  _devkey_read
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [ "$word" = = ]; then
      continue  # bash parts --option=value into three words
    elif [ -n "$option" ]; then
      option=''
    elif [[ $word = -* ]]; then
      [ -z "${kinds[$word]:-}" ] || option=$word
    elif [[ " ${verbs[*]} " = *" $word "* ]]; then
      typed+=("$word")
      [ "${program##*/}" = devkeyctl ] || kinds=()  # it takes its own options behind a verb, too
      _devkey_read
    fi
  done
  [ "$current" != = ] || current=''
  if [ -n "$option" ]; then
    _devkey_values "$option"
  elif [[ $current = -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "${!kinds[*]}" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -W "${verbs[*]}" -- "$current")
  fi
}

complete -F _devkey devkeyctl devkeyd devkey-server
