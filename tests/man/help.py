"""What a program's --help tells."""
import re, subprocess


def helped(command, verb=()):
    """{verb: its options} as --help tells; the program's own are those of no verb."""
    text = subprocess.run([*command, *verb, "--help"], capture_output=True, text=True, check=True, timeout=120).stdout
    options = {option for line in re.findall(r"^ +(-[-\w,]+)", text, re.M) for option in line.split(",")}
    verbs = re.findall(r"^  ([a-z][\w-]*)", text.partition("\nSubcommands:\n")[2], re.M)
    found_here = {verb: options} if not verb or not verbs else {}
    for name in verbs:
        found_here.update(helped(command, (*verb, name)))
    return found_here
