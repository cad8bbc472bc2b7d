"""The shells complete what --help names, and nothing else."""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

from lab import tap
from lab.ctl import nexusctl_alone
from lab.place_case import PlaceCase
from lab.world import ROOT

FILES = ROOT / "packaging" / "completion"
OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]*|-[a-z](?![\w-]))")
EVERYWHERE = {"--json", "--help"}


def help_of(*words):
    done = nexusctl_alone(*words, "--help")
    if done.status or done.errors:
        raise AssertionError(f"{words}: {done}")
    return done.output


def usage_and_lists(text):
    """The paragraph of Usage, a line for each form; the options that head the lines below."""
    usage, _, rest = text.partition("\n\n")
    heads = re.findall(r"(?m)^  (-.*?)(?:  .*)?$", rest)
    return re.sub(r"\n {8,}", " ", usage), [OPTION.findall(head) for head in heads]


def contexts():
    """What may stand behind each command and subcommand: {"dlq list": {"--job", …}, …}."""
    text = help_of()
    commands = set(re.findall(r"(?m)^  ([a-z]+) ", text))
    found = {"": commands | set(OPTION.findall(text))}
    for command in commands:
        usage, lists = usage_and_lists(help_of(command))
        for line in usage.splitlines():
            _, words = line.split(f"nexusctl {command}")
            name = re.match(r" ([a-z]+)\b", words)
            inner = f"{command} {name[1]}" if name else command
            if name:
                found.setdefault(command, set(EVERYWHERE)).add(name[1])
            of_line = set(OPTION.findall(words))
            for same in lists:
                if of_line & set(same):
                    of_line.update(same)
            found.setdefault(inner, set(EVERYWHERE)).update(of_line)
    return found


def worker_options():
    program = pathlib.Path(os.environ.get("NEXUS_BUILD", ROOT / "build")) / "nexus-worker"
    text = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"(?m)^  (--[a-z-]+)", text))


class Help(unittest.TestCase):
    def test_has_in_its_usage_what_it_explains(self):
        for command in sorted(contexts()[""]):
            if not command.startswith("-"):
                usage, lists = usage_and_lists(help_of(command))
                for same in lists:
                    self.assertTrue(set(same) & set(OPTION.findall(usage)), f"{command}: {same}")


class Drift(PlaceCase):
    """Where a shell lacks a word that is in --help, or has one that is not."""

    maxDiff = None

    def run_shell(self, *words, text=""):
        done = subprocess.run(words, input=text, capture_output=True, text=True, check=False,
                              timeout=60, cwd=self.place, env={**os.environ, "HOME": str(self.place)})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def assert_same(self, offered):
        """offered(command lines): for each the words that may follow it."""
        expected = {f"nexusctl {context}".strip(): words for context, words in contexts().items()}
        expected["nexus-worker"] = worker_options()
        for line, words in zip(expected, offered(*expected)):
            with self.subTest(line):
                self.assertEqual(sorted(words), sorted(expected[line]))


class Bash(Drift):
    SCRIPT = """
        source "$1"
        while read -ra COMP_WORDS; do
            if [[ ${COMP_WORDS[-1]} == "''" ]]; then COMP_WORDS[-1]=""; fi
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            function=$(complete -p "${COMP_WORDS[0]}")
            function=${function#*-F }
            COMPREPLY=()
            "${function%% *}"
            echo "${COMPREPLY[*]}"
        done"""

    def offered(self, *lines):
        """For each command line, whose last word is to be completed ('' is none yet)."""
        text = "".join(f"{line}\n" for line in lines)
        output = self.run_shell("bash", "--norc", "-c", self.SCRIPT, "bash",
                                FILES / "nexusctl.bash", text=text)
        return [line.split() for line in output.splitlines()]

    def test_completes_what_help_names(self):
        self.assert_same(lambda *lines: self.offered(*(f"{line} ''" for line in lines)))

    def test_completes_what_has_begun(self):
        self.assertEqual(
            self.offered("nexusctl que", "nexusctl logs --fo", "nexusctl --json --config x dlq redr",
                         "nexusctl logs --since 2h a-job --out", "nexusctl dlq list --type top --gr"),
            [["queue"], ["--follow"], ["redrive"], ["--outcome"], ["--group"]])

    def test_completes_values(self):
        (self.place / "some.conf").touch()
        (self.place / "bundle.zip").touch()
        self.assertEqual(
            self.offered("nexusctl --config so", "nexus-worker --config so",
                         "nexus-worker --log-level n", "nexusctl logs --outcome t",
                         "nexusctl deploy some-type bun", "nexusctl run some-type @bun",
                         "nexusctl logs --type ''", "nexusctl dlq list --error --gr"),
            [["some.conf"], ["some.conf"], ["notice"], ["timeout"], ["bundle.zip"],
             ["@bundle.zip"], [], []])


@unittest.skipUnless(shutil.which("fish"), "fish is not installed")
class Fish(Drift):
    SCRIPT = """
        source $argv[1]
        for line in $argv[2..]
            echo (complete -C $line | string replace -r '\\t.*' '')
        end"""

    def offered(self, *lines):
        output = self.run_shell("fish", "--no-config", "-c", self.SCRIPT, FILES / "nexusctl.fish",
                                *lines)
        return [line.split() for line in output.splitlines()]

    def all_offered(self, *lines):
        """It tells options only where one has begun, and behind two dashes no short ones."""
        answers = [self.offered(*(f"{line} {begun}" for line in lines)) for begun in ("", "-", "--")]
        return [set().union(*words) for words in zip(*answers)]

    def test_completes_what_help_names(self):
        self.assert_same(self.all_offered)

    def test_completes_values(self):
        (self.place / "some.conf").touch()
        self.assertEqual(
            self.offered("nexusctl --config so", "nexus-worker --config so",
                         "nexusctl logs --outcome ti", "nexusctl --config x dlq redr",
                         "nexusctl dlq list --type x --gr"),
            [["some.conf"], ["some.conf"], ["timeout"], ["redrive"], ["--group"]])


@unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
class Zsh(Drift):
    # An interactive shell at a terminal of zsh's own: its words are noted instead of shown.
    SHELL = """
        PROMPT=
        fpath=(%s $fpath)
        autoload -U compinit
        compinit -D -u
        zstyle ':completion:*' insert-tab false
        compadd() {
            if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then
                builtin compadd "$@"
                return
            fi
            local -a words
            builtin compadd -A words "$@"
            print -rn -- "$words " >>words
        }
        finish() { print >>words; print READY }
        complete-it() { comppostfuncs=(finish); zle complete-word; BUFFER= }
        zle -N complete-it
        bindkey '^I' complete-it
        print READY
        """
    SCRIPT = """
        zmodload zsh/zpty
        zpty shell zsh -f -i
        zpty -w shell source ./shell
        for line in '' "$@"; do
            [[ -z $line ]] || zpty -w -n shell "$line"$'\\t'
            zpty -r shell output '*READY*'
        done
        cat words"""

    def offered(self, *lines):
        (self.place / "shell").write_text(self.SHELL % FILES)
        (self.place / "words").write_text("")
        output = self.run_shell("zsh", "-f", "-c", self.SCRIPT, "zsh", *lines)
        return [line.split() for line in output.splitlines()]

    def all_offered(self, *lines):
        """It tells options only where one has begun."""
        answers = [self.offered(*(f"{line} {begun}" for line in lines)) for begun in ("", "-")]
        return [set().union(*words) for words in zip(*answers)]

    def test_completes_what_help_names(self):
        self.assert_same(self.all_offered)

    def test_completes_values(self):
        (self.place / "some.conf").touch()
        self.assertEqual(
            self.offered("nexusctl --config so", "nexus-worker --config so",
                         "nexusctl logs --outcome ti", "nexusctl --config x dlq redr",
                         "nexusctl dlq list --type x --gr", "nexusctl run x @so"),
            [["some.conf"], ["some.conf"], ["timeout"], ["redrive"], ["--group"], ["some.conf"]])


if __name__ == "__main__":
    tap.main()
