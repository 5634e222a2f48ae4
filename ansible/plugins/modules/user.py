#!/usr/bin/python
"""sasldb.sasldb.user: one user of a sasldb2 database, as `sasldb apply` would make it.

The module decides nothing itself: it turns its options into a desired state of one user (`sasldb.operations.state.desired`) and applies it. So it
compares the password with whatever is stored, commits all or nothing, and changes nothing in check mode.
"""

from __future__ import annotations

DOCUMENTATION = r"""
module: user
short_description: Manage a user of sasldb2, the user database of Cyrus SASL
version_added: "0.1.0"
description:
  - Creates, changes and removes one user of a sasldb2 database, such as the one that Postfix looks up with the sasldb plug-in.
  - The password is compared with whatever is stored, plaintext or verifier, so that a second run changes nothing.
  - A changed password leaves no secret of the old one; a removed user leaves nothing.
  - For many users at once, C(sasldb apply) with a state file does in one commit what a loop over this module does in many.
author:
  - The sasldb authors
requirements:
  - The Python package sasldb, for the Python that Ansible uses on the host (see C(ansible_python_interpreter)).
options:
  state:
    description: Whether the user shall be there.
    type: str
    choices: [present, absent]
    default: present
  name:
    description: The user's name, or C(user@realm).
    type: str
    required: true
  realm:
    description:
      - The realm of a O(name) without an C(@). Where there is none either, it is the host's name in lower case.
      - The word V(postfix) stands for what Postfix on the host looks up for a bare login, V(mydomain) for its C(mydomain).
    type: str
  password:
    description:
      - The password.
      - Without one, a user who exists keeps the password that is stored, and one who does not is an error.
    type: str
  update_password:
    description: Whether a user who exists gets O(password) too, or only a new one.
    type: str
    choices: [always, on_create]
    default: always
  no_plaintext:
    description:
      - V(true) stores a SCRAM verifier and cmusaslsecretPLAIN in place of the password itself. Mechanisms that need the plaintext, such
        as CRAM-MD5, stop working for the user.
      - V(false) stores the plaintext.
      - Without it, a user who exists keeps the kind of storage, and a new one has plaintext.
    type: bool
  scram:
    description: The hash of the SCRAM verifier, with O(no_plaintext=true). Without it any that is stored, or SHA-256 for a new one.
    type: str
    choices: [SHA-1, SHA-224, SHA-256, SHA-384, SHA-512]
  iterations:
    description: The iterations of the SCRAM verifier, 4096 to 65536, with O(no_plaintext=true). Without it any that are stored, or 4096.
    type: int
  path:
    description:
      - The database. It is made when it is missing and there is a user to put into it.
      - By default the sasldb_path of O(app), then C(/etc/sasldb2), or C(/etc/sasl2/sasldb2) where only that exists.
    type: path
  app:
    description: The application of libsasl whose configuration names the database, such as V(smtpd).
    type: str
  owner:
    description: The owner of the file. By default root for a new one and for the system's own database, if its owner loses nothing.
    type: str
  group:
    description: The group of the file. By default postfix, or with O(app) that of the service's user, for a new one. The system's own database
      gets group postfix, unless its group gives somebody access.
    type: str
  mode:
    description: The permissions of the file, in octal and in quotes. None for others. By default V('0640') for a new one and the system's own.
    type: raw
attributes:
  check_mode:
    description: Says what would change, and changes nothing.
    support: full
  diff_mode:
    description: Shows the names of the stored properties before and after; never a secret.
    support: full
"""

EXAMPLES = r"""
- name: A user of Postfix, with the password from a vault
  sasldb.sasldb.user:
    name: alice
    realm: mydomain
    password: "{{ vault_alice }}"

- name: No plaintext on disk
  sasldb.sasldb.user:
    name: bob@example.com
    password: "{{ vault_bob }}"
    no_plaintext: true

- name: A first password, which the user may change
  sasldb.sasldb.user:
    name: carol@example.com
    password: "{{ vault_carol }}"
    update_password: on_create

- name: Nobody of that name
  sasldb.sasldb.user:
    name: dave@example.com
    state: absent

- name: Many users; the label keeps the passwords of the loop off the screen
  sasldb.sasldb.user:
    name: "{{ item.name }}"
    password: "{{ item.password }}"
  loop: "{{ vault_users }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
path:
  description: The database.
  type: str
  returned: success
  sample: /etc/sasldb2
user:
  description: The user, without the realm.
  type: str
  returned: success
  sample: alice
realm:
  description: The realm.
  type: str
  returned: success
  sample: example.com
action:
  description: What was done, or in check mode would be, to the user.
  type: str
  returned: success
  sample: create (or update, delete, none)
reason:
  description: Why (new, password, secret, storage, absent); empty where nothing was done.
  type: str
  returned: success
  sample: password
written:
  description: The names of the properties that got a value.
  type: list
  elements: str
  returned: success
  sample: [authPassword, cmusaslsecretPLAIN]
removed:
  description: The names of the properties that went.
  type: list
  elements: str
  returned: success
  sample: [userPassword]
notes:
  description: What else is to be known, such as that the database was made, or where it lies unsafely.
  type: list
  elements: str
  returned: success
  sample: [made /etc/sasldb2]
"""

import os  # noqa: E402  # Ansible wants the documentation first
import traceback  # noqa: E402

from ansible.module_utils.basic import AnsibleModule, missing_required_lib  # noqa: E402

SASLDB_MISSING = None
try:
    from sasldb.errors import SasldbError
    from sasldb.model.text import to_bytes, to_text
    from sasldb.operations import location, passwords
    from sasldb.operations.change import Target
    from sasldb.operations.state.applying import apply
    from sasldb.operations.state.desired import Desired, Wish
    from sasldb.operations.storing import Storing
    from sasldb.operations.users import named
    from sasldb.policy.ownership import OwnershipOptions
except ImportError:
    SASLDB_MISSING = traceback.format_exc()

ARGUMENTS = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "name": {"type": "str", "required": True},
    "realm": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "update_password": {"type": "str", "choices": ["always", "on_create"], "default": "always", "no_log": False},
    "no_plaintext": {"type": "bool"},
    "scram": {"type": "str", "choices": ["SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512"]},
    "iterations": {"type": "int"},
    "path": {"type": "path"},
    "app": {"type": "str"},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "raw"},
}


def main():
    """Run as Ansible's module."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    if SASLDB_MISSING:
        module.fail_json(msg=missing_required_lib("sasldb"), exception=SASLDB_MISSING)
    try:
        result = run(module.params, module.check_mode)
    except SasldbError as error:
        module.fail_json(msg=str(error))
    except UnicodeEncodeError:  # its message could quote the password
        module.fail_json(msg="a name or password that is no text")
    usual = ("made ", "would make ", f"{result['path']}: was ", f"{result['path']}: is ")  # part of the change itself
    for sentence in result["notes"]:
        if not sentence.startswith(usual):
            module.warn(sentence)
    module.exit_json(**result)


def run(params, check_mode):
    """Bring the user to the state that `params` (the options by name) describe, and return the module's result."""
    if params["path"] == "":
        raise SasldbError("path", "empty")
    path = location.find(params["path"], params["app"], os.environb).to_change
    wish = wish_of(params)
    wishes = location.serving(wishes_of(params), path, params["app"], os.environb)
    target = Target(path, wishes, check_mode)
    applied = apply(target, Desired([wish]), location.site(params["app"], os.environb))
    change = applied.changes[0] if applied.changes else None
    return {
        "changed": applied.changed,
        "path": path,
        "user": to_text(wish.user.user),
        "realm": to_text(wish.user.realm),
        "action": change.action if change else "none",
        "reason": change.reason if change else "",
        "written": change.written if change else [],
        "removed": change.removed if change else [],
        "diff": diff_of(path, wish, change, applied.ownership),
        "notes": [*applied.sentences, *applied.findings],
    }


def wish_of(params):
    """Return what the user shall be; SasldbError for options that contradict each other."""
    if params["realm"] is not None and "@" in params["name"]:
        raise SasldbError("realm", "beside a name that has its own behind @")
    if params["no_plaintext"] is not True and (params["scram"] or params["iterations"]):
        raise SasldbError("scram and iterations", "only with no_plaintext: true")
    password = params["password"]
    return Wish(
        named(params["name"], location.realm(params["realm"])),
        None if password is None else passwords.from_bytes(password.encode("utf-8", "surrogateescape")),
        present=params["state"] == "present",
        storing=Storing(
            None if params["no_plaintext"] is None else not params["no_plaintext"],
            params["scram"],
            params["iterations"],
        ),
        always=params["update_password"] == "always",
    )


def wishes_of(params):
    """Return the owner, group and mode that were asked for; a mode that YAML took for a number is one in octal."""
    mode = params["mode"]
    if not isinstance(mode, (int, str, type(None))):
        raise SasldbError("mode", "neither a number nor text")
    return OwnershipOptions.parse(params["owner"], params["group"], f"{mode:o}" if isinstance(mode, int) else mode)


def diff_of(path, wish, change, ownership):
    """Return the two texts that --diff compares: names of properties, no values."""
    before, after = [], []
    if change:
        names = {to_text(name) for name in change.before}
        left = (names | set(change.written)) - set(change.removed)
        note = " (with new secrets)" if set(change.written) & names else ""
        before += [f"{wish.user}: {', '.join(sorted(names))}"] if names else []
        after += [f"{wish.user}: {', '.join(sorted(left))}{note}"] if left else []
    if ownership:
        after.append(ownership)
    return {"before_header": path, "after_header": path, "before": lines(before), "after": lines(after)}


def lines(texts):
    """Return `texts` as lines."""
    return "".join(f"{text}\n" for text in texts)


if __name__ == "__main__":
    main()
