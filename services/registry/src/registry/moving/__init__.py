"""Operations that move many records: batches, a lease, a freeze, an undo. What moves where is its kinds' business."""
