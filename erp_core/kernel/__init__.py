"""What makes it a platform, and nothing of any business."""
