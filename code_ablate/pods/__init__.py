"""What the TPU's own compiler says about a train step: memory and time on a pod."""
