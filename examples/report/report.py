#!/usr/bin/env pyx
"""Summarise a year of weather measurements, as a table in the terminal or as an HTML page.

    ./report.py                    the measurements beside this file
    ./report.py --html > year.html
    ./report.py OTHER.csv

What it imports comes from the poetry.lock beside it. Nothing has to be installed first.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
HEADINGS = ("station", "mean °C", "coldest", "warmest", "rain mm", "wettest", "warm and dry?")


@dataclass(frozen=True)
class Summary:
    """One year at one station."""

    station: str
    mean: float
    coldest: float
    warmest: float
    rain: float
    wettest_month: int
    correlation: float

    def cells(self) -> tuple[str, ...]:
        """Return what stands in the table under `HEADINGS`."""
        return (
            self.station,
            f"{self.mean:.1f}",
            f"{self.coldest:.1f}",
            f"{self.warmest:.1f}",
            f"{self.rain:.0f}",
            f"month {self.wettest_month}",
            "yes" if self.correlation < -0.3 else "no",
        )


def read_measurements(path: Path) -> dict[str, np.ndarray]:
    """Return, for each station, an array with one row a month: temperature and rain."""
    rows: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows[row["station"]].append((float(row["temperature"]), float(row["rain"])))
    return {station: np.array(values) for station, values in rows.items()}


def summarise(station: str, months: np.ndarray) -> Summary:
    """Return what is worth knowing about the months of one station."""
    temperature, rain = months.T
    return Summary(
        station=station,
        mean=float(temperature.mean()),
        coldest=float(temperature.min()),
        warmest=float(temperature.max()),
        rain=float(rain.sum()),
        wettest_month=int(rain.argmax()) + 1,
        correlation=float(np.corrcoef(temperature, rain)[0, 1]),
    )


def print_table(summaries: list[Summary]) -> None:
    """Print a table as wide as it needs to be."""
    table = Table(title="A year of weather")
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading == "station" else "right")
    for summary in summaries:
        table.add_row(*summary.cells())
    Console(width=100).print(table)


def print_page(summaries: list[Summary]) -> None:
    """Print an HTML page."""
    loader = jinja2.FileSystemLoader(HERE)
    template = jinja2.Environment(loader=loader, autoescape=True).get_template("report.html")
    print(template.render(headings=HEADINGS, rows=[summary.cells() for summary in summaries]))


def main() -> None:
    """Read the measurements, summarise each station, and print the whole."""
    parser = argparse.ArgumentParser(description="Summarise a year of weather measurements.")
    parser.add_argument("csv", nargs="?", type=Path, default=HERE / "measurements.csv")
    parser.add_argument("--html", action="store_true", help="print an HTML page, not a table")
    options = parser.parse_args()
    stations = read_measurements(options.csv)
    summaries = [summarise(station, months) for station, months in stations.items()]
    if options.html:
        print_page(summaries)
    else:
        print_table(summaries)


if __name__ == "__main__":
    main()
