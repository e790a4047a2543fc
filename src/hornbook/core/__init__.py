"""The six ideas that all else stands on. Knows no layer, loss or model."""

from hornbook.core.allocator import keep_buffers

keep_buffers()  # before the engine starts its threads, each of which would get a heap of its own
