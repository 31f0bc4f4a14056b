#!/usr/bin/env python3
"""What the library writes as OpenMetrics is read by the parser of Prometheus.

  tests/engine/stores/open_metrics_test.py OPEN_METRICS_SAMPLE

Exits with 77 if there is no parser.
"""

import math
import subprocess
import sys
import unittest

try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
except ImportError:
    print("skipped: no module prometheus_client (Debian: python3-prometheus-client)")
    sys.exit(77)

SAMPLE = sys.argv.pop(1)
NAMES = ["policy", "policy", "", 'a"b\\c\nd\\n', "\ufffd\u00e9", "# EOF", '{x="y"} 1']
STORE = 'connections "in"'


class OpenMetricsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = subprocess.run([SAMPLE], capture_output=True, check=True).stdout.decode()
        cls.families = {f.name: f for f in text_string_to_metric_families(cls.text)}

    def samples(self, family, store=STORE, **labels):
        return [
            sample
            for sample in self.families[family].samples
            if sample.labels["store"] == store
            and all(sample.labels[name] == value for name, value in labels.items())
        ]

    def value(self, family, **labels):
        (sample,) = self.samples(family, **labels)
        return sample.value

    def test_ends_once(self):
        self.assertTrue(self.text.endswith("\n# EOF\n"))

    def test_names_come_back(self):
        samples = self.samples("inlay_map")
        self.assertEqual([s.labels["map"] for s in samples], NAMES)
        self.assertEqual([s.labels["number"] for s in samples], list("1234567"))
        self.assertEqual({s.name for s in samples}, {"inlay_map_info"})

    def test_no_sample_is_there_twice(self):
        for family in self.families.values():
            keys = [(s.name, tuple(sorted(s.labels.items()))) for s in family.samples]
            self.assertEqual(len(keys), len(set(keys)), family.name)

    def test_units_are_suffixes_and_every_family_has_help(self):
        for family in self.families.values():
            self.assertTrue(family.documentation, family.name)
            if family.unit:
                self.assertTrue(family.name.endswith("_" + family.unit), family.name)
        for name in ("inlay_map_memory_bytes", "inlay_account_used_bytes"):
            self.assertEqual(self.families[name].unit, "bytes")

    def test_counters_end_in_total(self):
        counters = [f for f in self.families.values() if f.type == "counter"]
        self.assertEqual(len(counters), 11)
        for family in counters:
            self.assertEqual({s.name for s in family.samples}, {family.name + "_total"})

    def test_values_are_those_of_the_store(self):
        first = {"number": "1"}
        self.assertEqual(self.value("inlay_map_indexes", state="live", **first), 2)
        self.assertEqual(self.value("inlay_map_indexes", state="free", **first), 0)
        self.assertEqual(self.value("inlay_map_fill_ratio", **first), 1)
        self.assertEqual(self.value("inlay_map_spilled_owners", **first), 1)
        self.assertEqual(self.value("inlay_map_spills", **first), 1)
        self.assertEqual(self.value("inlay_map_added_values", **first), 2)
        self.assertEqual(self.value("inlay_map_indexes_run_out_seconds", **first), 0)
        self.assertEqual(self.value("inlay_map_indexes", state="live", number="2"), 1)
        self.assertLess(self.value("inlay_map_indexes_run_out_seconds", number="2"), math.inf)
        self.assertEqual(self.value("inlay_map_indexes_run_out_seconds", number="3"), math.inf)
        self.assertEqual(self.value("inlay_owner_reserved_bits"), 64)
        self.assertEqual(self.value("inlay_owner_free_bits"), 64 - 2 * len(NAMES))
        self.assertEqual(self.value("inlay_account_limit_bytes", account="table"), 1 << 20)
        self.assertEqual(self.value("inlay_account_limit_bytes", account="spill"), math.inf)
        used = self.value("inlay_account_used_bytes", account="table")
        parts = [
            sample.value
            for part in ("table", "index")
            for sample in self.samples("inlay_map_memory_bytes", part=part)
        ]
        # Without what the map has for spilled owners, which is in no account.
        self.assertLessEqual(used, sum(parts))
        self.assertGreater(used, 0)

    def test_a_map_that_has_fallen_back_has_memory_and_no_indexes(self):
        (info,) = self.samples("inlay_map", store="sockets")
        self.assertEqual(info.labels["layout"], "pointer")
        self.assertEqual(info.labels["value_bytes"], "8")
        self.assertEqual(len(self.samples("inlay_map_memory_bytes", store="sockets")), 5)
        self.assertEqual(self.samples("inlay_map_indexes", store="sockets"), [])
        self.assertEqual(self.samples("inlay_map_spills", store="sockets"), [])


if __name__ == "__main__":
    unittest.main()
