#!/usr/bin/env python3
"""`inlay analyze --json` prints what tools/command/analyze.schema.json says, by python3-jsonschema.

  tests/tools/command/analyze_schema_test.py INLAY SCHEMA DATA_FOLDER

Exits with 77 if there is no jsonschema.
"""

import copy
import gzip
import json
import os
import subprocess
import sys
import tempfile
import unittest

try:
    import jsonschema
except ImportError:
    print("skipped: no module jsonschema (Debian: python3-jsonschema)")
    sys.exit(77)

INLAY, SCHEMA, DATA = sys.argv[1:]


def at(report, place):
    """What is in `report` at `place`, a list of keys and indices."""
    for key in place:
        report = report[key]
    return report


class AnalyzeSchemaTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(SCHEMA, encoding="utf-8") as file:
            cls.schema = json.load(file)
        jsonschema.Draft7Validator.check_schema(cls.schema)
        cls.validator = jsonschema.Draft7Validator(cls.schema)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def report(self, *arguments):
        made = subprocess.run([INLAY, "analyze", "--json", *arguments], check=False,
                              capture_output=True)
        self.assertEqual(made.returncode, 0, (arguments, made.stderr))
        return json.loads(made.stdout)

    def assert_valid(self, report, about):
        complaints = [f"{list(error.absolute_path)}: {error.message[:200]}"
                      for error in self.validator.iter_errors(report)]
        self.assertEqual(complaints, [], about)

    def assert_invalid(self, report, about):
        self.assertFalse(self.validator.is_valid(report), f"valid all the same: {about}")

    def changed(self, report, place, value):
        report = copy.deepcopy(report)
        at(report, place[:-1])[place[-1]] = value
        return report

    def test_every_kind_of_output_is_valid(self):
        many = b"id,x\n" + b"".join(b"%d,y\n" % i for i in range(70_000))
        with gzip.open(f"{DATA}/ip_country/ip_country.csv.gz") as file:
            countries = self.write("ip_country.csv", file.read())
        syn = f"{DATA}/syn_options/syn.tsv"
        for arguments in (
                [syn],
                ["--columns", "5-9", syn],
                ["--top", "0", "--spoilers", "0", syn],
                ["--value-bytes", "224", f"{DATA}/tcp_info/snapshots.tcp_info.bin"],
                [f"{DATA}/tcp_info/last_per_socket.tsv"],
                ["--columns", "3", countries],
                ["--header", self.write("many.csv", many)],
                [self.write("one", b"a,b\n")],
                ["--value-bytes", "1", self.write("byte", b"x")],
                [self.write("odd", b"\xFF,\xFE\n,\n")],
                ["--value-bytes", "4", "--fields", "a:u8,b:u16", self.write("named", b"a-bca-bd")],
                [f"{DATA}/bpf_dumps/conf_map.btf.j.json"],
                ["--in-order", syn],
                ["--snapshots", self.write("first", b"1,a\n2,a\n"),
                 self.write("second", b"1,a\n3,a\n")],
        ):
            self.assert_valid(self.report(*arguments), arguments)

    def test_estimates_are_valid(self):
        distinct = self.write("distinct", b"".join(b"%016d" % i for i in range(1_000_000)))
        report = self.report("--value-bytes", "16", "--memory", "16M", distinct)
        self.assertFalse(report["exact"])
        self.assert_valid(report, "estimates")

    def small_report(self):
        report = self.report("--top", "1", self.write("two", b"1,a\n2,a\n3,a\n3,a\n"))
        self.assert_valid(report, "the small report")
        return report

    def test_a_report_with_a_broken_object_is_invalid(self):
        """In every object: a key more, and of every key the lack, and another type."""
        report = self.small_report()
        places = [[]]
        broken = 0
        while places:
            place = places.pop()
            self.assert_invalid(self.changed(report, place + ["nonsense"], 1), place)
            for key, value in at(report, place).items():
                less = copy.deepcopy(report)
                del at(less, place)[key]
                self.assert_invalid(less, f"{place} without {key}")
                other = self.changed(report, place + [key], {"no": "such"})
                self.assert_invalid(other, f"{place + [key]} of another type")
                broken += 2
                if isinstance(value, list) and value and isinstance(value[0], dict):
                    places.append(place + [key, 0])
        self.assertGreaterEqual(broken, 60)

    def test_a_value_out_of_its_range_is_invalid(self):
        report = self.small_report()
        self.assert_valid(self.changed(report, ["index_bits"], None), "no index")
        for place, value in (
                (["index_bits"], 17), (["index_bits"], 1),
                (["records"], 0), (["records"], -1), (["records"], 1.5),
                (["dedup_ratio"], "1"),
                (["top", 0, "share"], 1.01),
                (["fields", 0, "distinct_without"], 0),
                (["spoilers", 0, "fields"], []), (["spoilers", 0, "fields", 0], 7),
                (["exact"], 1),
        ):
            self.assert_invalid(self.changed(report, place, value), f"{place} = {value}")

    def test_parts_that_a_report_may_have(self):
        report = self.report(self.write("two", b"1,a\n2,a\n"))
        report["top"][0]["fields"] = {"c1": "1", "c2": "a"}
        report["distinct_by_fields"] = None
        report["split"] = {"shared": [{"fields": ["c2"], "distinct": 1, "index_bits": 2}],
                           "private": ["c1"], "bytes_per_socket": 2.5, "method": "greedy"}
        self.assert_valid(report, "with all parts")
        for value in (1, 2.5, True):
            self.assert_valid(self.changed(report, ["top", 0, "fields", "c1"], value), value)
        for value in ([], {}, None):
            self.assert_invalid(self.changed(report, ["top", 0, "fields", "c1"], value), value)
        del report["split"]["shared"][0]["fields"]
        self.assert_invalid(report, "a shared part without fields")

    def test_every_key_is_described(self):
        schemas = [("report", self.schema)]
        while schemas:
            place, schema = schemas.pop()
            if "items" in schema:
                schemas.append((f"{place}[]", schema["items"]))
            if "properties" in schema:
                self.assertIs(schema.get("additionalProperties"), False, place)
            for key, value in schema.get("properties", {}).items():
                self.assertTrue(value.get("description"), f"{place}.{key}")
                schemas.append((f"{place}.{key}", value))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
