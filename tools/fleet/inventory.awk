# An inventory's lines, checked, with every field in its place. Tells all that is wrong, and ends with 1 then.

function wrong(what) {
  printf "%s:%d: %s\n", file, FNR, what | "cat >&2"
  bad = 1
}
function in_folder(path) { return path ~ /^\// ? path : folder path }
function put(key, value) {
  if (!(key in known)) wrong("unknown key '" key "': one of settings, policy, secret, dir, socket, owner")
  else if (key in set) wrong("'" key "' stands there twice")
  else if (value == "" || value == "-") wrong("'" key "' has no value: write " key "=VALUE")
  else if ((key == "dir" || key == "socket") && value !~ /^\//) wrong("'" key "' is a path on the device: begin it with /")
  set[key] = key == "dir" || key == "socket" ? value : in_folder(value)
}
function field(key, otherwise) { return key in set ? set[key] : otherwise }

BEGIN {
  count = split("settings policy secret dir socket owner", keys, " ")
  for (at = 1; at <= count; at++) known[keys[at]] = 1
}
{ sub(/\r$/, "") }
/^[ \t]*(#|$)/ { next }
{
  split("", set)
  if (NF < 3) {
    wrong("expected DEVICE TARGET SETTINGS-FILE [key=value…]")
    next
  }
  if ($1 !~ /^[A-Za-z0-9_][A-Za-z0-9._-]*$/ || length($1) > 200)
    wrong("the device's name has letters, digits, '.', '_', '-', begins with none of '.' and '-', and is no longer than 200")
  if ($1 in seen) wrong("the device stands in line " seen[$1] " already: each once")
  else seen[$1] = FNR
  if ($2 ~ /^-/) wrong("the target begins with '-': name a host, or user@host")
  if ($2 ~ /=/) wrong("the second word is the target: a host, or user@host")
  for (at = 3; at <= NF; at++) {
    if ($at ~ /^#/) break
    equals = index($at, "=")
    if (equals > 1) put(substr($at, 1, equals - 1), substr($at, equals + 1))
    else if (at == 3) put("settings", $at)
    else wrong("expected key=value in the place of word " at)
  }
  if (!("settings" in set)) wrong("no settings: write settings=FILE")
  dir = field("dir", "/etc/devkeyd")
  if (($2 " " dir) in place) wrong("line " place[$2 " " dir] " has the same target and dir: two devices can't share them")
  else place[$2 " " dir] = FNR
  print $1, $2, field("settings", "-"), field("policy", "-"), field("secret", "-"), dir, \
    field("socket", "/run/devkeyd/control.sock"), field("owner", "-")
  lines++
}
END {
  if (!bad && !lines) {
    printf "%s: names no device: write a line for each\n", file | "cat >&2"
    bad = 1
  }
  close("cat >&2")
  exit bad
}
