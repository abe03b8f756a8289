"""One phase of training: what it is, its step, its loop, its checkpoints. No TensorFlow in here."""
