"""Old names as plain data: their arguments, and what they are today.

Nothing of the library is imported here, so that everything that deals with old names (running old
programs, porting them, reading their files, the docs) can use the same tables.
"""
