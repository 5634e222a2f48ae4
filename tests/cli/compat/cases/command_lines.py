"""Cases: command lines of both commands."""

from __future__ import annotations

from tests.cli.compat.cases.states import OLD, THOROUGH, T
from tests.cli.compat.sides import Case


def _words(line: str) -> tuple[bytes, ...]:
    return tuple(word.replace("_", " ").encode() if word != "''" else b"" for word in line.split())


def arguments() -> list[Case]:
    """Command lines: what is accepted, and each text about what is not."""
    lines = """
    |a b|-h|-?|-h u|-? u|-x|-P|-W foo u|-:|-;|-u|-f|-a|u -f|--help|--create u|--version|-p u -v|u u2 -v|-x -v|-xv|-vx|-v -a a/b
    |-a a/b|-a a/b -v|-a / u|-x -a a/b|-c -d u|-d -c u|-d -x u|-cd u|-ft.db -uR u|-ft.db -cpuR u|-pft.db u@R|-f t.db u@R --|-f t.db -- u@R
    |u@R -p -f t.db|-p u@R -f t.db|u -p -f t.db -u R|-f t.db -- -u@R|-f t.db -u R -|-f t.db -- u -p|-f t.db -u -p u|-f t.db -ppcc -u R u
    |-f t.db -u X -u R u|-f x.db -f t.db u@R|-a x -a y -f t.db u@R|-n -f|-pz u|-f t.db u@R -q -r|-f t.db -u R ''|--|-- a|-- a b|-u R -f t.db -- --
    |-|- -|-v|-vvv|-fv|-p -f t.db|-- -v|u -v|-uR|-cpa|-ca /|u -- -v|-c -p -n -f|-f t.db -a '' u@R
    """
    found = [_words(line) for line in lines.replace("\n", "").split("|")]
    cases = [Case("args " + (" ".join(a.decode() for a in args) or "none"), args) for args in found]
    cases += [Case("args, byte 0xff", (b"-\xff", b"u")), Case("args, bundle with 0xfe", (b"-p\xfe\xffv",))]
    strict = {"POSIXLY_CORRECT": ""}
    for line in ("u@R -f t.db", "-f t.db u@R", "u -v", "-f t.db -- u@R", "-p u@R -p", "-x u -y"):
        cases.append(Case(f"args strictly {line}", _words(line), environ=strict))
    cases += [Case("-d twice", (b"-d", b"-d", b"-f", b"t.db", b"u@R"), files={T: OLD}, differs=THOROUGH)]
    for extra in (b"-p", b"-n"):
        cases.append(
            Case(f"-d {extra.decode()}", (b"-d", extra, b"-f", b"t.db", b"u@R"), files={T: OLD}, differs=THOROUGH)
        )
    return cases


def application_names() -> list[Case]:
    """-a: which file is read, and how long a name may be."""
    to_t = (b"-f", b"t.db", b"u@R")
    cases = [
        Case(f"appname of {size}", (b"-a", b"a" * size, *to_t))
        for size in (255, 256, 4083, 4084, 4085, 4095, 4096, 9000)
    ]
    built_in: dict[str, str | None] = {"SASL_CONF_PATH": None}
    cases += [
        Case(f"appname of {size}, /etc", (b"-a", b"a" * size, *to_t), environ=built_in) for size in (4057, 4058, 4096)
    ]
    other = {"conf/app.conf": b"sasldb_path: app.db\n", "conf/.conf": b"sasldb_path: dot.db\n"}
    for name in (b"app", b"", b"App", b"saslpasswd", b"saslpasswd2", b"."):
        args = (b"-a", name, b"u@R")
        cases.append(Case(f"appname {name.decode()}", args, conf=b"sasldb_path: c.db\n", files=other))
    return cases


def list_arguments() -> list[Case]:
    """sasldblistusers2: what is accepted, and each text about what is not."""
    lines = """
    |-v|-h|-x -h|-h -x|-x|-?|-f|--help|-v -x|-x -v|-hv|-vh|-h -h|-h -f|-f -h|-x -x|-h t.db|-f t.db -h|t.db -v|-|a b|-f t.db b|-- t.db|--|t.db --
    |-f t.db --|-f t.db -f x.db|-f x.db -f t.db|-x t.db|-? t.db|-h -? -h|-xh|-hx|-f t.db -x|t.db -x -h|t.db|-ft.db|-pf t.db|-? -h|--version|-x -- t.db
    |x.db -f t.db|''|-f ''|-vf t.db|-f|-fv|'' ''|-- ''|a b -x|a -h b|missing|conf
    """
    found = [_words(line) for line in lines.replace("\n", "").split("|")]
    tool = "sasldblistusers2"
    cases = [Case("list " + " ".join(a.decode() for a in args), args, tool, files={T: OLD}) for args in found]
    cases.append(Case("list, byte 0xff", (b"-\xff",), tool))
    for line in ("t.db -v", "-f t.db", "t.db"):
        cases.append(
            Case(f"list strictly {line}", _words(line), tool, files={T: OLD}, environ={"POSIXLY_CORRECT": "1"})
        )
    return cases
