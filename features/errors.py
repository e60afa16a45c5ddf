"""The errors of Kairos. Each message names the value that is wrong and what to do about it."""


class KairosError(ValueError):
    """Something a person can mend: the message says what is wrong and how."""


class InstantError(KairosError):
    """A text that is not an RFC 3339 instant."""


class SettingsError(KairosError):
    """An environment variable that Kairos cannot use."""


class ContractError(KairosError):
    """Data that break the contract as a whole: a missing file or column, or too many broken rows."""


class ModelError(KairosError):
    """A model that cannot be used: files missing or broken, or fitted to other features."""
