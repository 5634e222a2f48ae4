"""Cases: passwords on standard input, names of users and realms."""

from __future__ import annotations

from tests.cli.compat.cases.states import NOT_CUT, OLD, THOROUGH, T
from tests.cli.compat.sides import Case


def standard_input() -> list[Case]:
    """Passwords through a pipe, a file, and what is no password."""
    to_t = (b"-p", b"-f", b"t.db", b"u@R")
    plain = [
        b"pw",
        b"pw\n",
        b"pw\r\n",
        b"pw\n\n",
        b"pw\nagain\n",
        b"\npw\n",
        b"  pw  \n",
        b" \n",
        b"\r",
        b"\xff\xfe\n",
        b"a" * 2047,
    ]
    plain += [b"a" * 2047 + b"\n", b"a" * 2048, b"pw\0"[:2] + b"\t\x7f\x01\n", "pä\n".encode(), b"%s%n\n"]
    cases = []
    for data in plain:
        password = data[:-1] if data.endswith(b"\n") else data
        cases.append(Case(f"stdin {data[:12]!r} of {len(data)}", to_t, stdin=data, password=password))
    for data in (b"", b"\n"):
        for args in (to_t, (b"-n", *to_t), to_t[1:], (b"-c", *to_t)):
            cases.append(Case(f"empty password {args[0]!r} {data!r}", args, stdin=data, files={T: OLD}))
    for data in (
        b"ab\0cd\n",
        b"\0",
        b"\0\0\n",
        b"\0cd\n",
        b"ab\0",
        b"a" * 8193,
        b"a" * 8193 + b"\n",
        b"a" * 100000,
    ):
        cases.append(Case(f"stdin {data[:6]!r} of {len(data)}", to_t, stdin=data, files={T: OLD}, differs=NOT_CUT))
    cases.append(
        Case(
            "a regular file", to_t[1:], channel="file", files={"stdin": b"filepw\nsecond\n"}, password=b"filepw\nsecond"
        )
    )
    for channel in ("closed", "write-only", "nonblocking", "null"):
        cases.append(Case(f"stdin {channel}", to_t, channel=channel, files={T: OLD}))
        cases.append(
            Case(f"stdin {channel}, -d", (b"-d", *to_t[1:]), channel=channel, files={T: OLD}, differs=THOROUGH)
        )
    for channel in ("stdout closed", "stderr closed", "outputs closed", "stdout full"):
        cases.append(Case(channel, to_t, channel=channel, files={T: OLD}))
        cases.append(Case(f"{channel}, usage", (b"-x",), channel=channel))
    cases.append(Case("all closed, -d", (b"-d", *to_t[1:]), channel="all closed", files={T: OLD}, differs=THOROUGH))
    cases.append(Case("written and held open", to_t, stdin=((0, b"pw\n"),)))
    return cases


def names() -> list[Case]:
    """User and realm: where they are split, where the realm comes from, and that any byte goes."""
    to_t = (b"-f", b"t.db")
    cases = []
    for realm, user in (
        *(
            (b"EXAMPLE.Com", b"User"),
            (b"R", b"u@x"),
            (b"R", b"u@"),
            (b"", b"u"),
            (b"a@b", b"u"),
            (b"R", b"@"),
            (b"R", b""),
        ),
        *(
            (b"R", b"u@X@Y"),
            (b"R", b"@x"),
            (b" R ", b" u "),
            (b"R\n", b"u\n:\t"),
            (b"\x01\x7f", b"DOM\\u"),
            (b"%s%n", b"%s%n/"),
        ),
        *((b"\xe9\xff", b"\xc3\x28\xfe"), (b"r" * 20000, b"u"), (b"R", b"u" * 131000), (b"R", b"u@" + b"r" * 70000)),
    ):
        cases.append(Case(f"-u {realm[:12]!r} {user[:12]!r}", (*to_t, b"-u", realm, user)))
    for user in (b"u@x", b"u@X@Y", b"u@", b"@x", b"@", b"u", b""):
        cases.append(Case(f"user {user!r}", (*to_t, user)))
    for hostname in ("MiXeD.Example.COM", "", "x", "UPPER", "a-b.c"):
        cases.append(Case(f"host {hostname}", (*to_t, b"u"), hostname=hostname))
        cases.append(Case(f"host {hostname}, -u ''", (*to_t, b"-u", b"", b"u"), hostname=hostname))
    return cases
