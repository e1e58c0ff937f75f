"""The man pages say what --help and config/README.md say: each verb, option, setting and exit code, and no other.

usage: pages_test.py SOURCE_DIR DEVKEYD DEVKEYCTL DEVKEY_SERVER

An entry is `.It Cm VERB` with its options in the same head (between .It Xo and .Xc where it is long), or `.It Fl -option` for an
option of the program itself."""
import pathlib, re, subprocess, sys
from help import helped

source = pathlib.Path(sys.argv[1])
programs = dict(zip(("devkeyd", "devkeyctl", "devkey-server"), sys.argv[2:]))
pages = {"devkeyd": "agent/devkeyd.8", "devkeyctl": "tools/devkeyctl/devkeyctl.1", "devkey-server": "tools/server/devkey-server.8"}
settings = {"devkeyd.yaml": "config/devkeyd.yaml.5", "policy.yaml": "config/devkey-policy.5"}
found = []


def heads(page):
    """The entries' heads, each in one line."""
    text = re.sub(r"^\.It Xo (.*(?:\n.*)*?)\n\.Xc$", lambda match: ".It " + match[1].replace("\n.", " "), page, flags=re.M)
    return re.findall(r"^\.It (.*)", text, re.M)


def options_in(head):
    return {"-" + option for option in re.findall(r"\bFl (-?\w[\w-]*)", head)}


def documented(page):
    told = {(): set()}
    for head in heads(page):
        if head.startswith("Fl "):
            told[()] |= options_in(head)
        elif head.startswith("Cm "):
            told[tuple(re.match(r"Cm ((?:[a-z][\w-]* ?)+)", head)[1].split())] = options_in(head)
    return told


def compare(where, true, told):
    for each in sorted(set(true) | set(told)):
        if each not in told:
            found.append(f"{where} has no entry for {each}")
        elif each not in true:
            found.append(f"{where} has an entry for {each}, which isn't there")


def rows_below(file, heading):
    part = (source / file).read_text().partition(heading)[2].partition("\n#")[0] + "\n"
    for row in re.findall(r"^\| (?=`|\d)(.*)\|$", part, re.M):
        yield [cell.strip().replace("`", "").replace("*", "") for cell in row.split("|")]


def codes_in(text):
    return set(re.findall(r"^\.It (\d+)$", text.partition(".Sh EXIT STATUS")[2], re.M))


def check_program(name):
    page = (source / pages[name]).read_text()
    true, told = helped([programs[name]]), documented(page)
    compare(pages[name], {" ".join(verb) for verb in true}, {" ".join(verb) for verb in told})
    for verb in set(true) & set(told):
        own = true[verb] - {"-h", "--help"} if verb else true[verb]
        compare(f"{pages[name]}: {' '.join(verb) or name}", own, told[verb])
    if len(true[()]) < 3:
        found.append(f"{name} --help isn't understood")


def check_settings(file):
    page = (source / settings[file]).read_text()
    told = {}
    for head in heads(page):
        if match := re.fullmatch(r"Cm (\S+) Pq ([^;]*)(?:; default: (.*))?", head):
            told[match[1]] = (match[2], (match[3] or "").replace(r"\(dq", '"'))
    true = {key: (kind, default) for key, kind, default, *_ in rows_below("config/README.md", f"\n## {file}\n")}
    compare(settings[file], true, told)
    for key in set(true) & set(told):
        if true[key] != told[key]:
            found.append(f"{settings[file]}: {key} is {told[key]}; config/README.md says {true[key]}")
    if len(true) < 10:
        found.append(f"the table of {file} in config/README.md isn't understood")


def check_exit_codes():
    codes = {
        "devkeyd": {row[0] for row in rows_below("config/README.md", "### The exit codes")},
        "devkeyctl": set(re.findall(r"constexpr int exit_\w+ = (\d+);", (source / "tools/devkeyctl/exit_codes.hpp").read_text())),
        "devkey-server": {"0", *re.findall(r"\d+", (source / "tools/server/README.md").read_text()
                                           .partition("Exit codes are those of sysexits.h:")[2].partition("\n")[0])},
    }
    for name, true in codes.items():
        compare(f"{pages[name]}: exit codes", true, codes_in((source / pages[name]).read_text()))


def check_form(file):
    page = (source / file).read_text()
    wanted = ["NAME", "DESCRIPTION", "FILES", "EXAMPLES", "SEE ALSO"]
    if file in pages.values():
        wanted += ["SYNOPSIS", "OPTIONS", "EXIT STATUS"]
    compare(f"{file}: sections", wanted, set(wanted) & set(re.findall(r"^\.Sh (.*)", page, re.M)))
    own = {re.sub(r"\.(\d)$", r" \1", pathlib.Path(each).name) for each in (*pages.values(), *settings.values())}
    compare(f"{file}: pages that it names", own & set(re.findall(r"^\.Xr (\S+ \d)", page, re.M)), re.findall(r"^\.Xr (\S+ \d)", page, re.M))
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(source / file)], capture_output=True, text=True)
    found.extend(lint.stdout.splitlines())


for each in pages:
    check_program(each)
for each in settings:
    check_settings(each)
check_exit_codes()
for each in (*pages.values(), *settings.values()):
    check_form(each)
print("\n".join(found) or f"{len(pages) + len(settings)} pages say what --help and the reference say")
sys.exit(1 if found else 0)
