"""What a service is made of; ``parts_of`` is the only place where real parts are chosen."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

from features.clock import Clock
from serving import garbage
from serving.affinity import Core
from serving.archive import Archive
from serving.attention import Attention
from serving.batch_files import BatchFiles
from serving.chronicle import journal_of, name_of
from serving.crowd import Crowd
from serving.door import check_open
from serving.feature_reader import FeatureReader
from serving.jobs.launch import launch, launch_prices, launch_shadow
from serving.jobs.order import JobId
from serving.journal import Journal
from serving.journal.erasure import Known
from serving.listing import Listing
from serving.meter import Meter
from serving.online import online_of
from serving.present import clock_of, follower
from serving.registry import Load, Registry, read_bundle
from serving.repricing import Solve
from serving.settings import Access, Settings, variables
from serving.shadow import challenger_of
from serving.tariff import Tariffs
from serving.values import MemoryValues, Values
from serving.watch import Watch


@dataclass(frozen=True)
class Parts:
    """What a service is made of."""

    clock: Clock
    store: FeatureReader
    journal: Journal
    watch: Watch
    values: Values = field(default_factory=MemoryValues)
    """Where the live features of customers are kept; the store reads them."""
    access: Access = "open"
    keep_raw: bool = False
    forget_in_files: Callable[[Known], None] = lambda _: None
    """Removes a customer from the batch files."""
    models_dir: Path = Path("models")
    """Where the bundles of past champions lie, for replays."""
    load: Load = read_bundle
    jobs: Path | None = None
    """The folder of jobs; None: the service runs none."""
    audiences: Path = Path("audiences")
    launch: Callable[[JobId, Path], None] = lambda _, __: None
    """Starts the process of a job, whose words go into a file."""
    deadline_ms: float = 0.0
    """After which a decision is answered with what is known by then; 0: never."""
    meter: Meter = field(default_factory=Meter)
    monitor: Path | None = None
    """Where the monitor writes what it found; None: nothing is monitored."""
    prices_per_day: float = 0.0
    """How often the prices of what is scarce are solved again; 0: never."""
    shadowed: Callable[[], bool] = lambda: False
    """True while a challenger is named."""
    shadow: Callable[[], Popen[bytes]] | None = None
    """Starts the process in which it makes live decisions again."""
    shadow_report: Path | None = None
    """Where that process writes what it found."""
    solve: Solve = lambda _: lambda: True
    """Starts the process that solves them."""
    stay: Callable[[], AbstractContextManager[None]] = nullcontext
    """Meanwhile the thread that answers, and whatever it starts, runs where that is best."""


def parts_of(settings: Settings) -> Parts:
    """The real parts of these settings."""
    clock = clock_of(settings)
    online = online_of(settings)
    journal = journal_of(settings, online)
    archive = Archive(journal, clock)
    watch = Watch(
        Listing(settings.catalogue_file, follower(clock, settings), archive.remembered, settings.origin_dir),
        Registry(settings.source_dir / "champion.json", settings.models_dir, read_bundle),
        Crowd(online.reader, clock, online.stamp),
        None if settings.attention is None else Attention(*settings.attention),
        settings.model_poll_s,
        archive.keep,
        lambda: settings.salt or name_of(journal),
        Tariffs(settings.prices_file),
        garbage.settle,
    )
    core = Core(f"{settings.host}:{settings.port}") if settings.one_core else None
    anywhere = nullcontext if core is None else core.anywhere
    check_open(settings.access == "open", settings.host)
    return Parts(
        clock,
        online.reader,
        journal,
        watch,
        online.values,
        settings.access,
        settings.keep_raw,
        BatchFiles(settings, anywhere).forget,
        settings.models_dir,
        read_bundle,
        settings.jobs_dir,
        settings.audiences_dir,
        lambda job_id, log: launch(job_id, log, variables(settings), anywhere),
        settings.deadline_ms,
        monitor=settings.monitor_file,
        prices_per_day=settings.prices_per_day,
        shadowed=lambda: challenger_of(settings) is not None,
        shadow=lambda: launch_shadow(settings.data_dir / "logs" / "shadow.log", variables(settings), anywhere),
        shadow_report=settings.shadow_file,
        solve=lambda at: launch_prices(at, settings.data_dir / "logs" / "prices.log", variables(settings), anywhere),
        stay=nullcontext if core is None else core.kept,
    )
