"""Two databases compared: who is where, what is stored, and whether passwords agree, as far as that can be told."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sasldb.operations.comparing import DIFFERENT, NONE, SAME, UNKNOWN, Difference, agreement, compare
from sasldb.secrets import cram_md5, digest_md5, otp, plain_hash, scram
from sasldb.store.reading import Database
from tests.operations.databases import ALICE, Users, every_secret, make

ORG = "alice@example.org"
P, Q = b"wonderland", b"looking-glass"
SALT = bytes(range(16))


def compared(directory: Path, first: Users, second: Users, realm: bytes | None = None) -> list[Difference]:
    """Return the differences of two databases with these users."""
    paths = make(directory / "first", first), make(directory / "second", second)
    with Database(paths[0]) as one, Database(paths[1]) as other:
        return compare(one, other, realm).differences


AGREEMENTS = {
    "equal": ({"userPassword": P}, {"userPassword": P}, SAME),
    "other": ({"userPassword": P}, {"userPassword": Q}, DIFFERENT),
    "none": ({"userPassword": P}, {"homeDirectory": P}, NONE),
    "no secret at all": ({"a": P}, {"a": Q}, NONE),
    "plaintext and SCRAM": ({"userPassword": P}, {"authPassword": scram.make(P)}, SAME),
    "plaintext and another's SCRAM": ({"userPassword": P}, {"authPassword": scram.make(Q)}, DIFFERENT),
    "SCRAM and plaintext": ({"authPassword": scram.make(P)}, {"userPassword": P}, SAME),
    "plaintext and all": ({"userPassword": P}, {k: v for k, v in every_secret(P).items() if k not in ("cmusaslsecretSRP", "cmusaslsecretNEW")}, SAME),
    "plaintext and one unknown": ({"userPassword": P}, {"userPassword": P, "cmusaslsecretSRP": b"x"}, UNKNOWN),
    "plaintext and one stale": ({"userPassword": P}, {"userPassword": P, "cmusaslsecretPLAIN": plain_hash.make(Q)}, DIFFERENT),
    "SCRAM, other salts": ({"authPassword": scram.make(P)}, {"authPassword": scram.make(P)}, UNKNOWN),
    "SCRAM, one salt": ({"authPassword": scram.make(P, salt=SALT)}, {"authPassword": scram.make(Q, salt=SALT)}, DIFFERENT),
    "SCRAM, other hashes": ({"authPassword": scram.make(P, "SHA-1", salt=SALT)}, {"authPassword": scram.make(P, salt=SALT)}, UNKNOWN),
    "SCRAM and PLAIN": ({"authPassword": scram.make(P)}, {"cmusaslsecretPLAIN": plain_hash.make(P)}, UNKNOWN),
    "PLAIN, one salt": ({"cmusaslsecretPLAIN": plain_hash.make(P, SALT)}, {"cmusaslsecretPLAIN": plain_hash.make(Q, SALT)}, DIFFERENT),
    "CRAM-MD5": ({"cmusaslsecretCRAM-MD5": cram_md5.make(P)}, {"cmusaslsecretCRAM-MD5": cram_md5.make(Q)}, DIFFERENT),
    "DIGEST-MD5": ({"cmusaslsecretDIGEST-MD5": digest_md5.make(b"alice", b"example.org", P)}, {"cmusaslsecretDIGEST-MD5": digest_md5.make(b"alice", b"example.org", Q)}, DIFFERENT),
    "OTP": ({"cmusaslsecretOTP": otp.make(P, "vm")}, {"cmusaslsecretOTP": otp.make(P, "vn")}, UNKNOWN),
    "OTP and plaintext": ({"userPassword": P, "cmusaslsecretOTP": otp.make(P, "vm", sequence=17)}, {"userPassword": P, "cmusaslsecretOTP": otp.make(P, "vn")}, SAME),
    "junk": ({"authPassword": b"junk"}, {"authPassword": b"rubbish"}, UNKNOWN),
}  # fmt: skip


@pytest.mark.parametrize("first, second, expected", AGREEMENTS.values(), ids=AGREEMENTS)
def test_agreement(first: dict[str, bytes], second: dict[str, bytes], expected: str) -> None:
    """Where a plaintext is known it is checked, else equal salts are used, else nothing is claimed; the order of the two is no matter."""
    one, other = ({name.encode(): value for name, value in side.items()} for side in (first, second))
    assert agreement(ALICE, one, other) == expected
    assert agreement(ALICE, other, one) == expected


def test_who_is_where(tmp_path: Path) -> None:
    """Users of one side, of the other, and of both who differ are told, in the order of the first, then of the second."""
    first = {"a@x": {"userPassword": P}, "b@x": {"userPassword": P}, "c@y": {"authPassword": scram.make(P), "n": b"1"}}
    second = {"b@x": {"userPassword": P}, "c@y": {"userPassword": P, "n": b"2"}, "d@x": {"userPassword": P}}
    found = {str(each.user): each for each in compared(tmp_path, first, second)}
    assert set(found) == {"a@x", "c@y", "d@x"}
    assert (found["a@x"].first, found["a@x"].second, found["a@x"].passwords) == (["userPassword"], [], NONE)
    assert (found["d@x"].first, found["d@x"].second) == ([], ["userPassword"])
    c = found["c@y"]
    assert (c.first, c.second, c.passwords, c.values) == (["authPassword", "n"], ["n", "userPassword"], SAME, ["n"])
    assert c.mechanisms[0] == ("SCRAM-SHA-256",) and "CRAM-MD5" in c.mechanisms[1]


def test_one_realm(tmp_path: Path) -> None:
    """With a realm, the users of all others are passed over."""
    first, second = {"a@x": {"userPassword": P}, "a@y": {"userPassword": P}}, {"a@y": {"userPassword": Q}}
    assert [str(each.user) for each in compared(tmp_path, first, second, b"y")] == ["a@y"]


def test_progress(tmp_path: Path) -> None:
    """Progress is called for each user whose records differ, from 1 on, with how many those are; users alike do not count."""
    first = {"a@x": {"userPassword": P}, "b@x": {"userPassword": P}, "c@x": {"n": b"1"}}
    paths = make(tmp_path / "first", first), make(tmp_path / "second", {"b@x": {"userPassword": P}, "d@x": {"n": b"1"}})
    seen: list[tuple[int, int]] = []
    with Database(paths[0]) as one, Database(paths[1]) as other:
        found = compare(one, other, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)] and len(found.differences) == 3 and found.same == 1


def test_same_password_hashed_twice(tmp_path: Path) -> None:
    """Equal kinds of secrets that a known plaintext fits are no difference, though their bytes differ."""
    one, other = (
        {ORG: {"userPassword": P, "cmusaslsecretPLAIN": plain_hash.make(P), "cmusaslsecretOTP": otp.make(P, "vm")}}
        for _ in range(2)
    )
    assert one != other and compared(tmp_path, one, other) == []


def test_another_mechanism(tmp_path: Path) -> None:
    """Verifiers of one name and two mechanisms are a difference, whatever the passwords."""
    (found,) = compared(
        tmp_path, {ORG: {"authPassword": scram.make(P)}}, {ORG: {"authPassword": scram.make(P, "SHA-1")}}
    )
    assert found.mechanisms == (("SCRAM-SHA-256",), ("SCRAM-SHA-1",))


def test_nothing_secret_is_told() -> None:
    """What a difference tells holds no value."""
    difference = Difference(ALICE, {b"userPassword": P, b"n": P}, {b"userPassword": Q, b"n": Q})
    assert "wonder" not in f"{difference.as_dict()} {difference!r}" and "looking" not in f"{difference.as_dict()}"


SECRETS = every_secret(P), every_secret(Q), {"userPassword": b"", "authPassword": b"junk", "n": b"1"}
HELD = st.dictionaries(
    st.sampled_from(("a@x", "b@x", ORG)),
    st.dictionaries(st.sampled_from(sorted(SECRETS[0]) + ["n"]), st.sampled_from(range(3)), min_size=1).map(
        lambda chosen: {name: SECRETS[which].get(name, b"z") for name, which in chosen.items()}
    ),
)


@settings(max_examples=80, deadline=None)
@given(HELD, HELD)
def test_any_two(first: Users, second: Users) -> None:
    """A database is equal to itself; two that are not are told apart both ways round, with the sides exchanged."""
    with tempfile.TemporaryDirectory() as directory:
        paths = make(Path(directory, "first"), first), make(Path(directory, "second"), second)
        with Database(paths[0]) as one, Database(paths[1]) as other:
            assert compare(one, one).differences == [] and compare(other, other).differences == []
            there, back = compare(one, other), compare(other, one)
    assert there.same == back.same
    mirrored = {str(each.user): (each.second, each.first, each.passwords) for each in back.differences}
    assert {str(each.user): (each.first, each.second, each.passwords) for each in there.differences} == mirrored
    assert first.keys() ^ second.keys() <= mirrored.keys()
