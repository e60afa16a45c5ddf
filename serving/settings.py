"""The settings of Kairos: one table, read once from the environment.

The variable of a setting is ``KAIROS_`` and its name in capitals: ``port`` is ``KAIROS_PORT``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, cast

from features.domain import Instant
from features.errors import SettingsError
from features.instant import format_instant
from serving.setting import PREFIX, Setting
from serving.setting_table import SETTINGS

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
    one_core: bool
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
