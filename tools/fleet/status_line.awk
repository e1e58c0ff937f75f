# The last line with a status in what a device said, where it is one JSON object in printable text and nothing behind it: it is
# put into the fleet's JSON as it is. Any other counts as none. In the C locale: by bytes.

function is_object(text) {
  if (text ~ /\302[\200-\237]/) return 0  # U+0080 to U+009F steer a terminal
  gsub(/[\302-\337][\200-\277]|[\340-\357][\200-\277][\200-\277]|[\360-\364][\200-\277][\200-\277][\200-\277]/, "_", text)
  if (text ~ /[^ -~]/) return 0
  # From the leaves up, a character for each value: \001 is a text, \002 any other.
  gsub(/"([^"\\]|\\["\\\/bfnrt]|\\u[0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f])*"/, "\001", text)
  gsub(/-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][-+]?[0-9]+)?|true|false|null/, "\002", text)
  gsub(/ /, "", text)
  for (depth = 0; depth < 32 && text != "\002"; depth++)
    gsub(/[{](\001:[\001\002](,\001:[\001\002])*)?[}]|\[([\001\002](,[\001\002])*)?\]/, "\002", text)
  return text == "\002"
}

index($0, "{\"version\":1,\"answer\":\"status\"") == 1 { line = $0 }
END { if (line != "" && is_object(line)) print line }
