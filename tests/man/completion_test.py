"""What bash offers is what --help tells: each verb and each option, at every step, and nothing else.

usage: completion_test.py SOURCE_DIR DEVKEYD DEVKEYCTL DEVKEY_SERVER"""
import pathlib, shlex, subprocess, sys
from help import helped

source, *programs = sys.argv[1:]
script = pathlib.Path(source) / "tools/devkeyctl/devkeyctl.bash"


def expected(program):
    """(what is typed, what is offered); the last word typed is the one to be completed."""
    true = helped([program])
    keeps = true[()] if pathlib.Path(program).name == "devkeyctl" else set()
    steps = {verb[:length] for verb in true for length in range(len(verb) + 1)}
    for step in sorted(steps):
        yield (*step, ""), {verb[len(step)] for verb in steps if len(verb) == len(step) + 1 and verb[:-1] == step}
        options = (true[step] | keeps if step in true else {"-h", "--help"})
        yield (*step, "-"), options


def by_hand(devkeyd, devkeyctl, server):
    yield devkeyctl, ("--json", "rot"), {"rotate"}
    yield devkeyctl, ("--s",), {"--socket"}
    yield devkeyctl, ("--socket", "rot"), set()
    yield devkeyctl, ("--socket", "status", "rot"), {"rotate"}
    yield devkeyctl, ("rotate", "--reason", "status", "--wa"), {"--wait"}
    yield devkeyctl, ("rotate", "--reason", "="), set()
    yield devkeyctl, ("rotate", "--reason", "=", "so", "--comp"), {"--compromised"}
    yield devkeyctl, ("--socket", source + "/REA"), {source + "/README.md"}
    yield devkeyd, ("--config", source + "/READ"), {source + "/README.md"}
    yield devkeyd, ("--on",), {"--once"}
    yield devkeyd, ("--log", ""), {"text", "json", "journal"}
    yield server, ("serve", "--log", ""), {"text", "json"}
    yield server, ("serve", "--log", "=", "js"), {"json"}
    yield server, ("user", "d"), {"disable"}
    yield server, ("nonsense", ""), {"init", "app", "provider", "user", "key", "serve"}


cases = [(program, *case) for program in programs for case in expected(program)] + list(by_hand(*programs))
lines = [f"source {shlex.quote(str(script))}", "complete -p devkeyctl devkeyd devkey-server >/dev/null || exit 1"]
for program, typed, _ in cases:
    lines += [f"COMP_WORDS=({shlex.join([program, *typed])}) COMP_CWORD={len(typed)}; _devkey", 'echo "${COMPREPLY[*]}"']
run = subprocess.run(["bash", "--norc", "-u"], input="\n".join(lines), capture_output=True, text=True, timeout=500)
offered = [set(line.split()) for line in run.stdout.splitlines()]
wrong = [f"{pathlib.Path(program).name} {shlex.join(typed)}: bash offers {sorted(offer)}, expected {sorted(true)}"
         for (program, typed, true), offer in zip(cases, offered) if offer != true]
if len(offered) != len(cases) or run.stderr or run.returncode:
    wrong.append(f"bash: {len(offered)} of {len(cases)} answers, ended with {run.returncode}: {run.stderr[:2000]}")
print("\n".join(wrong) or f"bash offers what --help tells, in {len(cases)} places")
sys.exit(1 if wrong else 0)
