"""The cases: every row of what was observed of the real tools that can be run, as calls with their surroundings."""

from __future__ import annotations

from tests.cli.compat.cases import command_lines, configuration, files, input

CASES = [
    *(*command_lines.arguments(), *command_lines.application_names(), *command_lines.list_arguments()),
    *(*input.standard_input(), *input.names()),
    *(*configuration.properties(), *configuration.options(), *configuration.configuration()),
    *(*files.files(), *files.lists()),
]
