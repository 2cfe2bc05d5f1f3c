package org.attune.model.layer;

import org.attune.tensor.Tensor;

/// Who learns from the gradient of a table with a row for each token, `T` of shape `(V, D)`,
/// without a gradient of that size: trained values that the table was made of.
public interface RowLearner {
    /// Adds to gradients where rows are read, `x = T[ids]`.
    ///
    /// @param ids of the rows, `N`
    /// @param d gradient of `x`, `(N, D)`
    /// @param stays row that learns nothing where it is read, or −1
    void learnRead(int[] ids, Tensor d, int stays);

    /// Adds to gradients where the table is the output layer, `z = h Tᵀ`.
    ///
    /// @param dz gradient of `z`, `(M, V)`
    /// @param h `(M, D)`
    void learnOutput(Tensor dz, Tensor h);
}
