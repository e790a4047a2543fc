"""The six ideas that all else stands on. Knows no layer, loss or model."""

from hornbook.core.allocator import keep_buffers
from hornbook.core.compiler import keep_compiled

keep_compiled()
keep_buffers()  # before the engine starts its threads, each of which would get a heap of its own
