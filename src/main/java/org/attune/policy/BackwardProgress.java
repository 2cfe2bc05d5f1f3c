package org.attune.policy;

/// Told how far a backward pass is. It goes from the head through the blocks, the last one first,
/// to the embedding, and does not come back.
interface BackwardProgress {
    /// Nobody needs to know.
    BackwardProgress IGNORED =
            new BackwardProgress() {
                @Override
                public void headDone() {}

                @Override
                public void blockDone(int block) {}

                @Override
                public void embeddingDone() {}
            };

    /// The pass has left the head: final norm and output layer, unless that is the embedding.
    void headDone();

    /// The pass has left a block.
    ///
    /// @param block from 0, the one that reads the embedding
    void blockDone(int block);

    /// The pass has added to the embedding and is over.
    void embeddingDone();
}
