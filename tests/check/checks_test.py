#!/usr/bin/env python3
"""Each check of tools/check finds every kind of fault that it is there for, and no other.

  tests/check/checks_test.py
"""

import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools", "check"))
sys.dont_write_bytecode = True

import includes  # noqa: E402
import line_length  # noqa: E402
import links  # noqa: E402
import project_files  # noqa: E402
import tree_shape  # noqa: E402

ROOMS = "include/inlay\nengine\nbench\ntools/low  # words after a mark\ntools/high\ntests\n"
TREE = {
    "tools/check/rooms.txt": ROOMS,
    "include/inlay/api.h": "",
    "engine/inner.h": "#include <inlay/api.h>\n",
    "engine/api.cc": '#include "inlay/api.h"\n\n#include <vector>\n\n#include "engine/inner.h"\n',
    "bench/bench.h": '#include "engine/inner.h"\n',
    "tools/low/low.h": "",
    "tools/high/high.cc": '#include "tools/low/low.h"\n',
    "tests/test.cc": '#include "bench/bench.h"\n#include "tools/low/low.h"\n',
}


class ChecksTest(unittest.TestCase):
    def faults(self, check, files):
        """What `check` finds in a tree of `files`: contents by path."""
        with tempfile.TemporaryDirectory() as root:
            for path, content in files.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(content)
            return list(check.find_faults(root, project_files.project_files(root)))

    def expect(self, check, files, *expected):
        """Of one fault each, the text begins so."""
        found = self.faults(check, files)
        self.assertEqual(len(found), len(expected), found)
        for text, start in zip(found, expected):
            self.assertTrue(text.startswith(start), f"{text!r} is not {start!r}...")


class Includes(ChecksTest):
    def expect_with(self, path, content, *expected):
        self.expect(includes, {**TREE, path: content}, *expected)

    def test_a_tree_that_keeps_the_rule(self):
        self.expect(includes, TREE)

    def test_only_downwards_between_top_level_folders(self):
        for path, include in (
                ("include/inlay/api.h", '"engine/inner.h"'),
                ("engine/inner.h", '"bench/bench.h"'),
                ("engine/inner.h", '"tools/low/low.h"'),
                ("bench/bench.h", '"tools/low/low.h"'),
                ("tools/low/low.h", '"bench/bench.h"'),
        ):
            self.expect_with(path, f"#include {include}\n",
                             f"{path}:1: {path.split('/')[0]} must not include ")

    def test_product_code_does_not_include_tests(self):
        for path in ("include/inlay/api.h", "engine/inner.h", "bench/bench.h", "tools/low/low.h"):
            self.expect(includes, {**TREE, "tests/part.h": "", path: '#include "tests/part.h"\n'},
                        f"{path}:1: {path.split('/')[0]} must not include tests/part.h")

    def test_only_downwards_between_rooms(self):
        self.expect(includes, {**TREE, "tools/high/high.h": "",
                               "tools/low/low.h": '\n # include "tools/high/high.h"\n'},
                    "tools/low/low.h:2: tools/low is below tools/high ")

    def test_a_header_beside_the_file(self):
        self.expect_with("tools/low/low.cc", '#include "low.h"\n')
        self.expect_with("tools/low/low.cc", '#include "../high/high.cc"\n',
                         "tools/low/low.cc:1: tools/low is below tools/high ")

    def test_a_file_that_is_not_there(self):
        self.expect_with("engine/api.cc", '#include "engine/gone.h"\n',
                         "engine/api.cc:1: there is no engine/gone.h")
        self.expect_with("engine/api.cc", "#include <inlay/gone.h>\n",
                         "engine/api.cc:1: there is no inlay/gone.h")

    def test_a_header_that_the_build_makes(self):
        self.expect(includes, {**TREE, "bench/CMakeLists.txt": "file(WRITE bench/made.h)\n",
                               "bench/bench.h": '#include "bench/made.h"\n'})

    def test_a_folder_that_is_not_listed(self):
        self.expect_with("tools/new/new.cc", "", "tools/check/rooms.txt: tools/new has code and ")

    def test_a_list_with_mistakes(self):
        self.expect_with("tools/check/rooms.txt", ROOMS + "tools/gone\n",
                         "tools/check/rooms.txt:7: tools/gone has no code")
        self.expect_with("tools/check/rooms.txt", ROOMS + "engine\n",
                         "tools/check/rooms.txt:7: engine is listed twice")
        self.expect_with("tools/check/rooms.txt", ROOMS + "docs\n",
                         "tools/check/rooms.txt:7: docs is in no folder of code",
                         "tools/check/rooms.txt:7: docs has no code")

    def test_build_files_keep_the_rule(self):
        self.expect(includes, {
            **TREE,
            "bench/CMakeLists.txt": "add_library(b ${PROJECT_SOURCE_DIR}/engine/api.cc)\n",
            "tools/CMakeLists.txt": "set(x)\nadd_library(t ${PROJECT_SOURCE_DIR}/tests/test.cc)\n",
        }, "tools/CMakeLists.txt:2: tools must not build from tests")


class Links(ChecksTest):
    def test_good_links(self):
        self.expect(links, {
            "docs/a.md": "# A b, `c`: d\n# A b, `c`: d\n"
                         "[one](b.md) [two](b.md#the-end) [](#a-b-c-d)\n"
                         "[](#a-b-c-d-1) [out](https://example.org/no) `[x](gone.md)` [up](../top)\n"
                         "```\n[x](gone.md)\n```\n",
            "docs/b.md": "## The [end](a.md)\n", "top/file": ""})

    def test_a_file_or_heading_that_is_not_there(self):
        self.expect(links, {
            "docs/a.md": "[x](gone.md) ![y](gone.svg)\n<img src=\"gone.png\">\n[z]: gone.txt\n",
            "docs/b.md": "[x](a.md#no-such) [y](#none)\n```\n# none\n```\n"},
            "docs/a.md:1: there is no docs/gone.md", "docs/a.md:1: there is no docs/gone.svg",
            "docs/a.md:2: there is no docs/gone.png", "docs/a.md:3: there is no docs/gone.txt",
            "docs/b.md:1: docs/a.md has no heading for #no-such",
            "docs/b.md:1: docs/b.md has no heading for #none")


class LineLength(ChecksTest):
    def test_every_kind_of_file(self):
        long = "an" + " x" * 50 + "\n"  # 102 columns
        for path in ("engine/a.cc", "engine/a.h", "tools/a.bpf.c", "CMakeLists.txt", "tools/a.sh",
                     "tools/a.py", "docs/a.md", ".ci/run"):
            self.expect(line_length, {path: "\n" + long}, f"{path}:2: 102 columns")
            self.expect(line_length, {path: "\n" + long[2:]})
        self.expect(line_length, {"tests/data/a.md": long, "docs/a.svg": long})

    def test_columns_are_characters(self):
        self.expect(line_length, {"docs/a.md": "ä " * 50 + "\n"})

    def test_what_may_be_wider(self):
        wide = "x " * 60
        self.expect(line_length, {
            "docs/a.md": f"|{wide}|\n    {wide}\n```\n{wide}\n```\n- {'x' * 120}\n",
            "engine/a.cc": f"// See https://example.org {wide}\n"})
        self.expect(line_length, {"docs/a.md": f"```\n```\n{wide}\n"}, "docs/a.md:3: 120 columns")


class TreeShape(ChecksTest):
    def test_sizes(self):
        full = {f"engine/{i}.cc": "\n" * 520 for i in range(32)}
        self.expect(tree_shape, full)
        self.expect(tree_shape, {**full, "engine/1.h": ""}, "engine: 33 files of code")
        self.expect(tree_shape, {**full, "engine/README.md": "\n" * 600})
        self.expect(tree_shape, {**full, "engine/1.cc": "\n" * 521}, "engine/1.cc: 521 lines")
        self.expect(tree_shape, {f"tests/data/{i}.cc": "\n" * 600 for i in range(40)})

    def test_names(self):
        self.expect(tree_shape, {"engine/utility_rate.cc": "", "docs/commonly.md": "", ".new": ""})
        for path in ("engine/util/a.cc", "tools/string_utils.h", "tests/common.h",
                     "bench/helpers/a.cc"):
            self.expect(tree_shape, {path: ""}, f"{path}: the name does not say")

    def test_top_level(self):
        self.expect(tree_shape, {"scripts/a.sh": ""}, "scripts/a.sh: scripts does not belong")


if __name__ == "__main__":
    unittest.main()
