package org.attune.tensor.vector;

/// What a thread does for one part of a segment and one key/value head.
interface AttentionWork {
    /// Writes the attention output of the part's rows.
    ///
    /// @param qkv rotated queries, scaled, keys and values
    /// @param out its first columns are written, head by head
    /// @param logs as of [AttentionKernel#forward]
    void forward(AttentionPart part, int head, Rows qkv, Rows out, long logs);

    /// Gradients of the part's queries, and of all keys and values that it sees.
    ///
    /// @param out what [#forward] wrote
    /// @param logs as of [AttentionKernel#backward]
    /// @param dOut its gradient
    /// @param dQkv its columns of queries are written
    /// @param dKeys float32 `(T, K)`, written; `T` is
    ///     [AttentionPart#roundedKeys]
    /// @param dValues likewise
    void backward(
            AttentionPart part,
            int head,
            Rows qkv,
            Rows out,
            long logs,
            Rows dOut,
            Rows dQkv,
            long dKeys,
            long dValues);
}
