"""Bounding boxes: formats, clipping, moves, and overlaps, under `keras.utils.bounding_boxes`."""

from hornbook.core import doors
from hornbook.preprocessing.pictures.boxes import affine_transform as affine_transform
from hornbook.preprocessing.pictures.boxes import clip_to_image_size as clip_to_image_size
from hornbook.preprocessing.pictures.boxes import convert_format as convert_format
from hornbook.preprocessing.pictures.boxes import crop as crop
from hornbook.preprocessing.pictures.boxes import decode_deltas_to_boxes as decode_deltas_to_boxes
from hornbook.preprocessing.pictures.boxes import encode_box_to_deltas as encode_box_to_deltas
from hornbook.preprocessing.pictures.boxes import pad as pad
from hornbook.preprocessing.pictures.overlaps import compute_ciou as compute_ciou
from hornbook.preprocessing.pictures.overlaps import compute_iou as compute_iou

doors.publish(globals())
