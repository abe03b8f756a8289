"""The language of a file: names, first lines, and snippets of our own for the shared suffixes."""

import pytest

from code_ablate.data.filters import Document, NameLanguage
from code_ablate.data.filters.languages import AMBIGUOUS, BY_SUFFIX, language_of

SNIPPETS = {
    ("h", "c"): [
        "#ifndef QUEUE_H\n#define QUEUE_H\nstruct queue { int *items; size_t size; };\n"
        "void queue_push(struct queue *q, int item);\n#endif\n",
        "/* Nothing but constants. */\n#define WIDTH 80\n",
    ],
    ("h", "cpp"): [
        "#pragma once\n#include <vector>\nnamespace bees {\ntemplate <typename T>\nclass Hive {\n"
        " public:\n  void add(const T& bee);\n private:\n  std::vector<T> bees_;\n};\n}\n",
        "class Shape {\n  virtual double area() const = 0;\n};\n",
    ],
    ("h", "objective-c"): [
        "#import <Foundation/Foundation.h>\n\n@interface Garden : NSObject\n"
        "@property (nonatomic) NSString *name;\n- (void)water:(int)litres;\n@end\n",
    ],
    ("m", "objective-c"): [
        '#import "Garden.h"\n@implementation Garden\n- (void)water:(int)litres {\n'
        '  NSLog(@"%d", litres);\n  [self grow];\n}\n@end\n',
    ],
    ("m", "matlab"): [
        "function y = smooth(x, n)\n% Moving mean over n samples.\nw = ones(1, n) / n;\n"
        "y = conv(x, w);\nend\n",
        "a = zeros(3);\nb = a .* 2;\nplot(b)\n",
    ],
    ("m", "mathematica"): [
        '(* ::Package:: *)\nBeginPackage["Bees`"]\nhoney[x_, y_] := x^2 + y\nEndPackage[]\n',
    ],
    ("m", "mercury"): [
        ":- module hello.\n:- interface.\n:- pred main(io::di, io::uo) is det.\n"
        ":- implementation.\n",
    ],
    ("pl", "perl"): [
        "#!/usr/bin/perl\nuse strict;\nuse warnings;\nmy %seen;\nwhile (<STDIN>) {\n"
        "  chomp;\n  print if $_ =~ /bee/;\n}\nsub count { return scalar keys %seen }\n",
    ],
    ("pl", "prolog"): [
        "% Who is whose ancestor.\nparent(anna, ben).\nparent(ben, carla).\n"
        "ancestor(X, Y) :- parent(X, Y).\nancestor(X, Y) :- parent(X, Z), ancestor(Z, Y).\n",
    ],
    ("d", "d"): [
        "module bees;\nimport std.stdio;\n\nvoid main() {\n  auto total = 0;\n"
        '  foreach (i; 0 .. 10) total += i;\n  writeln("total ", total);\n}\n',
    ],
    ("d", "makefile"): [
        "build/hive.o: src/hive.c src/hive.h \\\n  include/bee.h\nsrc/hive.h:\ninclude/bee.h:\n",
    ],
    ("d", "dtrace"): [
        '#!/usr/sbin/dtrace -s\nsyscall::open:entry\n{\n  printf("%s", execname);\n}\n',
    ],
    ("t", "perl"): [
        'use strict;\nuse Test::More;\nmy $hive = Hive->new;\nis($hive->size, 0, "empty");\n'
        "ok($hive->add(1));\ndone_testing();\n",
    ],
    ("t", "raku"): [
        "use v6;\nuse Test;\nclass Hive { has Int $.size; }\nmy Int $n = 3;\n"
        "multi sub f(Int $x) { $x }\n",
    ],
    ("t", "terra"): [
        'local std = terralib.includec("stdio.h")\nterra add(a : int, b : int)\n'
        "  return a + b\nend\n",
    ],
    ("t", "turing"): [
        'var count : int := 0\nloop\n  count := count + 1\n  put "count ", count\n'
        "  exit when count = 5\nend loop\n",
    ],
    ("t", "shell"): [
        "#!/bin/sh\n. ./test-lib.sh\ntest_expect_success 'it works' '\n  true\n'\ntest_done\n",
    ],
    ("s", "assembly"): [
        "    .globl main\n    .text\nmain:\n    pushq %rbp\n    movq %rsp, %rbp\n"
        "    movl $0, %eax\n    popq %rbp\n    ret\n",
    ],
    ("s", "r"): [
        'library(bees)\ncount.bees <- function(x) sum(x)\nhives <- c(1, 2, 3)\nsetClass("Hive")\n',
    ],
    ("s", "smalltalk"): [
        "!Hive class methodsFor: 'instances'!\nnamed: aName\n  | hive |\n"
        "  hive isNil ifTrue: [hive := self new].\n  ^hive\n",
    ],
    ("v", "verilog"): [
        "module counter(input clk, output reg [3:0] q);\n  always @(posedge clk)\n"
        "    q <= q + 4'b0001;\nendmodule\n",
    ],
    ("v", "coq"): [
        "Require Import Arith.\nTheorem plus_0 : forall n : nat, n + 0 = n.\nProof.\n"
        "  intros n. (* by induction *)\n  induction n; auto.\nQed.\n",
    ],
    ("v", "v"): [
        "module main\n\nimport os\n\nstruct Hive {\n  size int\n}\n\nfn main() {\n"
        "  hive := Hive{3}\n  println(hive.size)\n}\n",
    ],
    ("cls", "tex"): [
        "% A class for letters.\n\\NeedsTeXFormat{LaTeX2e}\n\\ProvidesClass{letters}\n"
        "\\LoadClass{article}\n\\newcommand{\\name}[1]{#1}\n",
    ],
    ("cls", "visual-basic"): [
        'VERSION 1.0 CLASS\nAttribute VB_Name = "Hive"\nPrivate mSize As Long\n'
        "Public Sub Add(n As Long)\n  mSize = mSize + n\nEnd Sub\n",
    ],
    ("cls", "apex"): [
        "public with sharing class HiveController {\n  @AuraEnabled\n"
        "  public static List<Hive__c> all() {\n    return [SELECT Id FROM Hive__c];\n  }\n}\n",
    ],
    ("cls", "openedge-abl"): [
        "USING Progress.Lang.*.\nROUTINE-LEVEL ON ERROR UNDO, THROW.\nCLASS Hive:\n"
        "  METHOD PUBLIC VOID Add():\n  END METHOD.\nEND CLASS.\n",
    ],
    ("cls", "objectscript"): [
        "Class Bees.Hive Extends %Persistent\n{\nProperty Size As %Integer;\n"
        "ClassMethod Count() As %Integer\n{\n  quit 0\n}\n}\n",
    ],
}
"""(suffix, language) -> snippets."""


@pytest.mark.parametrize(("suffix", "language"), SNIPPETS)
def test_a_shared_suffix_is_decided_by_content(suffix, language):
    for snippet in SNIPPETS[suffix, language]:
        assert language_of(f"src/a.{suffix}", snippet) == language, snippet
        assert language_of(f"src\\A.{suffix.upper()}", snippet) == language


def test_every_language_of_a_shared_suffix_has_a_snippet():
    shared = {(s, name) for s, choice in AMBIGUOUS.items() for name in choice.forms}
    shared |= {(suffix, choice.default) for suffix, choice in AMBIGUOUS.items()}
    assert shared == set(SNIPPETS)
    assert set(AMBIGUOUS) == {"h", "m", "pl", "d", "t", "s", "v", "cls"}
    assert not set(AMBIGUOUS) & set(BY_SUFFIX)


@pytest.mark.parametrize("suffix", AMBIGUOUS)
def test_without_content_it_is_what_most_such_files_are(suffix):
    assert language_of(f"a.{suffix}") == AMBIGUOUS[suffix].default


@pytest.mark.parametrize(
    ("path", "text", "language"),
    [
        ("a/b.py", "", "python"),
        ("a/b.C", "", "cpp"),
        ("a/b.c", "", "c"),
        ("Makefile", "all:\n", "makefile"),
        ("x/CMakeLists.txt", "", "cmake"),
        ("notes.txt", "", "text"),
        ("a.tar.JSON", "", "json"),
        ("bin/run", "#!/usr/bin/env -S python3 -u\n", "python"),
        ("bin/run", "#!/bin/bash\n", "shell"),
        ("bin/run", "#! /usr/bin/nodejs\n", "javascript"),
        ("bin/run", "no first line\n", ""),
        ("a.unknown", "#!/bin/bash\n", ""),
        (".bashrc", "", "shell"),
        (".hidden", "", ""),
        ("", "", ""),
    ],
)
def test_names_and_first_lines(path, text, language):
    assert language_of(path, text) == language


def test_it_names_the_language_of_documents():
    document = Document("x = 1\n", language="text", path="a.py")
    assert NameLanguage().rewrite(document)[0].language == "python"
    assert NameLanguage().rewrite(document)[1] == {"language": 1}
    assert NameLanguage(only_unknown=True).rewrite(document) == (document, {})
    unknown = Document("x", language="mine", path="a.unknown")
    assert NameLanguage().rewrite(unknown) == (unknown, {})
    named = Document("x", language="python", path="a.py")
    assert NameLanguage().rewrite(named) == (named, {})
