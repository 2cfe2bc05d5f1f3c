package org.attune.optim;

import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.List;

/// Copies of tensors, to go back to. Owns the copies; the tensors are borrowed.
final class KeptTensors implements AutoCloseable {
    private final List<Tensor> tensors;
    private final TensorScope scope = TensorScope.detached("kept");
    private final List<Tensor> copies;

    /// Copies the tensors as they are.
    KeptTensors(List<Tensor> tensors) {
        this.tensors = List.copyOf(tensors);
        try (var _ = scope.enter()) {
            copies = tensors.stream().map(Tensor::copy).toList();
        }
        scope.seal();
    }

    /// The copies, in the order of the tensors.
    List<Tensor> copies() {
        return copies;
    }

    /// Copies them anew.
    void keep() {
        for (int i = 0; i < copies.size(); i++) {
            copies.get(i).copyInPlace(tensors.get(i));
        }
    }

    /// Makes them what they were.
    void goBack() {
        for (int i = 0; i < copies.size(); i++) {
            tensors.get(i).copyInPlace(copies.get(i));
        }
    }

    @Override
    public void close() {
        scope.close();
    }
}
