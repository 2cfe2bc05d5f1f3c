package org.attune.tensor;

/// A tensor of libtorch.
public final class Tensor {}
