"""What a scrape brought, read by the library that Prometheus' own people wrote."""

from dataclasses import dataclass
from typing import Any

from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True)
class Scrape:
    """Families by name, as the text names them; samples by name and labels."""

    kinds: dict[str, str]
    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]

    def value(self, name: str, **labels: str) -> float:
        return self.samples[name, frozenset(labels.items())]

    def table(self, name: str, label: str) -> dict[str, float]:
        """Return the samples of a name by the value of a label."""
        found = [(dict(labels), value) for (one, labels), value in self.samples.items()
                 if one == name]  # fmt: skip
        return {labels[label]: value for labels, value in found}

    def names(self) -> set[str]:
        """Return every name that a query may use."""
        made: set[str] = set()
        for name, kind in self.kinds.items():
            if kind == "histogram":
                made |= {f"{name}_{part}" for part in ("bucket", "count", "sum")}
            else:
                made.add(f"{name}_total" if kind == "counter" else name)
        return made


def parse(text: str) -> Scrape:
    families: list[Any] = list(text_string_to_metric_families(text))
    samples = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }
    assert len({family.name for family in families}) == len(families), "a family told twice"
    return Scrape({family.name: family.type for family in families}, samples)
