"""What a run leaves behind: the append-only history, the run folder, the manifest, and the digest over them."""

from lab.evidence.folder import RunFolder, write_atomically
from lab.evidence.recorder import HistoryFull, Recorder, history_digest

__all__ = ["HistoryFull", "Recorder", "RunFolder", "history_digest", "write_atomically"]
