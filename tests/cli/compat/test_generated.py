"""The oracle, asked what nobody thought of: generated calls, names, passwords, configurations and databases."""

from __future__ import annotations

from collections.abc import Callable

from berkeleydb import db
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import campaigns
from tests.cli.compat.conftest import Oracle
from tests.cli.compat.records import PROPERTIES, image, key, seeded
from tests.cli.compat.sides import PLUGINS, Case

# A failing example is made smaller with some dozens of runs.
thorough = settings(max_examples=campaigns.count(70, 3000), suppress_health_check=list(HealthCheck))

NAMES = st.binary(min_size=1, max_size=10).map(lambda raw: raw.replace(b"\0", b"\xff").replace(b"@", b"%"))
REALMS = st.binary(max_size=10).map(lambda raw: raw.replace(b"\0", b"@"))
PASSWORDS = st.one_of(st.binary(max_size=70), st.sampled_from([b"pw", b"pw\n", b"", b"\n", b"p\0w", b"p" * 2047]))
IMAGES: list[Callable[[dict[bytes, bytes]], bytes]] = [
    image,
    lambda records: image(records, page_size=512),
    lambda records: image(records, page_size=16384),
    lambda records: image(records, order=4321),
    lambda records: image(records, flags=db.DB_CHKSUM),
]
HARMLESS = [
    b"pwcheck_method: auxprop",
    b"# note",
    b"",
    b"  Log_Level:\t3",
    b"sasldb_path: elsewhere.db",
    b"auxprop_plugin: sasldb",
]
DECIDING = [
    *(
        b"otp_mda: sha1",
        b"scram_secret_generate: on",
        b"scram_secret_generate: no",
        b"mech_list: PLAIN OTP",
        b"mech_list: scram-sha-1",
    ),
    *(
        b"auxprop_plugin: bogus",
        b"auxprop_plugin: sql SASLDB",
        b"mech_list: SCRAM-SHA-1 SCRAM-SHA-512 otp",
        b"not a line",
    ),
]
PLUGIN_SETS = [("sasldb",), ("sasldb", "otp"), ("otp", "scram"), ("sasldb", "scram"), ()]


@st.composite
def databases(draw: st.DrawFn, user: bytes, realm: bytes) -> bytes | None:
    """Return the content of a database that may hold the user; None where there is none."""
    kind = draw(st.sampled_from(["none", "zero bytes", *["records"] * 6]))
    if kind != "records":
        return None if kind == "none" else b""
    records = draw(st.dictionaries(st.builds(key, NAMES, REALMS, NAMES), st.binary(max_size=300), max_size=30))
    seeds = seeded(user, realm)
    for name in draw(st.sets(st.sampled_from(sorted(seeds)))):
        records[name] = seeds[name]
    return draw(st.sampled_from(IMAGES))(records)


@st.composite
def settings_files(draw: st.DrawFn, lines: list[bytes]) -> bytes | None:
    """Return a configuration file made of some of `lines`, or None."""
    chosen = draw(st.lists(st.sampled_from(lines), max_size=4))
    return b"\n".join(chosen) + draw(st.sampled_from([b"", b"\n", b"\r\n"])) if chosen else None


@st.composite
def calls(draw: st.DrawFn) -> Case:
    """Return a call that means something: a password set, one without plaintext, or a deletion."""
    user, realm = draw(NAMES), draw(REALMS)
    password = draw(PASSWORDS)
    deletes = draw(st.booleans())
    no_plaintext = not deletes and draw(st.booleans())
    words = [b"-f", b"t.db"]
    flags = [b"-d"] if deletes else draw(st.lists(st.sampled_from([b"-p", b"-c", b"-pc"]), max_size=2))
    flags += [b"-n"] * (no_plaintext + draw(st.integers(0, 1)) * deletes)
    for flag in flags:
        words.insert(draw(st.sampled_from([0, len(words)])), flag)
    if draw(st.booleans()):
        words += [b"-u", draw(REALMS)]
    plugins = draw(st.sampled_from([None, *PLUGIN_SETS]))
    content = draw(databases(user, realm))
    files: dict[str, bytes | str | None] = {} if content is None else {"t.db": content}
    if plugins is not None:
        files |= {"plug": None, **{f"plug/lib{name}.so": f"{PLUGINS}/lib{name}.so" for name in plugins}}
    conf = draw(settings_files(HARMLESS if deletes or no_plaintext else HARMLESS + DECIDING))
    broken = conf is not None and b"not a line" in conf
    differs: tuple[str, ...] = ()
    if not deletes and 0 in password and not broken:
        differs = ("4 no cut password",)
    elif password not in (b"", b"\n") or deletes:
        stores = plugins is None or "sasldb" in plugins
        differs = ("2 -d is thorough",) * (deletes and stores) + ("3 -n keeps its word",) * (no_plaintext and stores)
    return Case(
        "generated",
        (*words, b"--", user + b"@" + realm),
        stdin=password,
        files=files,
        conf=conf,
        environ={} if plugins is None else {"SASL_PATH": "plug"},
        password=password[:-1] if password.endswith(b"\n") else password,
        differs=differs,
    )


WORDS = st.one_of(
    st.sampled_from(
        [
            b"-p",
            b"-c",
            b"-d",
            b"-u",
            b"-f",
            b"t.db",
            b"-a",
            b"app",
            b"a/b",
            b"--",
            b"-",
            b"",
            b"-v",
            b"-h",
            b"-x",
            b"u",
            b"u@R",
        ]
    ),
    st.text("pcdfuahx?v:-@ W", min_size=1, max_size=4).map(lambda text: b"-" + text.encode()),
    NAMES,
)


@st.composite
def wild_calls(draw: st.DrawFn) -> Case:
    """Return a command line made of anything; the databases hold no users, so that -d differs in nothing."""
    words = draw(st.lists(WORDS, max_size=6))
    environ: dict[str, str | None] = {"POSIXLY_CORRECT": ""} if draw(st.booleans()) else {}
    files: dict[str, bytes | str | None] = {} if draw(st.booleans()) else {"t.db": image({})}
    tool = draw(st.sampled_from(["saslpasswd2", "saslpasswd2", "sasldblistusers2"]))
    return Case("generated", tuple(words), tool, files=files, environ=environ)


@st.composite
def listings(draw: st.DrawFn) -> Case:
    """Return a list of a database with odd names."""
    keys = st.one_of(
        st.builds(key, NAMES, REALMS, NAMES), st.builds(key, st.just(b""), st.just(b""), st.sampled_from(PROPERTIES))
    )
    values = st.integers(0, 9000).map(lambda size: b"v" * size)
    records = draw(st.dictionaries(keys, values, max_size=120))
    content = draw(st.sampled_from(IMAGES))(records)
    return Case("generated", (b"-f", b"t.db"), "sasldblistusers2", files={"t.db": content})


@thorough
@given(case=calls())
def test_calls(case: Case, oracle: Oracle) -> None:
    """A password set or deleted under any name and configuration leaves what the real tool leaves, but for the differences."""
    oracle.compare(case)


@thorough
@given(case=wild_calls())
def test_wild_command_lines(case: Case, oracle: Oracle) -> None:
    """Any command line is understood, or complained of, word for word as the real tools do."""
    oracle.compare(case)


@settings(thorough, max_examples=campaigns.count(25, 1000))
@given(case=listings())
def test_lists(case: Case, oracle: Oracle) -> None:
    """Any database of well-formed keys is listed byte for byte as by the real tool."""
    oracle.compare(case)
