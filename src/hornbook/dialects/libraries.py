"""Names that numpy, scipy, scikit-learn, pandas, Python and others have dropped.

`module.name` is their place today; names starting with `compat.` are implemented in this package.
"""

from typing import Any


def _same(names: str, where: str) -> dict[str, str]:
    return {name: f"{where}.{name}" for name in names.split()}


def _all_of(modules: str, where: str) -> dict[str, dict[str, str]]:
    return {module: {"*": where} for module in modules.split()}


ABSTRACT = (
    "Callable Container Generator Hashable ItemsView Iterable Iterator KeysView Mapping "
    "MappingView MutableMapping MutableSequence MutableSet Sequence Set Sized ValuesView"
)
LOST = "compat.lost"
FRAME = {
    "append": f"{LOST}.frames.append",
    "as_matrix": f"{LOST}.frames.as_matrix",
    "ix": f"{LOST}.frames.ix",
}
FOLDS = {
    "KFold": f"{LOST}.estimators.kfold",
    "StratifiedKFold": f"{LOST}.estimators.stratified_kfold",
    "ShuffleSplit": f"{LOST}.estimators.shuffle_split",
    "StratifiedShuffleSplit": f"{LOST}.estimators.stratified_shuffle_split",
    "LeaveOneOut": f"{LOST}.estimators.leave_one_out",
}

# Libraries of today: names are restored in them if they are installed, and nothing replaces them.
LIVING = "numpy scipy pandas h5py IPython PIL matplotlib nltk sklearn".split()

# For each module or `module:Class`, old names and their places today; `*` is a whole module.
GONE: dict[str, dict[str, str]] = {
    # ---- numpy
    "numpy": {
        **_same("bool int float complex object str", "builtins"),
        "long": "builtins.int",
        "unicode": "builtins.str",
        "float_": "numpy.float64",
        "complex_": "numpy.complex128",
        "int0": "numpy.intp",
        "uint0": "numpy.uintp",
        "bool8": "numpy.bool_",
        "object0": "numpy.object_",
        "str0": "numpy.str_",
        "string_": "numpy.bytes_",
        "unicode_": "numpy.str_",
        **dict.fromkeys(("Inf", "infty", "Infinity", "PINF"), "numpy.inf"),
        "NINF": f"{LOST}.arrays.NINF",
        "NaN": "numpy.nan",
        "NAN": "numpy.nan",
        "product": "numpy.prod",
        "cumproduct": "numpy.cumprod",
        "alltrue": "numpy.all",
        "sometrue": "numpy.any",
        "round_": "numpy.round",
        "rank": "numpy.ndim",
        "in1d": "numpy.isin",
        "trapz": "numpy.trapezoid",
        "row_stack": "numpy.vstack",
        "mat": "numpy.asmatrix",
        "asscalar": f"{LOST}.arrays.asscalar",
        "asfarray": f"{LOST}.arrays.asfarray",
        "msort": f"{LOST}.arrays.msort",
        "find_common_type": f"{LOST}.arrays.find_common_type",
        "typeDict": "numpy.sctypeDict",
    },
    "numpy.random": {"random_integers": f"{LOST}.arrays.random_integers"},
    "numpy.lib": _same("pad", "numpy"),
    # ---- scipy
    "scipy": {
        **_same(
            "all any arange argmax argmin array asarray concatenate cos cov cumsum dot e empty exp "
            "eye inf linspace log log10 log2 mean median nan newaxis ones outer pi random reshape "
            "round sign sin sqrt std sum tile transpose var vstack hstack where zeros",
            "numpy",
        ),
        **_same("rand randn", "numpy.random"),
    },
    "scipy.misc": {
        **_same(
            "bytescale fromimage imread imresize imrotate imsave imshow toimage", f"{LOST}.pictures"
        ),
        **_same("comb factorial factorial2 factorialk logsumexp", "scipy.special"),
        **_same("ascent face", "scipy.datasets"),
    },
    "scipy.ndimage": _same("imread", f"{LOST}.pictures"),
    **_all_of(
        "scipy.ndimage.filters scipy.ndimage.fourier scipy.ndimage.interpolation "
        "scipy.ndimage.measurements scipy.ndimage.morphology",
        "scipy.ndimage",
    ),
    **_all_of("scipy.signal.signaltools scipy.signal.windows.windows", "scipy.signal"),
    **_all_of(
        "scipy.stats.stats scipy.stats.distributions scipy.stats.mstats_basic", "scipy.stats"
    ),
    **_all_of("scipy.sparse.csr scipy.sparse.csc scipy.sparse.coo", "scipy.sparse"),
    **_all_of("scipy.optimize.optimize scipy.optimize.minpack", "scipy.optimize"),
    **_all_of("scipy.linalg.basic scipy.linalg.decomp", "scipy.linalg"),
    "scipy.signal": _same(
        "barthann bartlett blackman blackmanharris bohman boxcar chebwin cosine flattop gaussian "
        "general_gaussian hamming hann kaiser nuttall parzen triang tukey",
        "scipy.signal.windows",
    )
    | {"hanning": "scipy.signal.windows.hann"},
    "scipy.integrate": {
        "trapz": "scipy.integrate.trapezoid",
        "simps": "scipy.integrate.simpson",
        "cumtrapz": "scipy.integrate.cumulative_trapezoid",
    },
    "scipy.linalg": {"pinv2": "scipy.linalg.pinv"},
    "scipy.special": {"sph_jn": "scipy.special.spherical_jn"},
    # ---- scikit-learn
    "sklearn.cross_validation": {"*": "sklearn.model_selection", **FOLDS},
    **_all_of("sklearn.grid_search sklearn.learning_curve", "sklearn.model_selection"),
    "sklearn.lda": {"LDA": "sklearn.discriminant_analysis.LinearDiscriminantAnalysis"},
    "sklearn.qda": {"QDA": "sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis"},
    "sklearn.externals": {"joblib": "joblib", "six": "six"},
    "sklearn.externals.joblib": {"*": "joblib"},
    "sklearn.externals.six": {"*": "six"},
    "sklearn.preprocessing": {"Imputer": f"{LOST}.estimators.imputer"},
    "sklearn.preprocessing.imputation": {"Imputer": f"{LOST}.estimators.imputer"},
    **_all_of("sklearn.preprocessing.data sklearn.preprocessing.label", "sklearn.preprocessing"),
    "sklearn.decomposition": {"RandomizedPCA": f"{LOST}.estimators.randomized_pca"},
    **_all_of("sklearn.decomposition.pca sklearn.decomposition.nmf", "sklearn.decomposition"),
    "sklearn.neighbors": {"LSHForest": f"{LOST}.estimators.neighbors"},
    "sklearn.datasets": _same("fetch_mldata load_boston", f"{LOST}.estimators"),
    **_all_of("sklearn.datasets.samples_generator sklearn.datasets.base", "sklearn.datasets"),
    **_all_of(
        "sklearn.metrics.classification sklearn.metrics.ranking sklearn.metrics.regression "
        "sklearn.metrics.scorer",
        "sklearn.metrics",
    ),
    "sklearn.metrics": {
        "jaccard_similarity_score": "sklearn.metrics.jaccard_score",
        "SCORERS": f"{LOST}.estimators.SCORERS",
    },
    **_all_of("sklearn.ensemble.forest sklearn.ensemble.gradient_boosting", "sklearn.ensemble"),
    **_all_of("sklearn.linear_model.logistic sklearn.linear_model.base", "sklearn.linear_model"),
    **_all_of("sklearn.tree.tree", "sklearn.tree"),
    **_all_of("sklearn.svm.classes", "sklearn.svm"),
    **_all_of("sklearn.manifold.t_sne", "sklearn.manifold"),
    **_all_of("sklearn.cluster.k_means_", "sklearn.cluster"),
    **_all_of("sklearn.neural_network.multilayer_perceptron", "sklearn.neural_network"),
    **_all_of("sklearn.utils.testing", "sklearn.utils._testing"),
    "sklearn.utils": {"tosequence": "builtins.list"},
    **dict.fromkeys(
        ("sklearn.model_selection:GridSearchCV", "sklearn.model_selection:RandomizedSearchCV"),
        {"grid_scores_": f"{LOST}.estimators.grid_scores"},
    ),
    "sklearn.feature_extraction.text:CountVectorizer": {
        "get_feature_names": f"{LOST}.estimators.feature_names"
    },
    # ---- pandas
    "pandas": {
        "datetime": "datetime.datetime",
        "np": "numpy",
        "Int64Index": "pandas.Index",
        "scatter_matrix": "pandas.plotting.scatter_matrix",
    },
    **dict.fromkeys(
        ("pandas.core.indexes.accessors:DatetimeProperties", "pandas:DatetimeIndex"),
        dict.fromkeys(("week", "weekofyear"), f"{LOST}.frames.week"),
    ),
    "pandas.tools.plotting": {"*": "pandas.plotting"},
    "pandas:DataFrame": {
        **FRAME,
        "applymap": "pandas.DataFrame.map",
        "get_value": f"{LOST}.frames.get_value",
        "get_values": "pandas.DataFrame.to_numpy",
        "iteritems": "pandas.DataFrame.items",
        "sort": f"{LOST}.frames.sort",
    },
    "pandas:Series": {
        **FRAME,
        "get_values": "pandas.Series.to_numpy",
        "iteritems": "pandas.Series.items",
        "nonzero": f"{LOST}.frames.nonzero",
        "order": f"{LOST}.frames.order",
        "ravel": "pandas.Series.to_numpy",
        "sort": f"{LOST}.frames.order",
    },
    # ---- matplotlib, Pillow, h5py, IPython
    "matplotlib.pyplot": {"hold": f"{LOST}.figures.hold"},
    "matplotlib.pylab": {"hold": f"{LOST}.figures.hold"},
    "matplotlib.cm": {"get_cmap": "matplotlib.pyplot.get_cmap"},
    "matplotlib.axes:Axes": {
        "hold": f"{LOST}.figures.hold",
        "set_axis_bgcolor": "matplotlib.axes.Axes.set_facecolor",
    },
    "matplotlib.backend_bases:FigureCanvasBase": {
        "set_window_title": f"{LOST}.figures.set_window_title"
    },
    "PIL.Image": {
        "ANTIALIAS": "PIL.Image.LANCZOS",
        "CUBIC": "PIL.Image.BICUBIC",
        "LINEAR": "PIL.Image.BILINEAR",
    },
    "h5py:Dataset": {"value": f"{LOST}.arrays.value"},
    "IPython.lib.display": {"*": "IPython.display"},
    # ---- nltk
    "nltk.tokenize": {"StanfordTokenizer": "nltk.tokenize.stanford.StanfordTokenizer"},
    # ---- packages that do not support current Python
    "bcolz": {
        "carray": f"{LOST}.disk_arrays.carray",
        "open": f"{LOST}.disk_arrays.open_array",
    },
    "keras_tqdm": dict.fromkeys(
        ("TQDMCallback", "TQDMNotebookCallback"), f"{LOST}.progress.TQDMCallback"
    ),
    # ---- TensorFlow's setup functions in programs for keras, if it is not installed
    "tensorflow": {
        **_same("Session logging reset_default_graph", f"{LOST}.sessions"),
        "InteractiveSession": f"{LOST}.sessions.Session",
        **dict.fromkeys(("ConfigProto", "GPUOptions"), f"{LOST}.sessions.Options"),
        "set_random_seed": "hornbook.utils.set_random_seed",
        "__version__": f"{LOST}.sessions.VERSION",
        # what callbacks of other libraries ask of it
        "Variable": "hornbook.Variable",
        "Tensor": "jax.Array",
    },
    "tensorflow.data": {"Dataset": "hornbook.data.Dataset"},
    "tensorflow.keras": {"*": "keras", "__version__": "keras.__version__"},
    **{
        f"tensorflow.keras.{name}": {"*": f"keras.{name}"}
        for name in "backend callbacks layers losses metrics models optimizers utils".split()
    },
    "tensorflow.python": {},
    "tensorflow.python.framework": {},
    "tensorflow.python.framework.ops": _same("reset_default_graph", f"{LOST}.sessions"),
    "foxhound": {},
    "foxhound.utils": {},
    "foxhound.utils.vis": _same("grayscale_grid_vis unit_scale", f"{LOST}.pictures"),
    "six": {
        **_same("iteritems iterkeys itervalues string_types integer_types", f"{LOST}.standard"),
        **_same("PY2 PY3", f"{LOST}.standard"),
        "text_type": "builtins.str",
        "binary_type": "builtins.bytes",
    },
    "six.moves": {
        **_same("range zip map filter input", "builtins"),
        "xrange": "builtins.range",
        "reduce": "functools.reduce",
        "reload_module": "importlib.reload",
        "cPickle": "pickle",
    },
    "six.moves.cPickle": {"*": "pickle"},
    "six.moves.urllib": {},
    **{f"six.moves.urllib.{n}": {"*": f"urllib.{n}"} for n in "error parse request".split()},
    # ---- Python
    "collections": _same(ABSTRACT, "collections.abc"),
    "inspect": _same("getargspec", f"{LOST}.standard"),
    "time": {"clock": "time.perf_counter"},
    "fractions": {"gcd": "math.gcd"},
    "cgi": {"escape": "html.escape"},
    "imp": {"reload": "importlib.reload", **_same("load_source new_module", f"{LOST}.standard")},
    "distutils": {},
    "distutils.version": {
        **_same("LooseVersion", f"{LOST}.standard"),
        "StrictVersion": f"{LOST}.standard.LooseVersion",
    },
    "xml.etree.cElementTree": {"*": "xml.etree.ElementTree"},
    # ---- Python 2
    "cPickle": {"*": "pickle", **_same("load loads dump dumps", "compat.python2_pickle")},
    "python2_csv": {
        "*": "csv",
        **_same("reader writer DictReader DictWriter", "compat.python2_csv"),
    },
    **dict.fromkeys(("StringIO", "cStringIO"), {"StringIO": f"{LOST}.standard.text_or_bytes"}),
    "itertools": {
        "izip": "builtins.zip",
        "imap": "builtins.map",
        "ifilter": "builtins.filter",
        "izip_longest": "itertools.zip_longest",
        "ifilterfalse": "itertools.filterfalse",
    },
    "os": {"getcwdu": "os.getcwd"},
    "sys": {"maxint": "sys.maxsize", **_same("setdefaultencoding", f"{LOST}.standard")},
    "string": {
        "letters": "string.ascii_letters",
        "lowercase": "string.ascii_lowercase",
        "uppercase": "string.ascii_uppercase",
        **_same("join maketrans", f"{LOST}.standard"),
    },
    "types": {
        "StringType": "builtins.str",
        "UnicodeType": "builtins.str",
        "StringTypes": "builtins.str",
        "IntType": "builtins.int",
        "LongType": "builtins.int",
        "FloatType": "builtins.float",
        "ListType": "builtins.list",
        "TupleType": "builtins.tuple",
        "DictType": "builtins.dict",
        "BooleanType": "builtins.bool",
    },
    "urllib": {
        **_same("URLopener FancyURLopener urlopen urlretrieve urlcleanup", "urllib.request"),
        **_same("quote quote_plus unquote unquote_plus urlencode", "urllib.parse"),
    },
    "urllib2": {"*": "urllib.request", **_same("URLError HTTPError", "urllib.error")},
    **_all_of("urlparse", "urllib.parse"),
    **_all_of("Queue", "queue"),
    "ConfigParser": {"*": "configparser", "SafeConfigParser": "configparser.ConfigParser"},
    **_all_of("HTMLParser", "html.parser"),
    **_all_of("Tkinter", "tkinter"),
    **_all_of("__builtin__", "builtins"),
    **_all_of("copy_reg", "copyreg"),
    **_all_of("thread", "_thread"),
    **_all_of("cookielib", "http.cookiejar"),
    **_all_of("httplib", "http.client"),
    **_all_of("xmlrpclib", "xmlrpc.client"),
    **_all_of("SocketServer", "socketserver"),
    **_all_of("BaseHTTPServer SimpleHTTPServer", "http.server"),
    "commands": _same("getoutput getstatusoutput", "subprocess"),
}

# Old names of scikit-learn's scorers, which were negated as they are today.
SCORERS = {
    old: f"neg_{old}"
    for old in (
        "log_loss mean_squared_error mean_absolute_error median_absolute_error "
        "mean_squared_log_error max_error"
    ).split()
} | {"brier_score_loss": "neg_brier_score"}
SCORING = f"{LOST}.estimators.with_old_scorers"

# Functions whose behaviour has changed, with a wrapper that restores the old one.
CHANGED: dict[str, dict[str, str]] = {
    "numpy": {
        "load": f"{LOST}.arrays.reading_objects",
        **dict.fromkeys(("array", "asarray"), f"{LOST}.arrays.of_lists"),
        **dict.fromkeys(
            ("stack", "vstack", "hstack", "dstack", "column_stack"), f"{LOST}.arrays.of_iterators"
        ),
        **dict.fromkeys(("array_split", "split"), f"{LOST}.frames.into_frames"),
    },
    "numpy.random": {"seed": f"{LOST}.arrays.seeding_all"},
    "hornbook.models.model:Model": {"predict": f"{LOST}.arrays.of_size_one"},
    "pandas:DataFrame": {
        "join": f"{LOST}.frames.with_repeated_columns",
        "merge": f"{LOST}.frames.with_names_taken",
        "drop": f"{LOST}.frames.with_axis",
        "astype": f"{LOST}.frames.to_objects",
    },
    "pandas": {"merge": f"{LOST}.frames.with_names_taken"},
    **dict.fromkeys(
        ("pandas.api.typing:RollingGroupBy", "pandas.api.typing:ExpandingGroupBy"),
        {"__init__": f"{LOST}.frames.with_keys"},
    ),
    "pandas.core.indexing:_LocIndexer": {"__setitem__": f"{LOST}.frames.to_wider"},
    **dict.fromkeys(
        ("sklearn.neighbors:NearestNeighbors", "sklearn.svm:SVC", "sklearn.svm:SVR"),
        {"__init__": f"{LOST}.estimators.by_position"},
    ),
    **dict.fromkeys(
        [
            f"sklearn.linear_model:{name}"
            for name in ("Perceptron", "SGDClassifier", "SGDRegressor")
        ],
        {"__init__": f"{LOST}.estimators.to_the_end"},
    ),
    "pandas:Series": {
        "drop": f"{LOST}.frames.with_axis",
        "astype": f"{LOST}.frames.to_objects",
        **dict.fromkeys(("__getitem__", "__setitem__"), f"{LOST}.frames.by_place"),
    },
    **dict.fromkeys(
        ("pandas:Index", "pandas:RangeIndex"), {"__getitem__": f"{LOST}.frames.of_one_list"}
    ),
    "gensim.models.keyedvectors:KeyedVectors": _same("vocab index2word", f"{LOST}.vectors"),
    "re": {"split": f"{LOST}.standard.between_something"},
    "sklearn.metrics": {"get_scorer": SCORING, "log_loss": f"{LOST}.estimators.with_one_class"},
    "sklearn.model_selection": dict.fromkeys(
        (
            "cross_val_score cross_validate learning_curve permutation_test_score validation_curve"
        ).split(),
        SCORING,
    ),
    **dict.fromkeys(
        (
            *("sklearn.model_selection:GridSearchCV", "sklearn.model_selection:RandomizedSearchCV"),
            *("sklearn.feature_selection:RFECV", "sklearn.linear_model:LogisticRegressionCV"),
            "sklearn.linear_model:RidgeCV",
        ),
        {"__init__": SCORING},
    ),
    "yaml": {"load": f"{LOST}.arrays.without_loader"},
    "matplotlib.animation:Animation": {"to_html5_video": f"{LOST}.figures.without_ffmpeg"},
    "matplotlib.pyplot": dict.fromkeys(("xticks", "yticks"), f"{LOST}.figures.with_too_many"),
    "matplotlib.style": {"use": f"{LOST}.figures.with_seaborn"},
}

# Options that have the old defaults: text is in columns of objects.
OPTIONS: dict[str, dict[str, Any]] = {"pandas": {"future.infer_string": False}}

# Renamed arguments, `old:new`, and ignored ones, `old:`; for a class, those of its `__init__`.
RENAMED: dict[str, dict[str, str]] = {
    **dict.fromkeys(
        ("sklearn.model_selection:GridSearchCV", "sklearn.model_selection:RandomizedSearchCV"),
        {"__init__": "iid:"},
    ),
    "sklearn.manifold:TSNE": {"__init__": "n_iter:max_iter"},
    "sklearn.preprocessing:OneHotEncoder": {"__init__": "sparse:sparse_output"},
    "sklearn.ensemble:AdaBoostClassifier": {"__init__": "base_estimator:estimator"},
    "sklearn.ensemble:BaggingClassifier": {"__init__": "base_estimator:estimator"},
    "matplotlib.axes:Axes": {"hist": "normed:density"},
    "gensim.models.word2vec:Word2Vec": {"__init__": "size:vector_size iter:epochs"},
    "gensim.models.fasttext:FastText": {"__init__": "size:vector_size iter:epochs"},
    "gensim.models.doc2vec:Doc2Vec": {"__init__": "size:vector_size iter:epochs"},
}
