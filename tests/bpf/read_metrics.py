#!/usr/bin/env python3
"""Reads a file in the OpenMetrics format with prometheus_client's strict parser.

  tests/bpf/read_metrics.py FILE

Prints a line for each sample, `name {"label": "value"} number`, and one for each family,
`family type unit`. Exits with 77 if there is no prometheus_client, and with 1 if the file is wrong.
"""

import json
import sys

try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
except ImportError:
    print("skipped: no module prometheus_client (Debian: python3-prometheus-client)")
    sys.exit(77)

with open(sys.argv[1], encoding="utf-8") as file:
    for family in text_string_to_metric_families(file.read()):
        print(family.name, family.type, family.unit or "-")
        for sample in family.samples:
            print(sample.name, json.dumps(sample.labels, sort_keys=True), f"{sample.value:.17g}")
