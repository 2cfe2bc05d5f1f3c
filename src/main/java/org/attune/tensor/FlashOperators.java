package org.attune.tensor;

/// What computes [FlashAttention]; arguments and results are as there.
interface FlashOperators {
    /// @param window how many keys a query sees at most; 0: all
    FlashAttention.Result forward(
            Tensor q, Tensor k, Tensor v, FlashAttention.Entries entries, double scale, int window);

    /// @return gradients of queries, keys and values
    Tensor[] backward(
            Tensor dOut,
            Tensor q,
            Tensor k,
            Tensor v,
            FlashAttention.Result result,
            FlashAttention.Entries entries,
            double scale);
}
