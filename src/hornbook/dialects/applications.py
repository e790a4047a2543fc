"""`keras.applications` of Keras 1 and 2: the names in each module."""

from hornbook.dialects.row import row

# For each module, the network and its preprocessing mode.
NETWORKS: dict[str, tuple[str, str]] = {
    "vgg16": ("VGG16", "caffe"),
    "vgg19": ("VGG19", "caffe"),
    "resnet50": ("ResNet50", "caffe"),
    "inception_v3": ("InceptionV3", "tf"),
    "xception": ("Xception", "tf"),
}
# Keras 1 had no `pooling`, which comes before `classes` today.
ARGUMENTS = "include_top weights input_tensor input_shape classes"
TODAY = "applications.imagenet_utils"


def applications(
    networks: dict,
    form: str = "dim_ordering:data_format",
    arguments: str = ARGUMENTS,
    resnet: str = "EarlyResNet50",
) -> dict[str, dict]:
    """The families of `keras.applications`: one per network, and one for all.

    Args:
        networks: maps modules to names and a preprocessing mode.
        form: the argument for the data format.
        arguments: the networks' arguments, if they differ from today's.
        resnet: the function that builds ResNet50 with the layers of then.
    """
    shared = {
        "decode_predictions": row(f"{TODAY}.decode_predictions", "preds top"),
        "_obtain_input_shape": row(
            f"{TODAY}.obtain_input_shape",
            f"input_shape default_size min_size {form} include_top:require_flatten weights "
            "* require_flatten",
        ),
    }
    made: dict[str, dict] = {
        f"applications.{module}": {
            **{name: row(f"applications.{name}", arguments) for name in names.split()},
            "preprocess_input": row(f"{TODAY}.preprocess_{kind}", f"x {form}"),
            **shared,
        }
        for module, (names, kind) in networks.items()
    }
    made["applications.resnet50"] |= {
        "ResNet50": row(f"compat.keras.applications.{resnet}", arguments),
        "identity_block": row("compat.keras.applications.identity_block"),
        "conv_block": row("compat.keras.applications.conv_block"),
    }
    made["applications.music_tagger_crnn"] = {
        "MusicTaggerCRNN": row("compat.keras.applications.MusicTaggerCRNN")
    }
    every = {
        name: one
        for names in reversed(made.values())  # ResNet50 is that of `resnet50`, not of `resnet`
        for name, one in names.items()
        if name[:1].isupper()
    }
    whole = {"preprocess_input": row(f"{TODAY}.preprocess_input", f"x {form} mode"), **shared}
    return {"applications": every, "applications.imagenet_utils": whole, **made}
