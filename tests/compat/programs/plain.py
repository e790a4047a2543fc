"""No Keras at all: run as under Python."""

import sys

print("plain", __name__, sys.argv[1:])
