"""The settings of Kairos: one table, read once from the environment.

The variable of a setting is ``KAIROS_`` and its name in capitals: ``port`` is ``KAIROS_PORT``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, cast

from features.domain import Instant
from features.errors import SettingsError
from features.instant import format_instant, parse_instant

PREFIX = "KAIROS_"

Source = Literal["complete_journey", "starbucks", "files", "journal"]
Origin = Literal["complete_journey", "starbucks", "files"]
ClockName = Literal["simulated", "system"]
Size = Literal["small", "full"]
Access = Literal["open", "keys"]
Synchronous = Literal["FULL", "NORMAL"]


@dataclass(frozen=True, slots=True)
class Settings:
    """The value of every setting; what each means stands in SETTINGS."""

    data_dir: Path
    source: Source
    journal_of: Origin
    starbucks: Path | None
    files: Path | None
    currency: str
    margin_share: float
    cost_direct_mail_minor: float
    cost_mailer_minor: float
    cost_in_store_display_minor: float
    attention_minor: float | None
    attention_slope_minor: float | None
    max_quarantine_share: float
    feature_ttl_days: float
    clock: ClockName
    as_of: Instant | None
    host: str
    port: int
    processes: int
    mlflow_port: int
    deadline_ms: float
    model_poll_s: float
    threads: int
    journal: str | None
    online: str | None
    retention_days: float | None
    synchronous: Synchronous
    access: Access
    keep_raw: bool
    seed: int
    salt: str | None
    gate_scoring_ms: float
    gate_size_mb: float
    gate_calibration: float
    gate_fairness: float
    proof_size: Size
    world_seeds: int
    world_contacts: int
    world_customers: int
    bench_s: float
    monitor_days: float
    monitor_least: int
    monitor_psi: float
    monitor_calibration: float
    monitor_fallback: float
    monitor_coverage: float
    prices_per_day: float
    prices_horizon_days: float
    challenger: str | None

    @property
    def source_dir(self) -> Path:
        """The folder of everything that belongs to the chosen source."""
        return self.data_dir / self.source

    @property
    def origin(self) -> Origin:
        """The source whose customers the journal is about."""
        return self.journal_of if self.source == "journal" else self.source

    @property
    def origin_dir(self) -> Path:
        """The folder of the journal's source."""
        return self.data_dir / self.origin

    @property
    def contract_dir(self) -> Path:
        """The folder of the source's tables, normalised to the contract."""
        return self.source_dir / "contract"

    @property
    def feast_dir(self) -> Path:
        """The folder of the feature store: Parquet, registry and online store."""
        return self.source_dir / "feast"

    @property
    def online_file(self) -> Path:
        """The packed values that the service reads by key."""
        return self.feast_dir / "online.db"

    @property
    def witness_file(self) -> Path:
        """What was seen of the journal, apart from it."""
        return self.origin_dir / "seen.json"

    @property
    def catalogue_file(self) -> Path:
        """The offers and channels of the source, as one JSON document."""
        return self.source_dir / "catalogue.json"

    @property
    def models_dir(self) -> Path:
        """The folder with one bundle per model version."""
        return self.source_dir / "models"

    @property
    def jobs_dir(self) -> Path:
        """The folder with one folder per job."""
        return self.origin_dir / "jobs"

    @property
    def challenger_file(self) -> Path:
        """Which model makes live decisions again, beside the champion."""
        return self.source_dir / "challenger.json"

    @property
    def shadow_file(self) -> Path:
        """What that model found; the service shows it."""
        return self.reports_dir / "shadow" / f"{self.source}.json"

    @property
    def prices_file(self) -> Path:
        """What a unit of everything scarce costs in scores, as it was solved last."""
        return self.origin_dir / "prices.json"

    @property
    def audiences_dir(self) -> Path:
        """The folder in which files of audiences are handed in."""
        return self.origin_dir / "audiences"

    @property
    def reports_dir(self) -> Path:
        """The folder of reports: evaluations, proofs, benchmarks."""
        return self.data_dir / "reports"

    @property
    def monitor_dir(self) -> Path:
        """The folder of what the monitor found of the chosen source."""
        return self.reports_dir / "monitor" / self.source

    @property
    def monitor_file(self) -> Path:
        """What the monitor found last; the service shows it."""
        return self.monitor_dir / "report.json"

    @property
    def attention(self) -> tuple[float, float] | None:
        """Price of a contact and what each recent one adds, minor units; None where neither is set."""
        contact, slope = self.attention_minor, self.attention_slope_minor
        if contact is None and slope is None:
            return None
        return 1.0 if contact is None else contact, 0.1 if slope is None else slope

    @property
    def mlflow_uri(self) -> str:
        """Where MLflow keeps runs and registered models."""
        return f"sqlite:///{self.data_dir.absolute() / 'mlflow.db'}"

    @property
    def mlflow_artifacts_dir(self) -> Path:
        """The folder in which MLflow keeps the files of its runs."""
        return self.data_dir / "mlartifacts"

    @property
    def journal_uri(self) -> str:
        """Where the journal lies, as an SQLAlchemy address: one journal per source keeps their customers apart."""
        return self.journal or f"sqlite:///{self.origin_dir.absolute() / 'journal.db'}"


def _text(text: str) -> str:
    return text


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _optional(read: Callable[[str], object]) -> Callable[[str], object]:
    return lambda text: read(text) if text else None


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise SettingsError(f"use one of: {', '.join(words)}")
        return text

    return read


def _number(low: float = 0.0, high: float = math.inf, *, above: bool = False) -> Callable[[str], float]:
    span = f"{'above' if above else 'from'} {low:g}" + (f" to {high:g}" if high < math.inf else "")

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise SettingsError(f"use a number {span}") from None
        if not math.isfinite(value) or value < low or value > high or (above and value == low):
            raise SettingsError(f"use a number {span}")
        return value

    return read


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()) or not low <= int(text) <= high:
            raise SettingsError(f"use a whole number from {low} to {high}")
        return int(text)

    return read


def _yes(text: str) -> bool:
    return _one_of("yes", "no")(text) == "yes"


def _redis(text: str) -> str:
    if not text.startswith(("redis://", "rediss://", "unix://")):
        raise SettingsError("use redis://host:6379/0, rediss:// with encryption, or unix:///path/of/the/socket?db=0")
    return text


def _currency(text: str) -> str:
    if not (len(text) == 3 and text.isascii() and text.isalpha() and text.isupper()):
        raise SettingsError("use the three capitals of ISO 4217, such as USD")
    return text


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table."""

    name: str
    default: str
    """The default as it would stand in the environment; empty where the setting is unset."""
    sentence: str
    read: Callable[[str], object]
    """From the text to the value; SettingsError says what would be right."""

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.name.upper()


SETTINGS: tuple[Setting, ...] = (
    Setting("data_dir", ".data", "Folder for everything Kairos writes.", _path),
    Setting(
        "source",
        "complete_journey",
        "The data to work on: complete_journey, starbucks, files, or journal: what the service has learnt since.",
        _one_of("complete_journey", "starbucks", "files", "journal"),
    ),
    Setting(
        "journal_of",
        "complete_journey",
        "Whose journal the source journal is: complete_journey, starbucks or files.",
        _one_of("complete_journey", "starbucks", "files"),
    ),
    Setting("starbucks", "", "Folder with the Starbucks tables; needed by the source starbucks.", _optional(_path)),
    Setting(
        "files", "", "Folder with your own tables in the contract's form; needed by the source files.", _optional(_path)
    ),
    Setting("currency", "USD", "Currency of every amount, ISO 4217.", _currency),
    Setting(
        "margin_share",
        "0.3",
        "Assumed margin as a share of the price, where a source tells prices but no margins.",
        _number(0, 1),
    ),
    Setting("cost_direct_mail_minor", "50", "Assumed cost of one contact by direct_mail, minor units.", _number()),
    Setting("cost_mailer_minor", "2", "Assumed cost of one contact by mailer, minor units.", _number()),
    Setting(
        "cost_in_store_display_minor", "1", "Assumed cost of one contact by in_store_display, minor units.", _number()
    ),
    Setting(
        "attention_minor",
        "",
        "Price of using a customer's attention once, minor units; unset: what the model has learnt, else 1.",
        _optional(_number()),
    ),
    Setting(
        "attention_slope_minor",
        "",
        "What each recent contact, on any channel, adds to that price, minor units; unset: as learnt, else 0.1.",
        _optional(_number()),
    ),
    Setting(
        "max_quarantine_share",
        "0.05",
        "Share of a table's rows that may break the contract before the run stops.",
        _number(0, 1),
    ),
    Setting(
        "feature_ttl_days",
        "400",
        "Age in days beyond which a customer's features count as unknown, off- and online.",
        _number(above=True),
    ),
    Setting(
        "clock",
        "auto",
        "simulated, system, or auto: simulated for the demonstration data, system for files.",
        _one_of("auto", "simulated", "system"),
    ),
    Setting(
        "as_of",
        "",
        "Instant at which the simulated clock starts, RFC 3339; unset means the source's own choice.",
        _optional(parse_instant),
    ),
    Setting("host", "127.0.0.1", "Address on which the service listens.", _text),
    Setting("port", "8000", "Port of the service.", _whole(1, 65_535)),
    Setting(
        "processes",
        "1",
        "Processes that serve on the port, one per core at most; each loads the model for itself.",
        _whole(1, 1_024),
    ),
    Setting("mlflow_port", "5000", "Port of MLflow's pages.", _whole(1, 65_535)),
    Setting(
        "deadline_ms",
        "250",
        "Milliseconds after which a decision is answered with what is known by then; 0: never.",
        _number(),
    ),
    Setting("model_poll_s", "1.0", "Seconds between two looks at which model is champion.", _number(above=True)),
    Setting("threads", "2", "Threads for training and for batch features; serving scores with one.", _whole(1, 1_024)),
    Setting(
        "journal",
        "",
        "Address of the journal, as postgresql://user@host/name, one per source; unset: SQLite.",
        _optional(_text),
    ),
    Setting(
        "online",
        "",
        "Address of the online store, as redis://host:6379/0; unset: a SQLite file per source.",
        _optional(_redis),
    ),
    Setting(
        "retention_days",
        "",
        "Days for which events and decisions are kept; `make retention` removes what is older; unset keeps all.",
        _optional(_number(above=True)),
    ),
    Setting(
        "synchronous",
        "FULL",
        "How SQLite writes the journal: FULL survives a power cut, NORMAL the end of the process only.",
        _one_of("FULL", "NORMAL"),
    ),
    Setting(
        "access",
        "open",
        "keys, or open: anybody may call, allowed only where the service listens on this machine alone.",
        _one_of("open", "keys"),
    ),
    Setting("keep_raw", "no", "yes keeps e-mail addresses and telephone numbers beside their digests.", _yes),
    Setting("seed", "7", "Seed of everything random in training and sampling.", _whole(0, 2**31 - 1)),
    Setting(
        "salt",
        "",
        "Part of every draw of exploration: another one makes another control group; unset: the journal's own name.",
        _optional(_text),
    ),
    Setting(
        "gate_scoring_ms", "50", "Processor milliseconds for 400 pairs above which no model is promoted.", _number()
    ),
    Setting("gate_size_mb", "200", "Size in MiB above which no model is promoted.", _number()),
    Setting(
        "gate_calibration",
        "2",
        "Times by which a channel's mean probability may miss what is seen before a model is refused.",
        _number(above=True),
    ),
    Setting(
        "gate_fairness",
        "0.1",
        "Least share of the best contacts that a group by age or gender must get of another's, 0 allows all.",
        _number(),
    ),
    Setting("proof_size", "small", "Size of the proofs: small, as in the test run, or full.", _one_of("small", "full")),
    Setting("world_seeds", "5", "Markets of each inside that `make evaluate SOURCE=world` judges.", _whole(1, 1_000)),
    Setting("world_contacts", "20000", "Random contacts in the log of each of those markets.", _whole(100, 10_000_000)),
    Setting("world_customers", "4000", "Customers of each of those markets.", _whole(100, 1_000_000)),
    Setting("bench_s", "5", "Seconds for which each contender of a benchmark runs.", _number(above=True)),
    Setting("monitor_days", "7", "Days of the journal that the monitor calls recent.", _number(above=True)),
    Setting(
        "monitor_least", "200", "Rows below which the monitor measures nothing and raises no alert.", _whole(1, 10**9)
    ),
    Setting(
        "monitor_psi",
        "0.25",
        "Population stability index above which a feature, score or prediction counts as drifted.",
        _number(above=True),
    ),
    Setting(
        "monitor_calibration",
        "1.5",
        "Times by which a channel's seen outcomes may miss the predicted ones before there is an alert.",
        _number(1),
    ),
    Setting("monitor_fallback", "0.05", "Share of decisions that may be a fallback without an alert.", _number(0, 1)),
    Setting("monitor_coverage", "0.25", "Share of the catalogue's offers below which too few are made.", _number(0, 1)),
    Setting(
        "prices_per_day",
        "10",
        "How often a day the service has the prices of scarce stock, capacity and budget solved again; 0: never.",
        _number(),
    ),
    Setting(
        "prices_horizon_days",
        "30",
        "Days that a stock, or a capacity or budget of no stretch of the calendar, has to last at most.",
        _number(above=True),
    ),
    Setting(
        "challenger",
        "",
        "Version of the model that makes live decisions again; unset: the one that `make shadow` names, if any.",
        _optional(_text),
    ),
)


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings in force, from ``KAIROS_*`` variables; an empty variable counts as unset.

    Raises SettingsError for a value that cannot be used and for a ``KAIROS_*`` variable that no setting has.
    """
    _refuse_unknown(environ)
    values = {setting.name: _value(setting, environ) for setting in SETTINGS}
    if values["clock"] == "auto":
        origin = values["journal_of"] if values["source"] == "journal" else values["source"]
        values["clock"] = "system" if origin == "files" else "simulated"
    return Settings(**cast(dict[str, Any], values))


def variables(settings: Settings) -> dict[str, str]:
    """The environment that ``read_settings`` reads these settings from."""
    values = {setting: getattr(settings, setting.name) for setting in SETTINGS}
    as_of = None if settings.as_of is None else format_instant(settings.as_of)
    told = {setting.variable: _written(value) for setting, value in values.items() if value is not None}
    return told if as_of is None else {**told, f"{PREFIX}AS_OF": as_of}


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _value(setting: Setting, environ: Mapping[str, str]) -> object:
    text = environ.get(setting.variable, "").strip() or setting.default
    try:
        return setting.read(text)
    except ValueError as error:
        raise SettingsError(f"{setting.variable}={text!r}: {error}") from error


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    known = [setting.variable for setting in SETTINGS]
    for variable in sorted(environ):
        if variable.startswith(PREFIX) and variable not in known:
            close = get_close_matches(variable, known, n=1)
            remedy = f"did you mean {close[0]}?" if close else "`make help` and the README list the settings"
            raise SettingsError(f"{variable} is not a setting: {remedy}")
