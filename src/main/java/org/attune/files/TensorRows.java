package org.attune.files;

/// Where the rows of a GGUF tensor stand in the Hugging Face tensor. With a head of K features,
/// the
/// file's row 2i + j of a head is row j·K/2 + i (pairs → halves).
///
/// @param headDim K, even; 0 for rows that stay where they are
public record TensorRows(int headDim) {
    public static final TensorRows IDENTITY = new TensorRows(0);

    public boolean isIdentity() {
        return headDim == 0;
    }

    public long target(long row) {
        if (isIdentity()) {
            return row;
        }
        long feature = row % headDim;
        return row - feature + feature % 2 * (headDim / 2) + feature / 2;
    }
}
