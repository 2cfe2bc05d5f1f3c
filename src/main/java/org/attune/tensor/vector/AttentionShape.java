package org.attune.tensor.vector;

/// Heads of an attention layer whose queries, keys and values stand side by side in a row: those of
/// all query heads, then of all key heads, then of all value heads.
///
/// @param kvHeads key and value heads, `C`
/// @param groups query heads of each, `G`
/// @param headDim features of a head, `K`
public record AttentionShape(int kvHeads, int groups, int headDim) {
    /// First column of the queries of a key/value head.
    int queries(int head) {
        return head * groups * headDim;
    }

    /// First column of a head's keys.
    int keys(int head) {
        return (kvHeads * groups + head) * headDim;
    }

    /// First column of a head's values.
    int values(int head) {
        return (kvHeads * (groups + 1) + head) * headDim;
    }
}
