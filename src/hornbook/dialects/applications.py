"""`keras.applications` of Keras 1 and 2: which names stood in which module."""

from hornbook.dialects.row import row

# Each network's module, and what stands there beside decode_predictions.
NETWORKS: dict[str, tuple[str, str]] = {
    "vgg16": ("VGG16", "caffe"),
    "vgg19": ("VGG19", "caffe"),
    "resnet50": ("ResNet50", "caffe"),
    "inception_v3": ("InceptionV3", "signs"),
    "xception": ("Xception", "signs"),
    "music_tagger_crnn": ("MusicTaggerCRNN", "caffe"),
}


def applications(networks: dict, form: str = "dim_ordering:data_format") -> dict[str, dict]:
    """The families of `keras.applications`: one for each network, and one for all.

    Args:
        networks: module, names, and how pictures are prepared.
        form: the argument that says where channels are.
    """
    place = "compat.keras.applications"
    shared = {
        "decode_predictions": row(f"{place}.decode_predictions", "preds top"),
        "_obtain_input_shape": row(
            f"{place}.obtain_input_shape",
            f"input_shape default_size min_size {form} include_top weights "
            "* require_flatten:include_top",
        ),
    }
    made: dict[str, dict] = {
        f"applications.{module}": {
            **{name: row(f"{place}.{name}") for name in names.split()},
            "preprocess_input": row(f"{place}.preprocess_{kind}", f"x {form}"),
            **shared,
        }
        for module, (names, kind) in networks.items()
    }
    made["applications.resnet50"] |= {
        "identity_block": row(f"{place}.identity_block"),
        "conv_block": row(f"{place}.conv_block"),
    }
    every = {
        name: one for names in made.values() for name, one in names.items() if name[:1].isupper()
    }
    whole = {"preprocess_input": row(f"{place}.preprocess_input", f"x {form} mode"), **shared}
    return {"applications": every, "applications.imagenet_utils": whole, **made}
