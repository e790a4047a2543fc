"""Pictures with boxes, masks and labels drawn on them, and galleries of such pictures."""

from hornbook.core import doors
from hornbook.visualization.boxes import draw_bounding_boxes as draw_bounding_boxes
from hornbook.visualization.gallery import plot_bounding_box_gallery as plot_bounding_box_gallery
from hornbook.visualization.gallery import plot_image_gallery as plot_image_gallery
from hornbook.visualization.gallery import (
    plot_segmentation_mask_gallery as plot_segmentation_mask_gallery,
)
from hornbook.visualization.masks import draw_segmentation_masks as draw_segmentation_masks

doors.publish(globals())
