package org.attune.model.layer;

import org.attune.tensor.Tensor;

/// States of sequences of which some tokens were read before. `S` sequences, `C` features, `J`
/// taps of a convolution.
public interface Carried {
    /// Last inputs of the convolution, the oldest first, `(S, J - 1, C)`.
    Tensor inputs();

    /// Matrices behind the last token, float32 `(S, n)`.
    Tensor matrices();

    /// Takes the inputs behind the new tokens, as [#inputs].
    void keepInputs(Tensor inputs);

    /// Takes the matrices behind the new tokens, as [#matrices].
    void keepMatrices(Tensor matrices);

    /// The inputs of all sequences in the cache, where they are, as [#inputs].
    Tensor allInputs();

    /// The matrices of all sequences in the cache, where they are, as [#matrices].
    Tensor allMatrices();

    /// Rows of the sequences among all, `(S)`.
    int[] slots();
}
