package org.attune.model.layer;

import org.attune.tensor.PackedMatrix;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;

/// Copies of weights with the columns of frozen adapters, made when they are first read.
final class FrozenCopies {
    private final Map<Adapter, PackedMatrix> copies = new HashMap<>();

    PackedMatrix of(Adapter adapter, Supplier<PackedMatrix> make) {
        return copies.computeIfAbsent(adapter, _ -> make.get());
    }

    void close() {
        copies.values().forEach(PackedMatrix::close);
        copies.clear();
    }
}
