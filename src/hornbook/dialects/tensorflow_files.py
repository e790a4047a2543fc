"""TensorFlow's functions of pictures, texts, files and data: `tf.image`, `tf.io`, `tf.data` ..."""

from hornbook.dialects.row import Row, row
from hornbook.dialects.tensorflow_math import OURS, same

IMAGE: dict[str, Row] = {
    **same(
        "ResizeMethod adjust_brightness adjust_contrast adjust_gamma adjust_hue adjust_saturation "
        "central_crop convert_image_dtype crop_and_resize crop_to_bounding_box extract_patches "
        "flip_left_right flip_up_down grayscale_to_rgb pad_to_bounding_box "
        "per_image_standardization random_brightness random_contrast random_crop "
        "random_flip_left_right random_flip_up_down random_hue random_saturation resize "
        "resize_with_crop_or_pad resize_with_pad rgb_to_grayscale rgb_to_yiq rgb_to_yuv rot90 "
        "transpose yiq_to_rgb yuv_to_rgb",
        f"{OURS}.images",
    ),
    **{
        f"stateless_random_{name}": row(f"{OURS}.images.random_{name}")
        for name in "brightness contrast crop flip_left_right flip_up_down hue saturation".split()
    },
    **same(
        "draw_bounding_boxes image_gradients non_max_suppression psnr "
        "sample_distorted_bounding_box sobel_edges ssim ssim_multiscale total_variation",
        f"{OURS}.image_measures",
    ),
    "stateless_sample_distorted_bounding_box": row(
        f"{OURS}.image_measures.sample_distorted_bounding_box"
    ),
    **same("hsv_to_rgb rgb_to_hsv", "ops.image", "images name:"),
    **{
        f"decode_{kind}": row(f"{OURS}.files.decode_image")
        for kind in "bmp gif image jpeg png".split()
    },
    "decode_and_crop_jpeg": row(f"{OURS}.files.decode_and_crop_jpeg"),
    **same("encode_jpeg encode_png", f"{OURS}.files"),
}
IO: dict[str, Row] = {
    **same("decode_raw gfile matching_files read_file write_file", f"{OURS}.files"),
    **same("TFRecordOptions TFRecordWriter tf_record_iterator", f"{OURS}.records"),
    **same(
        "FixedLenFeature FixedLenSequenceFeature RaggedFeature SparseFeature VarLenFeature "
        "parse_example parse_single_example parse_single_sequence_example parse_tensor "
        "serialize_sparse serialize_tensor",
        f"{OURS}.examples",
    ),
    "decode_csv": row(f"{OURS}.strings.decode_csv"),
    **{name: one for name, one in IMAGE.items() if name.startswith(("decode_", "encode_"))},
}
STRINGS: dict[str, Row] = {
    **same(
        "as_string bytes_split format join length lower reduce_join regex_full_match regex_replace "
        "split strip substr to_hash_bucket_fast to_number unicode_decode unicode_encode "
        "unicode_split upper",
        f"{OURS}.strings",
    ),
}
DATA: dict[str, Row] = {
    "AUTOTUNE": row("data.AUTOTUNE"),
    "INFINITE_CARDINALITY": row("data.INFINITE_CARDINALITY"),
    "UNKNOWN_CARDINALITY": row("data.UNKNOWN_CARDINALITY"),
    **same("Dataset TextLineDataset", f"{OURS}.datasets"),
    "Iterator": row("data.passes.DatasetIterator"),
    "NumpyIterator": row("data.passes.DatasetIterator"),
    "Options": row(f"{OURS}.data_options.Options"),
    "TFRecordDataset": row(f"{OURS}.records.TFRecordDataset"),
}
DATA_EXPERIMENTAL: dict[str, Row] = {
    **{name: one for name, one in DATA.items() if name.isupper()},
    **same(
        "assert_cardinality bucket_by_sequence_length cardinality dense_to_ragged_batch "
        "dense_to_sparse_batch enumerate_dataset get_single_element group_by_window ignore_errors "
        "map_and_batch parallel_interleave prefetch_to_device rejection_resample scan "
        "shuffle_and_repeat snapshot take_while unbatch unique",
        f"{OURS}.data_experimental",
    ),
    **same("choose_from_datasets sample_from_datasets", f"{OURS}.pipelines"),
    "AutoShardPolicy": row(f"{OURS}.data_options.AutoShardPolicy"),
    "Counter": row(f"{OURS}.pipelines.counter"),
    "RandomDataset": row(f"{OURS}.pipelines.random"),
    **same("CsvDataset make_csv_dataset", f"{OURS}.csv_files"),
}
TRAIN: dict[str, Row] = {
    **same(
        "Checkpoint CheckpointManager get_checkpoint_state latest_checkpoint list_variables "
        "load_checkpoint load_variable",
        f"{OURS}.checkpoints",
    ),
    **same(
        "BytesList Example Feature FeatureList FeatureLists Features FloatList Int64List "
        "SequenceExample",
        f"{OURS}.protos",
    ),
}
SUMMARY: dict[str, Row] = {
    **same(
        "audio create_file_writer create_noop_writer experimental flush histogram image record_if "
        "scalar should_record_summaries text trace_export trace_off trace_on",
        f"{OURS}.summaries",
    ),
    "SummaryWriter": row(f"{OURS}.summaries.Writer"),
}
SPARSE: dict[str, Row] = same(
    "SparseTensor add concat expand_dims eye from_dense map_values reduce_max reduce_sum "
    "reorder reshape slice softmax sparse_dense_matmul to_dense transpose",
    f"{OURS}.sparse",
)
RAGGED: dict[str, Row] = {
    **same("RaggedTensor boolean_mask constant stack", f"{OURS}.ragged"),
    "map_flat_values": row(f"{OURS}.ragged_ops.map_flat_values"),
    "range": row(f"{OURS}.ragged.ragged_range"),
}
LOOKUP: dict[str, Row] = same(
    "KeyValueTensorInitializer StaticHashTable StaticVocabularyTable TextFileIndex "
    "TextFileInitializer",
    f"{OURS}.lookup",
)
