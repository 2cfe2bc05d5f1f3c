package org.attune.tensor;

/// What the dispatcher's oldest C entry points can't do: operators that take lists or `Scalar`s,
/// gradients, threads. libtorch's version says which way is taken. On the engine thread; autograd
/// sees the operators.
sealed interface NativeOps permits DjlOps, ShimOps {
    Tensor sum(Tensor x, long[] axes, boolean keep);

    Tensor sum(Tensor x);

    Tensor mean(Tensor x, long axis, boolean keep);

    Tensor add(Tensor a, Tensor b);

    Tensor sub(Tensor a, Tensor b);

    void addInPlace(Tensor a, Tensor b);

    void subInPlace(Tensor a, Tensor b);

    Tensor reshape(Tensor x, long... shape);

    Tensor permute(Tensor x, long... axes);

    Tensor expand(Tensor x, long... shape);

    Tensor cat(Tensor[] parts, long axis);

    Tensor greaterOrEqual(Tensor a, Tensor b);

    /// The gradient of a leaf, which shares memory with it, or null if it has none.
    Tensor gradient(Tensor leaf);

    /// Adds the gradient of `sum(result · gradient)` to all leaves that `result` depends on.
    void backward(Tensor result, Tensor gradient);

    /// Threads that an operator uses.
    int threads();

    void setThreads(int threads);
}
