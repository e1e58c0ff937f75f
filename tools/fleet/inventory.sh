# Reads an inventory: README.md says what stands in it. Sourced after lib.sh.
# shellcheck shell=sh disable=SC2034,SC2154

# read_inventory FILE: sets inventory, and devices: a file with a line of eight words for each device,
# DEVICE TARGET SETTINGS POLICY SECRET DIR SOCKET OWNER, `-` where there is none.
read_inventory() {
  case $1 in -*) inventory=./$1 ;; *) inventory=$1 ;; esac
  [ -n "$inventory" ] || fail $exit_usage "which inventory? see --help"
  { [ -f "$inventory" ] && [ -r "$inventory" ]; } || fail $exit_inventory "$inventory: can't be read: name an inventory"
  devices=$work/devices
  case $inventory in */*) folder=${inventory%/*}/ ;; *) folder=./ ;; esac
  awk -v file="$inventory" -v folder="$folder" -f "$here/inventory.awk" <"$inventory" >"$devices" || exit $exit_inventory
  check_files || exit $exit_inventory
}

check_files() {
  wrong=0
  while read -r device target settings policy secret _ _ owner; do
    for file in "$settings" "$policy" "$secret" "$owner"; do
      [ "$file" = - ] || { [ -f "$file" ] && [ -r "$file" ]; } || wrong_file "$file: can't be read: mend its name or its mode"
    done
    [ "$secret" = - ] || [ ! -f "$secret" ] || check_private "$secret"
    [ ! -f "$settings" ] || [ -s "$settings" ] || wrong_file "$settings: is empty"
  done <"$devices"
  return $wrong
}
wrong_file() {
  printf '%s: %s: %s\n' "$inventory" "$device" "$1" >&2
  wrong=1
}
check_private() {
  # shellcheck disable=SC2012  # one file, and its mode only
  case $(ls -ldL "$1" | cut -c 1-10) in
    ?????[!w]?---) ;;
    *) wrong_file "$1: others can read or change it: chmod 600" ;;
  esac
}
# line_of DEVICE: its line of $devices.
line_of() {
  awk -v device="$1" '$1 == device { print; found = 1 } END { exit !found }' <"$devices" ||
    fail $exit_usage "$1: isn't in $inventory"
}
# settings_for DEVICE FILE: the file's text, with the device's name where it says @DEVICE@.
settings_for() { sed "s/@DEVICE@/$1/g" <"$2"; }
