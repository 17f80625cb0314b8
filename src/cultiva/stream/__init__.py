"""Where do events come in, and where is what is known of a customer this very second?"""

from cultiva.stream.opening import open_hot, open_log
from cultiva.stream.port import Change, Fenced, HotStore, Log, Logged, Overtaken, Owned, Record, Timer, partition_of

__all__ = [
    "Change",
    "Fenced",
    "HotStore",
    "Log",
    "Logged",
    "Overtaken",
    "Owned",
    "Record",
    "Timer",
    "open_hot",
    "open_log",
    "partition_of",
]
