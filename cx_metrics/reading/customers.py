"""A list of customers → the table customers: one row per customer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from cx_metrics.reading.files import RawFile
from cx_metrics.reading.mapping import FileMapping
from cx_metrics.reading.report import Report
from cx_metrics.reading.touchpoints import NO_CUSTOMER
from cx_metrics.reading.typed import Rowset, Typed, read_typed, table_schema
from cx_metrics.tables import CUSTOMER_COLUMNS
from cx_metrics.texts import N_, Text


def read_customers(raw: RawFile, mapping: FileMapping) -> Typed:
    """Who are the customers, and what is known of them?

    One row per customer id. Where an id stands in several rows the first one counts; the later ones are set aside.

    Raises:
        MappingProblem: the mapping does not fit the file.
    """
    report = Report(raw.name, "customers")
    seen: set[str] = set()

    def build(rows: Rowset) -> Mapping[str, pa.Array]:
        customers = rows.required("customer_id", NO_CUSTOMER)
        again = np.zeros(len(rows), bool)
        for place, customer in enumerate(customers.to_pylist()):
            again[place] = customer in seen
            seen.add(customer)
        rows.set_aside(
            again, "customer_id", customers, Text(N_("The customer stands in an earlier row, which counts."))
        )
        return {"customer_id": customers} | {name: rows.text(name) for name in CUSTOMER_COLUMNS}

    return read_typed(raw, mapping, table_schema(mapping), build, report)
