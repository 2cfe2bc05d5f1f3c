package org.attune.trainers.heads;

/// What a reranker learns of a query's documents.
public enum RankingLossType {
    /// Whether each document answers the query: binary cross-entropy.
    POINTWISE,
    /// Which of two documents answers it better, of all pairs with unlike labels: RankNet.
    PAIRWISE,
    /// Which documents answer it best: cross-entropy of the softmax over all of them, as ListNet.
    LISTWISE
}
