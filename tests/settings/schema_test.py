"""What config/*.schema.json refuse, devkeyd refuses; what devkeyd alone refuses is listed in config/README.md.

usage: schema_test.py DEVKEYD SOURCE_DIR

Every value in the examples below is altered in turn. The alterations of different sections share a file, since each run of
devkeyd takes long with sanitizers; its messages tell the sections apart. Then the test tests itself: it must fail when any
part of a schema is left out. A new setting needs a line in a schema and one in the examples."""
import concurrent.futures, copy, itertools, json, os, pathlib, re, subprocess, sys, tempfile

try:
    import jsonschema, yaml
except ImportError as error:
    sys.exit(f"{error}: install the packages python3-jsonschema and python3-yaml")

devkeyd, source = sys.argv[1], pathlib.Path(sys.argv[2])

examples = {
    "devkeyd": {
        "version": [1],
        "service": [
            {"kind": "app-services", "url": "https://keys.example.com", "app": "devices", "plain_http": False},
            {"kind": "app-services", "url": "http://127.0.0.1:80", "app": "devices", "plain_http": True,
             "ca_file": "/etc/ca.pem", "allowed_hosts": ["other.example.com:8443"], "connect_timeout": "5s", "timeout": "1m"}],
        "owner": [
            {"provider": "custom-token", "secret": {"file": "/etc/secret"}},
            {"provider": "local-userpass", "username": "site-7@example.com", "secret": {"credential": "owner-secret"}},
            {"provider": "custom-function", "secret": {"command": {"run": ["/bin/print", ""], "timeout": "1m"}}}],
        "device": [{"id": "hostname"}, {"id": {"literal": "pump-12"}}, {"id": {"file": "/etc/device-id"}},
                   {"id": {"command": {"run": ["/bin/id"]}}}],
        "key": [{"prefix": "My_Key_1"}],
        "credential_file": [{"path": "/run/app/key", "format": "env", "mode": "0440", "group": "app"}],
        "state_directory": ["/srv/devkeyd"],
        "control": [{"socket": "/run/app/control", "read_group": "watchers", "change_group": "admins"}],
        "credential_socket": [{"path": "/run/app/credential", "units": ["my-program.service"]}],
        "metrics": [{"textfile": "/srv/metrics/devkeyd.prom"}],
        "policy": ["policy.yaml"],
    },
    "policy": {
        "version": [1],
        "rotate": [{"after": "10d", "jitter": "0%", "windows": ["Mon..Fri 02:00-05:00"], "time_zone": "local"}],
        "verify": [{"patience": "1m"}],
        "superseded": [{"keep_enabled": "2h", "then": "delete", "delete_after": "1d"}],
        "other_installations": [{"action": "disable", "after": "5d"}],
        "outside_changes": [{"disabled": "replace", "deleted": "replace"}],
        "decommission": ["disable"],
        "watchdog": [{"jitter": "50%", "credential_file": False, "key_login": {"every": "never"},
                      "key_listed": {"every": "1h30m"}},
                     {"heartbeat": {"file": "/run/app/alive", "stale_after": "50h", "then": "alert", "on_return": "hold"}}],
        "hooks": [{"after_publish": {"run": ["/bin/tell", "it"], "timeout": "1m", "required": True},
                   "before_disable": {"run": ["/bin/tell"], "timeout": "5s", "required": False}, "on_failure": {"run": ["/bin/tell"], "timeout": "5s"}}],
    },
}
# What is put in the place of any value, and what in the place of one that looks like this.
anything = [None, False, 1.5, "", "a\nb", "a\x9bb", [], {}, "é" * 130, "x" * 4001]
lookalikes = {
    r"(\d+(d|h|m|s|ms))+|never": ["0s", "5", "1h30m", "30m1h", "5ms1m", "1.5h", "1 h", "never", "d", "9999999999d"],
    r"\d+%": ["50%", "51%", "010%", "%", "5", "-1%", "1.5%", "100%"],
    r"/.*": ["/", "/a/../b", "/a/./b", "/..", "//a", "/a/", "/a/..b", "a/b", "/é", "/" + "y" * 239, "/" + "y" * 240, "/y" * 2001, "/a b"],
    r"https?://.*": ["http://a", "http://localhost", "https://a:99999", "https://a:443/", "https://a/b", "https://A_b-c.d",
                     "https://a:0", "https://me@a", "https://[::1]:1", "https://[x]", "https://", "http://LOCALHOST/", "ftp://a",
                     "http://127.1.2.3:8", "http://[::1]", "https://" + "a" * 400],
    r"[a-z.]+:\d+": ["a", "a:0", "a:65536", "[::1]", "[::1]:443", "https://a", "a/b", "a..b", ":1", "*.a", "A.b", "1e3"],
    r"[A-Z].*\d\d:\d\d": ["04:00-05:00", "02:00-02:00", "Sat,Sun 22:00-24:00", "24:00-01:00", "mon 02:00-03:00", "Mon 2:00-3:00",
                            "Mon..Fri,Sun 02:00-03:59", "Mon  02:00-03:00", "Mon 02:00-03:60", "Mon..  02:00-03:00", "Mon," * 30 + "Mon 02:00-03:00"],
    r"0\d{3}": ["0600", "0640", "0400", "0644", "0660", "1600", "600", "00600", 600, "0200", "0700"],
    r".*\.service": ["a@.service", "a@1.service", "@.service", ".service", "a.socket", "a.timer", "a/b.service", "a b.service", "a.service\n",
                    "x" * 247 + ".service", "x" * 248 + ".service"],
    r"[\w@.-]+": ["..", ".", "a-b", "a.b", "a/b", "a_b", "x" * 17, "anon-user", "api-key", "+1", "é", " a", "a b"],
}
# Values that are right by themselves, and don't fit together.
together = {
    "devkeyd": [{"credential_file": {"path": "/srv/devkeyd/state.json"}}, {"credential_socket": {"path": "/run/app/control"}}],
    "policy": [
        {"watchdog": {"heartbeat": {"file": "/srv/devkeyd/alive"}}},
        {"superseded": {"keep_enabled": "20d"}},
        {"superseded": {"delete_after": "3000d"}},
        {"rotate": {"after": "1d", "windows": ["Mon 02:00-05:00"]}, "superseded": {"keep_enabled": "1h"}},
        {"rotate": {"after": "never", "windows": ["Mon 02:00-05:00"]}},
        {"watchdog": {"key_login": {"every": "never"}, "key_listed": {"every": "never"}}},
        {"rotate": {"after": "never"}, "watchdog": {"key_listed": {"every": "never"}}},
    ],
}
# How far a check that config/README.md lists goes: what stands at the place that the message names, as JSON.
limits = {
    "expected a duration": r'"\d{8,}d"',
    "is too long": r'".*[^\x00-\x7f].*"',
    "expected true or false": r"true|false",
    "version: expected 1": r"1(\.0)?",
    "expected https://host": r'"https?://(.*\.\..*|.*:\d{5}|\[[\d.:]*\]|a{64,})/?"',
    "expected host or host:port": r'"(.*\.\..*|.*:\d{5}|a{64,}|[éx]+)"|[\d.]+',
    "expected an app id": r"[-+].*",
    "expected letters, digits and '_'": r"-\d+|\d+\.\d+",
    "expected the name of a group": r"[-+].*",
}
# What says the same as another part, for clearer words in the editor.
said_twice = {"devkeyd/properties/service/if/required", "devkeyd/properties/service/if/properties/url/type",
              "devkeyd/properties/owner/if/required"}


class Core(yaml.SafeLoader):
    """YAML 1.2's core schema, as editors read it (PyYAML's own is 1.1, where `yes` is a flag)."""


Core.yaml_implicit_resolvers = {}
for tag, pattern, first in (("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
                            ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
                            ("int", r"[-+]?[0-9]+", list("-+0123456789")),
                            ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789"))):
    Core.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile(f"^(?:{pattern})$"), first)
Core.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))


def match_pattern(_, pattern, text, __):
    # In a schema `$` is the end; in Python it may stand before a last line end.
    if isinstance(text, str) and not re.search(pattern.replace("$", r"\Z"), text):
        yield jsonschema.ValidationError(f"{text[:99]!r} does not match {pattern!r}")


Validator = jsonschema.validators.extend(jsonschema.Draft7Validator, {"pattern": match_pattern})


class Plain(yaml.SafeDumper):
    """Without anchors, whatever stands in several places."""

    def ignore_aliases(self, _):
        return True


def dump(tree):
    return yaml.dump(tree, Dumper=Plain, allow_unicode=True, width=99999)


class Section:
    """A part of a file, by its name; the whole file where there is none."""

    def __init__(self, schema, name=""):
        properties, definitions = schema.get("properties", {}), schema.get("definitions", {})
        self.part = {**properties[name], "definitions": definitions} if name in properties else not name and schema
        self.validator = Validator(self.part)

    def accepts(self, value):
        return self.validator.is_valid(value)


def words_in(node):
    """What a schema names: each must have been tried."""
    if isinstance(node, dict):
        yield from node.get("enum", [])
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from words_in(each)


def altered(value, words, peers=()):
    """Every value that is like this one but for one place (not one that a peer has, too: it is altered there)."""
    if not peers:
        yield from anything
    if isinstance(value, str):
        look = next((look for look in lookalikes if re.fullmatch(look, value)), None)
        yield from lookalikes.get(look, []) + (words if look == r"[\w@.-]+" else [])
    elif isinstance(value, dict):
        yield from ({**peer, **value} for peer in peers)
        for key, each in value.items():
            yield from ({k: v for k, v in value.items() if k != key}, {key + "s" if k == key else k: v for k, v in value.items()})
            same = [peer[key] for peer in peers if type(peer.get(key)) is type(each)]
            if not same or isinstance(each, dict):
                yield from ({**value, key: other} for other in altered(each, words, same))
        yield {**value, "extra": 1}
    elif isinstance(value, list):
        yield value + value
        for at, each in enumerate(value):
            yield from ([*value[:at], other, *value[at + 1:]] for other in altered(each, words))


def shared_files(name, schema):
    """Trees in which many sections are altered, so that few files try everything."""
    tries = []
    for section, good in examples[name].items():
        part = schema["properties"].get(section, {})
        words = sorted(set(words_in([part, schema.get("definitions")])) - {None})
        tries.append([*good, *itertools.chain.from_iterable(altered(value, words, good[:at]) for at, value in enumerate(good))])
    for values in itertools.zip_longest(*tries, fillvalue=...):
        yield {section: examples[name][section][0] if value is ... else value
               for section, value in zip(examples[name], values)}


def texts_of_tests(name):
    for file in ("texts.hpp", "good_files_test.cpp"):
        for text in re.findall(r'R"\((version: 1\n.*?)\)"', (source / "tests/settings" / file).read_text(), re.S):
            if ("service:" in text) == (name == "devkeyd"):
                yield text


def whole_files(name, shipped):
    good = {section: values[0] for section, values in examples[name].items()}
    for section in good:
        yield dump({k: v for k, v in good.items() if k != section})
        yield dump({**good, section + "s": good[section]})
    yield from (dump({**good, **values}) for values in together[name])
    yield from ("", "[]\n", "1\n", "version: 1\n", shipped + "version: 1\n", shipped + "<<: {}\n", shipped.replace("true", "TRUE"))
    for version in ("0x1", "&a 1", "1.0", "!!int 1", "2", '"1"'):
        yield shipped.replace("version: 1", "version: " + version)


def problems(files):
    """What devkeyd says of these texts: a list for each, without the places."""
    with tempfile.TemporaryDirectory() as directory:
        for name, text in files.items():
            (pathlib.Path(directory) / f"{name}.yaml").write_text(text)
        run = subprocess.run([devkeyd, "--config", f"{directory}/devkeyd.yaml", "--check-config"], capture_output=True,
                             text=True, timeout=300, env={"ASAN_OPTIONS": "detect_leaks=0"})  # half the time; others look for leaks
    if run.returncode < 0 or "Sanitizer" in run.stderr:
        sys.exit(f"devkeyd broke down:\n{run.stderr}\n{files}")
    # Without a place it is what devkeyd says of this machine, but for one check.
    return {name: re.findall(rf"^.*/{name}\.yaml(?::\d+:\d+)?: ((?<=\d: ).*|.* is devkeyd's own.*)", run.stdout + run.stderr, re.M)
            for name in files}


def files_to_try(schemas, shipped):
    """Both files: of each its text, and whether it is altered section by section; else it is judged as a whole."""
    good = {name: (dump({section: values[0] for section, values in examples[name].items()}), True) for name in examples}
    whole = {name: [(text, False) for text in (shipped[name], *texts_of_tests(name), *whole_files(name, shipped[name]))]
             for name in examples}
    policies = [*whole["policy"], *((dump(tree), True) for tree in shared_files("policy", schemas["policy"]))]
    for tree in shared_files("devkeyd", schemas["devkeyd"]):
        reads_it = policies and tree["policy"] == "policy.yaml"
        yield {"devkeyd": (dump(tree), True), "policy": policies.pop() if reads_it else good["policy"]}
    yield from ({**good, "policy": policy} for policy in policies)
    yield from ({**good, "devkeyd": settings} for settings in whole["devkeyd"])


def sections_of(text, said, by_section):
    """(section, its value, what devkeyd says of it); the section of a whole file is empty."""
    try:
        tree = yaml.load(text, Core)
    except yaml.YAMLError:
        return  # an editor says so by itself
    if not by_section:
        yield "", tree, said
        return
    for section, value in tree.items():
        yield section, value, [line for line in said if re.match(rf"{section}\b", line)]


def ask(schemas, shipped):
    """What devkeyd says of everything that is tried, by file: (section, value, messages), each once."""
    tries = list(files_to_try(schemas, shipped))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = pool.map(lambda files: problems({name: text for name, (text, _) in files.items()}), tries)
        cases = {name: {} for name in examples}
        for files, said in zip(tries, answers):
            for name, (text, by_section) in files.items():
                for case in sections_of(text, said[name], by_section):
                    cases[name].setdefault(json.dumps(case), case)
    print(f"devkeyd ran {len(tries)} times")
    return {name: list(own.values()) for name, own in cases.items()}


def value_at(value, path):
    for step in re.findall(r"[a-z_]+|\d+", path):
        step = int(step) if step.isdigit() else step
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def is_listed(line, tree, listed):
    value = json.dumps(value_at(tree, line.split(": ")[0]), ensure_ascii=False)
    return any(words in line and re.fullmatch(limits.get(words, ".*"), value) for words in listed)


def faults(schema, cases, listed):
    sections = {}
    for section, value, said in cases:
        sections.setdefault(section, Section(schema, section))
        if not sections[section].accepts(value):
            if not said:
                yield f"the schema alone refuses {section or 'a file'}: {json.dumps(value)[:300]}"
            continue
        tree = {section: value} if section else value
        for line in said:
            if not is_listed(line, tree, listed):
                yield f"devkeyd alone refuses this, and config/README.md lists no such check: {line}: {json.dumps(tree)[:300]}"


def crippled(node, place=()):
    """The schema without one of its parts, for each of them."""
    for key in range(len(node)) if isinstance(node, list) else list(node):
        names = place[-1:] == ("properties",) or place[-1:] == ("definitions",)
        if not names and key in ("$schema", "title", "description", "default"):
            continue
        whole = key in ("properties", "definitions", "allOf", "if") or place[-1:] == ("definitions",)
        if not whole and not (isinstance(node, list) and len(node) == 1):
            yield (*place, key)
        if isinstance(node[key], (dict, list)):
            yield from crippled(node[key], (*place, key))


def without(schema, place):
    left = copy.deepcopy(schema)
    parent = left
    for step in place[:-1]:
        parent = parent[step]
    del parent[place[-1]]
    return left


def blind_spots(name, schema, cases, listed):
    for place in crippled(schema):
        text = "/".join(map(str, place))
        section = place[1] if place[0] == "properties" and len(place) > 2 else None
        own = [case for case in cases if section in (None, case[0])]
        seen = any(True for _ in faults(without(schema, place), own, listed))
        if seen == (f"{name}/{text}" in said_twice):
            yield f"{name}.schema.json: the test {'sees' if seen else 'would not see'} that this were missing: {text}"


def keys_in(schema, node, path=()):
    """The settings that a schema knows, as config/README.md writes them."""
    node = {**node, **schema["definitions"].get(node.get("$ref", "").split("/")[-1], {})}
    for key, each in node.get("properties", {}).items():
        yield ".".join((*path, key))
        yield from keys_in(schema, each, (*path, key))
    inside = node.get("items", [])
    for each in (*node.get("allOf", []), *node.get("anyOf", []), *(inside if isinstance(inside, list) else [inside])):
        yield from keys_in(schema, each, path)


def keys_that_differ(name, schema, readme):
    table = readme.split(f"\n## {name}.yaml\n")[1].split("\n#")[0]
    true, known = set(re.findall(r"^\| `([a-z_.]+)` \|", table, re.M)), set(keys_in(schema, schema))
    yield from (f"{name}.schema.json lacks {key}" for key in sorted(true - known))
    yield from (f"config/README.md lacks {key}, which {name}.schema.json has" for key in sorted(known - true))


def never_seen(listed, answers):
    said = "\n".join(line for cases in answers.values() for *_, lines in cases for line in lines)
    return (f"config/README.md lists a check that devkeyd never made: {words}" for words in listed if words not in said)


def main():
    readme = (source / "config/README.md").read_text()
    checks = readme.split("schema_test.py reads this list -->")[1].split("\n## ")[0]
    listed = [words for line in re.findall(r"^- ((?:`[^`]+`(?:, )?)+): ", checks, re.M) for words in re.findall(r"`([^`]+)`", line)]
    schemas = {name: json.loads((source / f"config/{name}.schema.json").read_text()) for name in examples}
    shipped = {name: (source / f"config/{name}.yaml").read_text() for name in examples}
    answers = ask(schemas, shipped)
    found = list(never_seen(listed, answers))
    for name, cases in answers.items():
        Validator.check_schema(schemas[name])
        found += keys_that_differ(name, schemas[name], readme)
        found += dict.fromkeys(faults(schemas[name], cases, listed))
        print(f"{name}: {sum(bool(said) for *_, said in cases)} of {len(cases)} values are refused")
    for name, cases in answers.items() if not found else ():
        found += blind_spots(name, schemas[name], cases, listed)
    print("\n".join(found[:80]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
