"""Cases: what stands where the database should be."""

from __future__ import annotations

from berkeleydb import db

from tests.cli.compat.cases.states import EMPTY, KEPT_WORD, OLD, THOROUGH, T
from tests.cli.compat.records import PROPERTIES, image, key, seeded
from tests.cli.compat.sides import Case


def _patched(offset: int, value: bytes, base: bytes = OLD) -> bytes:
    return base[:offset] + value + base[offset + len(value) :]


def files() -> list[Case]:
    """What stands where the database should be."""
    btree = image(seeded(), kind=db.DB_BTREE)
    wrong = {
        **{
            "btree": btree,
            "recno": image({}, kind=db.DB_RECNO),
            "zeros": bytes(4096),
            "zeros of 512": bytes(512),
            "text": b"hello world\n",
        },
        **{
            "one byte": b"x",
            "cut to 100": OLD[:100],
            "cut to 511": OLD[:511],
            "wrong magic": _patched(12, b"\1\2\3\4"),
        },
        **{f"version {number}": _patched(16, bytes([number, 0, 0, 0])) for number in (2, 3, 4, 5, 6, 10, 11)},
        **{
            "cut to 512": OLD[:512],
            "cut to 2048": OLD[:2048],
            "one byte short": OLD[:-1],
            "page size 3000": _patched(20, (3000).to_bytes(4, "little")),
        },
    }
    cases = []
    for label, content in wrong.items():
        for flag in (b"-p", b"-d"):
            cases.append(Case(f"{flag.decode()} on {label}", (flag, b"-f", b"t.db", b"u@R"), files={T: content}))
    good = {
        **{
            "big-endian": image(seeded(), order=4321),
            "pages of 512": image(seeded(), page_size=512),
            "pages of 65536": image(seeded(), page_size=65536),
        },
        **{
            "checksums": image(seeded(), flags=db.DB_CHKSUM),
            "version 8": _patched(16, b"\10"),
            "version 7": _patched(16, b"\7"),
            "no records": EMPTY,
        },
        **{"many users": image({key(b"u%d" % n, b"R"): b"x" * 30 for n in range(500)}), "of zero bytes": b""},
    }
    for label, content in good.items():
        for flag, differs in ((b"-p", ()), (b"-d", THOROUGH), (b"-n", KEPT_WORD)):
            cases.append(
                Case(f"{flag.decode()} on {label}", (flag, b"-f", b"t.db", b"u@R"), files={T: content}, differs=differs)
            )
    cases += [Case("-d of an unknown user", (b"-d", b"-f", b"t.db", b"nobody@R"), files={T: OLD})]
    cases += [Case("-d on nothing", (b"-d", b"-f", b"t.db", b"u@R")), Case("set on nothing", (b"-f", b"t.db", b"u@R"))]
    cases += [Case("-d on nothing, in the default place", (b"-d", b"u@R"), environ={"SASL_CONF_PATH": None})]
    for flag, differs in ((b"-p", ()), (b"-d", THOROUGH)):
        through = (flag, b"-f", b"link", b"u@R")
        cases.append(Case(f"{flag.decode()} through a link", through, files={T: OLD, "link": "t.db"}, differs=differs))
        cases.append(
            Case(
                f"{flag.decode()} through a link to zero bytes",
                through,
                files={T: b"", "link": "t.db"},
                differs=differs,
            )
        )
        cases.append(
            Case(
                f"{flag.decode()} through a dangling link",
                through,
                files={"link": "t.db"},
                differs=("5 a dangling link",),
            )
        )
        cases.append(Case(f"{flag.decode()} through a loop", through, files={"link": "link"}))
        for label, path in (
            ("directory", b"conf"),
            ("no parent", b"none/t.db"),
            ("parent a file", b"t.db/t.db"),
            ("name too long", b"x" * 300),
        ):
            cases.append(Case(f"{flag.decode()} on {label}", (flag, b"-f", path, b"u@R"), files={T: OLD}))
        cases.append(Case(f"{flag.decode()} on /dev/null", (flag, b"-f", b"/dev/null", b"u@R")))
        for mode in (0o444, 0o222):
            name = f"{flag.decode()} as nobody on {mode:o}"
            cases.append(Case(name, (flag, b"-f", b"t.db", b"u@R"), files={T: OLD}, modes={T: mode}, nobody=True))
    cases.append(Case("as nobody, new", (b"-f", b"t.db", b"u@R"), nobody=True))
    cases.append(Case("0440 as root", (b"-f", b"t.db", b"u@R"), files={T: OLD}, modes={T: 0o440}))
    return cases


def lists() -> list[Case]:
    """sasldblistusers2: its lines, and what is no database."""
    tool = "sasldblistusers2"
    odd = {
        key(b"", b"R"): b"",
        key(b"u", b""): b"x",
        key(b"u", b"R", b""): b"x",
        b"\0\0": b"x",
        key(b"a\nb", b"\xff", b"c: @d"): b"x" * 100000,
    }
    many = {key(b"user%d" % n, b"R", name): b"x" for n in range(1000) for name in PROPERTIES[:3]}
    long = {key(b"u" * 16383, b"R"): b"x", key(b"v", b"r" * 16383): b"x", key(b"w", b"R", b"p" * 16383): b"x"}
    contents = {
        "odd names": image(odd),
        "many users": image(many),
        "long names": image(long),
        "none": EMPTY,
        "zero bytes": b"",
        "text": b"hello\n",
    }
    contents |= {
        "big-endian": image(many, order=4321),
        "pages of 512": image(many, page_size=512),
        "checksums": image(many, flags=db.DB_CHKSUM),
    }
    contents |= {
        "version 7": _patched(16, b"\7"),
        "version 6": _patched(16, b"\6"),
        "btree": image(many, kind=db.DB_BTREE),
        "zeros": bytes(8192),
    }
    contents |= {"cut to 512": OLD[:512], "cut to 100": OLD[:100]}
    cases = [Case(f"list {label}", (b"t.db",), tool, files={T: content}) for label, content in contents.items()]
    for channel in ("stdout closed", "stdout full", "outputs closed", "all closed", "stderr closed"):
        cases.append(Case(f"list, {channel}", (b"t.db",), tool, files={T: OLD}, channel=channel))
    listing = {
        "conf/sasldblistusers.conf": b"sasldb_path: c.db\n",
        "c.db": OLD,
        "/etc/sasldb2": image({key(b"in", b"etc"): b"x"}),
    }
    cases.append(Case("list, sasldb_path is ignored", (), tool, files=listing))
    cases.append(Case("list, the default database", (), tool, files=listing, environ={"SASL_CONF_PATH": None}))
    cases.append(Case("list, a wrong file", (b"t.db",), tool, files={T: OLD, "conf/sasldblistusers.conf": b"wrong\n"}))
    cases.append(Case("list, saslpasswd.conf does not matter", (b"t.db",), tool, files={T: OLD}, conf=b"wrong\n"))
    cases.append(Case("list without plug-ins", (b"t.db",), tool, files={T: OLD}, environ={"SASL_PATH": ""}))
    cases.append(Case("list as nobody", (b"t.db",), tool, files={T: OLD}, modes={T: 0o200}, nobody=True))
    cases.append(Case("list through a link", (b"link",), tool, files={T: OLD, "link": "t.db"}))
    cases.append(Case("list through a dangling link", (b"link",), tool, files={"link": "t.db"}))
    cases.append(Case("list /dev/null", (b"/dev/null",), tool))
    return cases
