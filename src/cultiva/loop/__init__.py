"""The use cases across stages; reads like the business."""
