"""Old names as plain data: what each was called, what it took, and what it is today.

Nothing of the library is imported here, so that whatever wants to know an old name (running old
programs, rewriting them, reading their files, the docs) can ask the same tables.
"""
