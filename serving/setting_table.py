"""The table of settings, in the order in which the README lists them."""

from __future__ import annotations

from features.instant import parse_instant
from serving.setting import Setting, currency, number, one_of, optional, path, redis, text, whole, yes

SETTINGS: tuple[Setting, ...] = (
    Setting("data_dir", ".data", "Folder for everything Kairos writes.", path),
    Setting(
        "source",
        "complete_journey",
        "The data to work on: complete_journey, starbucks, files, or journal: what the service has learnt since.",
        one_of("complete_journey", "starbucks", "files", "journal"),
    ),
    Setting(
        "journal_of",
        "complete_journey",
        "Whose journal the source journal is: complete_journey, starbucks or files.",
        one_of("complete_journey", "starbucks", "files"),
    ),
    Setting("starbucks", "", "Folder with the Starbucks tables; needed by the source starbucks.", optional(path)),
    Setting(
        "files", "", "Folder with your own tables in the contract's form; needed by the source files.", optional(path)
    ),
    Setting("currency", "USD", "Currency of every amount, ISO 4217.", currency),
    Setting(
        "margin_share",
        "0.3",
        "Assumed margin as a share of the price, where a source tells prices but no margins.",
        number(0, 1),
    ),
    Setting("cost_direct_mail_minor", "50", "Assumed cost of one contact by direct_mail, minor units.", number()),
    Setting("cost_mailer_minor", "2", "Assumed cost of one contact by mailer, minor units.", number()),
    Setting(
        "cost_in_store_display_minor", "1", "Assumed cost of one contact by in_store_display, minor units.", number()
    ),
    Setting(
        "attention_minor",
        "",
        "Price of using a customer's attention once, minor units; unset: learnt, and by the policy's `losses`, else 1.",
        optional(number()),
    ),
    Setting(
        "attention_slope_minor",
        "",
        "What each recent contact, on any channel, adds to that price, minor units; unset: as learnt, else 0.1.",
        optional(number()),
    ),
    Setting(
        "max_quarantine_share",
        "0.05",
        "Share of a table's rows that may break the contract before the run stops.",
        number(0, 1),
    ),
    Setting(
        "feature_ttl_days",
        "400",
        "Age in days beyond which a customer's features count as unknown, off- and online.",
        number(above=True),
    ),
    Setting(
        "clock",
        "auto",
        "simulated, system, or auto: simulated for the demonstration data, system for files.",
        one_of("auto", "simulated", "system"),
    ),
    Setting(
        "as_of",
        "",
        "Instant at which the simulated clock starts, RFC 3339; unset means the source's own choice.",
        optional(parse_instant),
    ),
    Setting("host", "127.0.0.1", "Address on which the service listens.", text),
    Setting("port", "8000", "Port of the service.", whole(1, 65_535)),
    Setting(
        "processes",
        "1",
        "Processes that serve on the port, one per core at most; each loads the model for itself.",
        whole(1, 1_024),
    ),
    Setting(
        "one_core",
        "yes",
        "yes keeps the threads of each serving process on one core, another one for each process; Linux only.",
        yes,
    ),
    Setting("mlflow_port", "5000", "Port of MLflow's pages.", whole(1, 65_535)),
    Setting(
        "deadline_ms",
        "250",
        "Milliseconds after which a decision is answered with what is known by then; 0: never.",
        number(),
    ),
    Setting("model_poll_s", "1.0", "Seconds between two looks at which model is champion.", number(above=True)),
    Setting("threads", "2", "Threads for training and for batch features; serving scores with one.", whole(1, 1_024)),
    Setting(
        "journal",
        "",
        "Address of the journal, as postgresql://user@host/name, one per source; unset: SQLite.",
        optional(text),
    ),
    Setting(
        "online",
        "",
        "Address of the online store, as redis://host:6379/0; unset: a SQLite file per source.",
        optional(redis),
    ),
    Setting(
        "retention_days",
        "",
        "Days for which events and decisions are kept; `make retention` removes what is older; unset keeps all.",
        optional(number(above=True)),
    ),
    Setting(
        "synchronous",
        "FULL",
        "How SQLite writes the journal: FULL survives a power cut, NORMAL the end of the process only.",
        one_of("FULL", "NORMAL"),
    ),
    Setting(
        "access",
        "open",
        "keys, or open: anybody may call, allowed only where the service listens on this machine alone.",
        one_of("open", "keys"),
    ),
    Setting("keep_raw", "no", "yes keeps e-mail addresses and telephone numbers beside their digests.", yes),
    Setting("seed", "7", "Seed of everything random in training and sampling.", whole(0, 2**31 - 1)),
    Setting(
        "salt",
        "",
        "Part of every draw of exploration: another one makes another control group; unset: the journal's own name.",
        optional(text),
    ),
    Setting(
        "gate_scoring_ms", "50", "Processor milliseconds for 400 pairs above which no model is promoted.", number()
    ),
    Setting("gate_size_mb", "200", "Size in MiB above which no model is promoted.", number()),
    Setting(
        "gate_calibration",
        "2",
        "Times by which a channel's mean probability may miss what is seen before a model is refused.",
        number(above=True),
    ),
    Setting(
        "gate_fairness",
        "0.1",
        "Least share of the best contacts that a group by age or gender must get of another's, 0 allows all.",
        number(),
    ),
    Setting("proof_size", "small", "Size of the proofs: small, as in the test run, or full.", one_of("small", "full")),
    Setting("world_seeds", "5", "Markets of each inside that `make evaluate SOURCE=world` judges.", whole(1, 1_000)),
    Setting("world_contacts", "20000", "Random contacts in the log of each of those markets.", whole(100, 10_000_000)),
    Setting("world_customers", "4000", "Customers of each of those markets.", whole(100, 1_000_000)),
    Setting("bench_s", "5", "Seconds for which each contender of a benchmark runs.", number(above=True)),
    Setting("monitor_days", "7", "Days of the journal that the monitor calls recent.", number(above=True)),
    Setting(
        "monitor_least", "200", "Rows below which the monitor measures nothing and raises no alert.", whole(1, 10**9)
    ),
    Setting(
        "monitor_psi",
        "0.25",
        "Population stability index above which a feature, score or prediction counts as drifted.",
        number(above=True),
    ),
    Setting(
        "monitor_calibration",
        "1.5",
        "Times by which a channel's seen outcomes may miss the predicted ones before there is an alert.",
        number(1),
    ),
    Setting("monitor_fallback", "0.05", "Share of decisions that may be a fallback without an alert.", number(0, 1)),
    Setting("monitor_coverage", "0.25", "Share of the catalogue's offers below which too few are made.", number(0, 1)),
    Setting(
        "prices_per_day",
        "10",
        "How often a day the service has the prices of scarce stock, capacity and budget solved again; 0: never.",
        number(),
    ),
    Setting(
        "prices_horizon_days",
        "30",
        "Days that a stock, or a capacity or budget of no stretch of the calendar, has to last at most.",
        number(above=True),
    ),
    Setting(
        "challenger",
        "",
        "Version of the model that makes live decisions again; unset: the one that `make shadow` names, if any.",
        optional(text),
    ),
)
