"""The JSON schemas against the parser: schema_test.py DEVKEYD SOURCE_DIR.

Mutants of good files (a fixed seed) go to both. What a schema refuses, devkeyd must refuse; what devkeyd alone refuses
must be one of the checks that config/README.md lists."""
import copy, json, pathlib, random, re, subprocess, sys, tempfile
import jsonschema, yaml

devkeyd, config = sys.argv[1], pathlib.Path(sys.argv[2]) / "config"


class Core(yaml.SafeLoader):
    """YAML 1.2's core schema, as editors read it (PyYAML's own is 1.1: `yes` is a flag there)."""


Core.yaml_implicit_resolvers = {}
for tag, pattern, first in (("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
                            ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
                            ("int", r"[-+]?[0-9]+", list("-+0123456789")),
                            ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789"))):
    Core.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile(f"^(?:{pattern})$"), first)
Core.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))


def ecma_pattern(_, pattern, text, __):
    # In a schema `$` is the end; in Python it may stand before a last line end.
    if isinstance(text, str) and not re.search(pattern.replace("$", r"\Z"), text):
        yield jsonschema.ValidationError(f"{text!r} does not match {pattern!r}")


Validator = jsonschema.validators.extend(jsonschema.Draft7Validator, {"pattern": ecma_pattern})
schemas = {name: json.loads((config / f"{name}.schema.json").read_text()) for name in ("devkeyd", "policy")}
good = {name: (config / f"{name}.yaml").read_text() for name in schemas}
listed = re.findall(r"`([^`]+)`", "\n".join(
    re.findall(r"^- .*", (config / "README.md").read_text().split("schema_test.py reads this list -->")[1]
               .split("\n## ")[0], re.M)))
listed = [words for words in listed if " " in words]

durations = ["0s", "1ms", "5", "1h30m", "30m1h", "1m5ms", "5ms1m", "-1s", "1.5h", "9999d", "1 h", "never", "d", "2h2h"]
odd = [None, True, False, 0, 1, -5, 1.5, "", "x", "a b", "a\nb", [], [1], {}, {"a": 1}, "/a", "/a/../b", "a/b", "//a", "/a/",
       "50%", "51%", "010%", "Mon 02:00-05:00", ["Mon..Fri 02:00-05:00"], ["02:00-02:00"], ["Sat,Sun 22:00-24:00"],
       ["24:00-01:00"], ["mon 02:00-03:00"], "0600", "0644", "0640", 600, "http://a", "http://localhost", "https://a:99999",
       "https://a:443/", "https://a/b", "disable", "delete", "enable", "replace", "hold", "json", "hostname",
       "custom-token", "anon-user", {"file": "/a"}, {"file": "/a", "literal": "b"}, "é" * 300, "a-b", ".."] + durations


def sections(tree):
    yield tree
    for value in tree.values():
        if isinstance(value, dict):
            yield from sections(value)


def mutant(tree, chance):
    tree = copy.deepcopy(tree)
    for _ in range(chance.choice((1, 1, 1, 2))):
        section = chance.choice([s for s in sections(tree) if s])
        key = chance.choice(sorted(section))
        how = chance.randrange(8)
        if how == 0:
            del section[key]
        elif how == 1:
            section[key + "s"] = section.pop(key)
        elif how == 2:
            section["extra"] = chance.choice(odd)
        else:
            section[key] = copy.deepcopy(chance.choice(odd))
    return tree


def full(name):
    """The shipped file and every setting that stands in a comment there."""
    tree = yaml.load(good[name], Core)
    if name == "devkeyd":
        tree["service"]["ca_file"] = "/etc/devkeyd/ca.pem"
        del tree["policy"]
    else:
        tree["watchdog"]["heartbeat"] = {"file": "/run/a/alive", "stale_after": "72h", "then": "alert", "on_return": "enable"}
    return tree


def problems(folder, name, text):
    (folder / "devkeyd.yaml").write_text(
        text if name == "devkeyd" else good["devkeyd"])
    (folder / "policy.yaml").write_text(text if name == "policy" else good["policy"])
    run = subprocess.run([devkeyd, "--config", str(folder / "devkeyd.yaml"), "--check-config"], capture_output=True,
                         text=True, timeout=60)
    assert run.returncode >= 0, run.stderr
    return [line for line in (run.stdout + run.stderr).splitlines()
            if re.search(rf"/{name}\.yaml(:\d+:\d+: |: .* is devkeyd's own)", line)]


def accepts(schema, text):
    return Validator(schema).is_valid(yaml.load(text, Core))


def main():
    seen, failures = [], []
    with tempfile.TemporaryDirectory() as directory:
        folder = pathlib.Path(directory)
        for name in schemas:
            Validator.check_schema(schemas[name])
            chance = random.Random(20260101)
            texts = [good[name], yaml.safe_dump(full(name), allow_unicode=True)]
            for text in texts:
                if not accepts(schemas[name], text) or problems(folder, name, text):
                    failures.append(f"a good file is refused: {problems(folder, name, text)}\n{text}")
            texts += [good[name] + "version: 1\n", good[name].replace("version: 1", "version: 0x1"),
                      good[name].replace("version: 1", "version: &a 1")]
            texts += [yaml.safe_dump(mutant(full(name), chance), allow_unicode=True) for _ in range(int(sys.argv[3]) if len(sys.argv) > 3 else 300)]
            for text in texts:
                by_schema, said = accepts(schemas[name], text), problems(folder, name, text)
                seen.append((name, text, not said))
                if not by_schema and not said:
                    failures.append("the schema alone refuses: " + "; ".join(
                        e.message[:100] + " at " + str(list(e.path)) for e in Validator(schemas[name]).iter_errors(yaml.load(text, Core))))
                if by_schema and said and not all(any(words in line for words in listed) for line in said):
                    failures.append(f"not listed in config/README.md: {said}")
    refused = sum(not ok for *_, ok in seen)
    print(f"schemas: {len(seen)} files, {refused} refused by devkeyd; {len(set(failures))} failures")
    print("\n".join(sorted(set(failures))[:40]))
    return 1 if failures or refused < 300 or refused == len(seen) else 0


sys.exit(main())
