# What the scripts of a fleet share: options, devices at once, the way to a device, and results. Sourced, with `program`
# and `here` set. POSIX sh, awk, sed and tr.
# awk reads standard input: it takes a file whose name is like x=1 for an assignment.
# shellcheck shell=sh disable=SC2034,SC2154  # options come by name, and are used by who sources this

umask 077
set -f  # words are split, never globbed
exit_some=1 exit_usage=64 exit_later=75 exit_inventory=78

complain() { printf '%s: %s\n' "$program" "$*" >&2; }
fail() {
  code=$1
  shift
  complain "$*"
  exit "$code"
}
usage() { sed -n '/^#!/d;/^#/!q;s/^# \{0,1\}//p' "$0"; }

# parse_options WORD…: `--name VALUE` (or --name=VALUE) for each name in $takes sets opt_name, `--name` for each in $flags
# sets opt_name=yes; what is left stands in $operand.
parse_options() {
  operand=
  while [ $# -gt 0 ]; do
    name=${1#--} value='' has_value=''
    case $1 in
      --help) usage; exit 0 ;;
      --*=*) value=${name#*=} name=${name%%=*} has_value=yes ;;
      --*) ;;
      *)
        [ -z "$operand" ] || fail $exit_usage "$1: one operand is enough; see --help"
        operand=$1
        shift
        continue ;;
    esac
    shift
    case $name in *[!a-z-]* | '') fail $exit_usage "--$name: no such option; see --help" ;; esac
    case " $flags " in
      *" $name "*)
        [ -z "$has_value" ] || fail $exit_usage "--$name takes no value"
        value=yes ;;
      *)
        case " $takes " in *" $name "*) ;; *) fail $exit_usage "--$name: no such option; see --help" ;; esac
        if [ -z "$has_value" ]; then
          [ $# -gt 0 ] || fail $exit_usage "--$name needs a value"
          value=$1
          shift
        fi ;;
    esac
    eval "opt_$(printf '%s' "$name" | tr - _)=\$value"
  done
}

# Checks what the options hold, and makes the folder $work, which goes with the script.
begin() {
  case $opt_jobs in *[!0-9]* | '' | 0* | ????*) fail $exit_usage "--jobs: a number from 1 to 999" ;; esac
  seconds_of --timeout "$opt_timeout" >/dev/null || exit
  ssh=$opt_ssh
  tries=0
  work=${TMPDIR:-/tmp}/devkey-fleet.$$
  until mkdir "$work" 2>/dev/null; do  # one that was killed may have left its own
    tries=$((tries + 1))
    work=${TMPDIR:-/tmp}/devkey-fleet.$$.$tries
    [ $tries -lt 10 ] || fail 74 "$work: can't be made: set TMPDIR"
  done
  lock='' workers=''
  trap 'clean_up' EXIT
  trap 'interrupted 130' INT
  trap 'interrupted 143' TERM
  trap 'interrupted 129' HUP
  trap 'interrupted 141' PIPE
}
# seconds_of OPTION DURATION: 1m30s is 90.
seconds_of() {
  printf '%s\n' "$2" | grep -Eqx '([0-9]{1,6}[smh])+' || fail $exit_usage "$1: expected a duration: 90s, 5m, 1h30m"
  printf '%s\n' "$2" | sed 's/[smh]/& /g' | awk '{
    for (at = 1; at <= NF; at++) sum += $at * ($at ~ /h$/ ? 3600 : $at ~ /m$/ ? 60 : 1)
    print sum
  }'
}
defaults() {
  opt_jobs=8 opt_timeout=90s opt_results='' opt_become='' opt_user=devkeyd opt_json='' opt_inventory=${FLEET_INVENTORY:-}
  opt_ssh=${FLEET_SSH:-ssh -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15}
}
interrupted() {
  trap '' INT TERM HUP PIPE
  # shellcheck disable=SC2086  # a list
  [ -z "$workers" ] || kill -TERM $workers 2>/dev/null
  wait
  complain "interrupted: what is done stands in the results; run it again to go on"
  exit "$1"
}
clean_up() {
  [ -z "$lock" ] || rm -f "$lock"
  rm -rf "$work"
}

# The folder of results, for one script at a time.
take_results() {
  results=${opt_results:-$inventory.results}
  mkdir -p "$results" || exit 74
  tries=0
  me=$$@$(uname -n)
  until ln -s "$me" "$results/.lock" 2>/dev/null; do
    holder=$(readlink "$results/.lock")
    if [ -n "$holder" ]; then
      is_dead "$holder" || fail $exit_later "process ${holder%%@*} on ${holder#*@} works with $results: wait for it" \
        "(if it is none of these scripts, remove $results/.lock)"
      take_from_dead "$holder"
    fi
    tries=$((tries + 1))
    [ $tries -lt 10 ] || fail 74 "$results/.lock: can't be made: may this user write there?"
  done
  lock=$results/.lock
}
# is_dead PROCESS@HOST: another host's can't be told, nor can any where ps doesn't know -p. `kill -0` fails for another user's, too.
is_dead() {
  [ "${1#*@}" = "$(uname -n)" ] && ! kill -0 "${1%%@*}" 2>/dev/null &&
    ps -p $$ >/dev/null 2>&1 && ! ps -p "${1%%@*}" >/dev/null 2>&1
}
# take_from_dead PROCESS@HOST: removes the lock of one that was killed; of many that try, one does, and while it is that one's.
take_from_dead() {
  mine=$results/.lock.of.$1
  ln -s "$me" "$mine" 2>/dev/null || fail $exit_later "another script begins to work with $results: wait for it (if none does, remove $mine)"
  [ "$(readlink "$results/.lock")" != "$1" ] || rm -f "$results/.lock"
  rm -f "$mine"
}

# for_each FUNCTION FILE: calls it with the words of each line of the file (of the inventory's form), $opt_jobs at once.
for_each() {
  mkdir "$work/claims"
  workers=
  count=0
  while [ "$count" -lt "$opt_jobs" ]; do
    work_through "$1" "$2" &
    workers="$workers $!"
    count=$((count + 1))
  done
  for worker in $workers; do wait "$worker"; done
  workers=
  rm -r "$work/claims"
}
# Each worker takes the next device that none has taken; with whoever started it gone, it takes no more.
work_through() {
  child=
  trap - EXIT
  trap '[ -z "$child" ] || kill "$child" 2>/dev/null; exit 143' TERM
  while read -r device rest; do
    mkdir "$work/claims/$device" 2>/dev/null || continue
    kill -0 $$ 2>/dev/null || exit 0
    # shellcheck disable=SC2086  # the line's words
    "$1" "$device" $rest </dev/null
  done <"$2"
}

quoted() {
  case $1 in
    *\'*) printf "'%s' " "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")" ;;
    *) printf "'%s' " "$1" ;;
  esac
}
# command_of SCRIPT WORD…: for the device's shell: the script of on_device/ with these words.
command_of() {
  script=$(cat "$here/on_device/$1") || exit 70
  shift
  printf '%s sh -c ' "$opt_become"
  quoted "$script"
  for word in fleet "$@"; do quoted "$word"; done
}
# run_on DEVICE TARGET COMMAND [FEED]: its standard output and error go to $work/DEVICE.out and .err; ends as it does. What
# the function FEED writes is its standard input. In the background, so that a signal ends it, too.
run_on() {
  # shellcheck disable=SC2086  # a command and its words
  "${4:-:}" | $ssh "$2" "$3" >"$work/$1.out" 2>"$work/$1.err" &
  child=$!
  wait "$child"
  code=$?
  child=
  return "$code"
}
last_step() { sed -n 's/^step //p' "$work/$1.out" | tail -n 1; }
status_line() { LC_ALL=C awk -f "$here/status_line.awk" <"$work/$1.out"; }
# What the device said in the end; with --json devkeyctl says it on standard output.
last_words() {
  words=$(sed '/^[[:space:]]*$/d' "$work/$1.err" | tail -n 1)
  [ -n "$words" ] || words=$(value_of "$(grep '^{"version":1,"answer":"failed"' "$work/$1.out" | tail -n 1)" detail)
  printf '%s\n' "$words"
}

# value_of JSON-LINE FIELD [OBJECT]: the first such field (of that object); nothing where there is none.
value_of() {
  printf '%s\n' "$1" | awk -v field="\"$2\":" -v object="${3-}" '{
    if (object != "") {
      object = "\"" object "\":{"
      at = index($0, object)
      if (!at) exit
      $0 = substr($0, at + length(object))
    }
    at = index($0, field)
    if (!at) exit
    rest = substr($0, at + length(field))
    if (rest ~ /^"/) { match(substr(rest, 2), /^([^"\\]|\\.)*/); print substr(rest, 2, RLENGTH) }
    else { match(rest, /^[^],}]*/); print substr(rest, 1, RLENGTH) }
  }'
}
# shown TEXT: as a terminal and JSON can take it from a device: what isn't printable ASCII is `?`, and it is cut.
shown() { printf '%s' "$1" | LC_ALL=C tr '\001-\037\177-\377' '[?*]' | cut -c 1-400; }
json_text() {
  case $1 in
    *[!A-Za-z0-9\ .,:\;/_@-]*) ;;
    *)
      printf '"%s"' "$1"
      return ;;
  esac
  printf '"%s"' "$(shown "$1" | sed 's/[\\"]/\\&/g')"
}
now() { date -u +%Y-%m-%dT%H:%M:%SZ; }

# told_id STATUS-LINE: the device's id, as JSON has it; nothing where it is no text.
told_id() { case ${1#*\"device\":} in \"*) value_of "$1" device ;; esac; }
# id_of DEVICE: the one that was noted, as it is.
id_of() { result_of "$1" device_id | sed 's/\\\(.\)/\1/g'; }
# other_with DEVICE ID: another device of the inventory that has this name, or this id noted; nothing where there is none.
# Without any backslash, so that it is the same however JSON has it.
other_with() {
  but=$1 id=$2 results=$results awk '
    BEGIN {
      id = ENVIRON["id"]
      gsub(/\\/, "", id)
    }
    $1 "" == ENVIRON["but"] "" { next }
    {
      text = noted = ""
      file = ENVIRON["results"] "/" $1 ".json"
      getline text <file
      close(file)
      sub(/,"status":.*/, "", text)
      if (match(text, /,"device_id":"([^"\\]|\\.)*"/)) noted = substr(text, RSTART + 14, RLENGTH - 15)
      gsub(/\\/, "", noted)
    }
    $1 "" == id "" || noted "" == id "" { print $1; exit }' <"$devices"
}
# wrong_id DEVICE TOLD-ID: why this can't be its id, for who reads it; nothing where it can. Else it could have another's keys
# revoked.
wrong_id() {
  other=$(other_with "$1" "$2")
  noted=$(result_of "$1" device_id)
  if [ -n "$other" ]; then
    echo "it says an id that is $other's: mend device.id in its settings, or remove $results/$other.json if that is wrong: it says $2"
    return
  fi
  case $2 in
    -*) echo "it says an id that revoke would take for an option: mend device.id in its settings: it says $2" ;;
    "$noted") ;;
    *)
      [ -z "$noted" ] ||
        echo "it says another id than is noted: if it is another device now, revoke the old one and remove $results/$1.json: it says $2" ;;
  esac
}

# write_result DEVICE TARGET RESULT EXIT-CODE DETAIL STATUS-LINE [PUSHED]: as one file, whole or not at all; and tells it.
write_result() {
  id=$(result_of "$1" device_id)  # it stays what it is
  told=$(told_id "$6")
  wrong=${told:+$(wrong_id "$1" "$told")}
  if [ -n "$wrong" ]; then
    set -- "$1" "$2" wrong-id "$(($4 ? $4 : exit_some))" "$wrong" "$6" "${7-}"
  else
    id=${told:-$id}
  fi
  {
    printf '{"version":1,"device":%s,"target":%s' "$(json_text "$1")" "$(json_text "$2")"
    printf ',"result":%s,"exit_code":%d,"detail":%s,"at":"%s"' "$(json_text "$3")" "$4" "$(json_text "$5")" "$(now)"
    [ -z "${7-}" ] || printf ',"pushed":%s' "$(json_text "$7")"
    [ -z "$id" ] || printf ',"device_id":"%s"' "$id"
    [ -z "$6" ] || printf ',"status":%s' "$6"
    printf '}\n'
  } >"$results/.$1.json.new" && mv -f "$results/.$1.json.new" "$results/$1.json" || exit 74
  tell "$1" "$3" "$4" "$5"
}
# tell DEVICE RESULT EXIT-CODE DETAIL: a line for who watches, and a mark for the end's account.
tell() {
  echo "$3" >"$work/ended.$1"
  [ -n "$opt_json" ] || printf '%-24s %s%s\n' "$1" "$2" "${4:+: $(shown "$4")}"
}
# result_of DEVICE FIELD: of what stands before the status, which is the device's own words.
result_of() {
  [ -f "$results/$1.json" ] || return 0
  text=$(cat "$results/$1.json")
  value_of "${text%%,\"status\":*}" "$2"
}
# Whether it has left the fleet.
is_gone() { case $(result_of "$1" result) in retired | revoked) ;; *) return 1 ;; esac; }

# count_ended FILE: sets good and bad: how many of the file's devices ended with 0, and how many with anything else or not.
count_ended() {
  good=0 bad=0
  while read -r device rest; do
    if [ "$(cat "$work/ended.$device" 2>/dev/null)" = 0 ]; then good=$((good + 1)); else bad=$((bad + 1)); fi
  done <"$1"
}
# as_list FILE PREFIX SUFFIX: the JSON objects in PREFIX/DEVICE.SUFFIX, with commas between them.
as_list() {
  comma=
  while read -r device rest; do
    [ -f "$2$device$3" ] || continue
    printf '%s' "$comma"
    tr -d '\n' <"$2$device$3"
    comma=,
  done <"$1"
}
