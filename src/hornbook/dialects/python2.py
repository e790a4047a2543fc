"""Python 2: what its sources are known by, and what is another name or another thing today."""

# Fixers of fissix for what is no syntax today. All else keeps its place: it is looked up in
# Python 2's own builtins, or decided when the program runs.
FIXERS = "except exec metaclass ne numliterals paren print raise repr throw tuple_params".split()

# A source that uses one of these without defining it is Python 2.
BUILTINS = (
    "basestring buffer cmp coerce execfile file long raw_input reload unichr unicode xrange"
).split()
METHODS = "has_key iteritems iterkeys itervalues viewitems viewkeys viewvalues".split()
MODULES = (
    "ConfigParser Queue StringIO Tkinter __builtin__ cPickle cStringIO commands cookielib httplib "
    "urllib2 urlparse"
).split()

# A class with one of these means what the other is for today.
SPECIAL = {
    "next": "__next__",
    "__nonzero__": "__bool__",
    "__div__": "__truediv__",
    "__idiv__": "__itruediv__",
    "__rdiv__": "__rtruediv__",
    "__unicode__": "__str__",
}

# Modules that exist today and behaved differently: what `libraries.py` calls theirs.
CHANGED = {"pickle": "cPickle", "csv": "python2_csv"}
