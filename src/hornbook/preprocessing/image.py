"""Image functions under their names in `keras.preprocessing.image`, all generations."""

from hornbook.core import doors
from hornbook.data import DataFrameIterator as DataFrameIterator
from hornbook.data import DirectoryIterator as DirectoryIterator
from hornbook.data import ImageDataGenerator as ImageDataGenerator
from hornbook.data import Iterator as Iterator
from hornbook.data import NumpyArrayIterator as NumpyArrayIterator
from hornbook.data import apply_affine_transform as apply_affine_transform
from hornbook.data import apply_brightness_shift as apply_brightness_shift
from hornbook.data import apply_channel_shift as apply_channel_shift
from hornbook.data import array_to_img as array_to_img
from hornbook.data import flip_axis as flip_axis
from hornbook.data import img_to_array as img_to_array
from hornbook.data import list_pictures as list_pictures
from hornbook.data import load_img as load_img
from hornbook.data import random_brightness as random_brightness
from hornbook.data import random_channel_shift as random_channel_shift
from hornbook.data import random_rotation as random_rotation
from hornbook.data import random_shear as random_shear
from hornbook.data import random_shift as random_shift
from hornbook.data import random_zoom as random_zoom
from hornbook.data import save_img as save_img
from hornbook.data import smart_resize as smart_resize
from hornbook.data import transform_matrix_offset_center as transform_matrix_offset_center

doors.publish(globals())
