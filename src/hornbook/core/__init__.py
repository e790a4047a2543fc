"""The six ideas everything else is built on. Knows no layer, loss or model."""

from hornbook.core.allocator import keep_buffers
from hornbook.core.compiler import keep_compiled

keep_compiled()
keep_buffers()  # before the engine starts its threads, or each of them gets its own heap
