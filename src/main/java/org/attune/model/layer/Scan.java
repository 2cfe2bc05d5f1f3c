package org.attune.model.layer;

import org.attune.tensor.Tensor;

/// A recurrence over the tokens of sequences, in its parallel form: within chunks by products, from
/// chunk to chunk by a state. `B` sequences, `n` tokens of each, `w` numbers.
///
/// Zeros as inputs of a token leave the state as it is.
interface Scan {
    /// Most tokens of a chunk, [Yang et al. 2024, §3](https://arxiv.org/abs/2412.06464).
    int CHUNK = 64;

    /// Numbers of the state of a sequence.
    long numbers();

    /// Computes all tokens.
    ///
    /// @param inputs float32 `(B, n, w)` each; `n` is at most [#CHUNK] or a multiple of it
    /// @param state before the first token, float32 `(B, numbers)`
    Scanned run(Tensor[] inputs, Tensor state);

    /// What comes out.
    ///
    /// @param out `(B, n, w)`
    /// @param state behind the last token, `(B, numbers)`
    record Scanned(Tensor out, Tensor state) {}

    /// Tokens that are computed together for so many.
    static int padded(int tokens) {
        return tokens <= CHUNK ? tokens : (tokens + CHUNK - 1) / CHUNK * CHUNK;
    }
}
