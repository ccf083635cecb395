# SPDX-License-Identifier: Apache-2.0
"""Builds a program with one mutated file, with the build's own flags, in BUILD_DIR/check-rules."""
import contextlib
import functools
import json
import pathlib
import re
import shlex
import shutil
import subprocess

from .table import SOURCE

CRM_TESTS, SERVER, DECODER = "tests/crm/test_crm_rules", "main/baifang", "ingest/decode/baifang-decode"


class Build:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory).resolve()
        self.work = self.directory / "check-rules"
        self.work.mkdir(exist_ok=True)
        self.compile = {}  # a source's commands: it may be part of several targets
        for entry in json.loads((self.directory / "compile_commands.json").read_text()):
            path = pathlib.Path(entry["file"])
            if path.is_relative_to(SOURCE):
                self.compile.setdefault(str(path.relative_to(SOURCE)), []).append(shlex.split(entry["command"]))

    def output(self, command):
        return subprocess.run(command, cwd=self.directory, capture_output=True, text=True, check=True).stdout

    @functools.lru_cache(maxsize=None)
    def link(self, program):
        return next(line for line in self.output(["ninja", "-t", "commands", program]).splitlines() if f"-o {program} " in line)

    def program_of(self, row):
        """The program that the row's test runs."""
        if row.is_of_crm():
            return CRM_TESTS
        if row.test_file.endswith(".py"):
            return SERVER
        made = self.compile[row.test_file][0]  # DIR/CMakeFiles/TARGET.dir/FILE.c.o
        return re.sub(r"CMakeFiles/(\w+)\.dir/.*", r"\1", made[made.index("-o") + 1])

    @contextlib.contextmanager
    def room(self, row, what="mutant"):
        """A directory of the row's own, for as long as it is needed."""
        own = self.work / f"{row.number}.{what}"
        shutil.rmtree(own, ignore_errors=True)
        own.mkdir()
        try:
            yield own
        finally:
            shutil.rmtree(own, ignore_errors=True)

    def mutant(self, row, text, own):
        """Compiles and links in the directory `own`; the path of the program."""
        source, object_, name = own / "mutant.c", own / "mutant.o", self.program_of(row)
        program = own / pathlib.Path(name).name
        source.write_text(text, encoding="utf-8")
        original = self.compile_mutant(row, source, object_)
        link = self.link(name)
        if f" {original} " in link:
            link = link.replace(f" {original} ", f" {object_} ")
        else:  # before the archives: their own member of the file then stays out
            link = link.replace(f"-o {name} ", f"-o {name} {object_} ")
        subprocess.run(link.replace(f"-o {name} ", f"-o {program} "), shell=True, cwd=self.directory, capture_output=True, text=True, check=True)
        if name == SERVER:  # looks for the decoder beside itself
            (own / pathlib.Path(DECODER).name).symlink_to(self.directory / DECODER)
        return program

    def compile_mutant(self, row, source, object_):
        """The name of the object that the build makes of the unmutated file."""
        home = str(pathlib.Path(row.file).parent) + "/"  # of its commands, that of the target beside it
        commands = sorted(self.compile[row.file], key=lambda c: not c[c.index("-o") + 1].startswith(home))
        command = [str(source) if word == str(SOURCE / row.file) else word for word in commands[0]]
        original = command[command.index("-o") + 1]
        command[command.index("-o") + 1] = str(object_)
        for flag in ("-MF", "-MT"):
            if flag in command:
                command[command.index(flag) + 1] = str(object_.with_suffix(".d"))
        subprocess.run(command + ["-w", "-g0"], cwd=self.directory, capture_output=True, text=True, check=True)
        return original
