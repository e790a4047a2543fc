"""Python 2: how to detect its sources, and what has been renamed or has changed."""

# Fissix fixers for syntax that Python 3 rejects. All else is left in place: it is looked up in
# Python 2's builtins, or decided at run time.
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

# Special methods and their names today.
SPECIAL = {
    "next": "__next__",
    "__nonzero__": "__bool__",
    "__div__": "__truediv__",
    "__idiv__": "__itruediv__",
    "__rdiv__": "__rtruediv__",
    "__unicode__": "__str__",
}

# Modules whose behaviour has changed, and their old versions in `libraries.py`.
CHANGED = {"pickle": "cPickle", "csv": "python2_csv"}
