package org.attune.tensor.vector;

/// Columns between an adapter's two matrices whose inputs lost other numbers than those of others.
///
/// @param kept numbers of the input that stay
/// @param first of the columns
/// @param count columns
public record DropoutPart(KeptNumbers kept, int first, int count) {
    int end() {
        return first + count;
    }
}
