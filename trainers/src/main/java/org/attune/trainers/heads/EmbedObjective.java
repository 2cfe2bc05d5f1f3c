package org.attune.trainers.heads;

import org.attune.models.score.PoolingMode;
import org.attune.policy.HeadRequest;
import org.attune.trainers.examples.LabelledExample;
import org.attune.trainers.loop.Fingerprints;
import org.attune.trainers.rows.RowObjective;
import org.attune.trainers.step.RowAt;

import java.util.ArrayList;
import java.util.List;

/// A model of embeddings. Read [EmbedSums], then [InfoNce].
///
/// @param pooling what of the hidden states is the embedding
/// @param parts leading numbers of embeddings that are learnt, with their weights
/// @param scale factor of cosines
/// @param width of hidden states, `D`
/// @param heldoutMetric by which held-out quality is compared
record EmbedObjective(
        PoolingMode pooling, List<Part> parts, double scale, int width, String heldoutMetric)
        implements RowObjective<LabelledExample, LabelledForest> {
    EmbedObjective {
        parts = List.copyOf(parts);
    }

    /// Matryoshka representation learning, [Kusupati et al. 2022, Eq.
    /// 1](https://arxiv.org/abs/2205.13147): the loss is the weighted sum over parts.
    ///
    /// @param dims leading numbers
    record Part(int dims, double weight) {}

    /// @param rows some of those that are embedded: pairs with a similarity are told by its rank
    ///     correlation, others by how well documents are found
    static EmbedObjective of(EmbedConfig config, int width, List<LabelledExample> rows) {
        boolean scored = !rows.getFirst().labels().isEmpty();
        return new EmbedObjective(
                config.poolingMode(),
                scales(config, width),
                config.scale(),
                width,
                scored ? HeadMetrics.SPEARMAN : HeadMetrics.NDCG);
    }

    private static List<Part> scales(EmbedConfig config, int width) {
        List<Part> parts = new ArrayList<>();
        for (int i = 0; i < config.matryoshkaDims().size(); i++) {
            double weight =
                    config.matryoshkaWeights().isEmpty() ? 1 : config.matryoshkaWeights().get(i);
            parts.add(new Part(config.matryoshkaDims().get(i), weight));
        }
        return parts.isEmpty() ? List.of(new Part(width, 1)) : parts;
    }

    @Override
    public String method() {
        return "embed";
    }

    @Override
    public HeadRequest request() {
        return HeadRequest.ofStates();
    }

    @Override
    public LabelledForest layout(List<LabelledExample> rows, boolean shares) {
        return LabelledForest.of(rows, shares, 1, pooling == PoolingMode.MEAN);
    }

    @Override
    public String fingerprint(List<LabelledExample> rows) {
        return Fingerprints.ofLabelled(rows);
    }

    @Override
    public EmbedSums training(List<RowAt<LabelledExample>> rows, int microBatches) {
        return new EmbedSums(this, rows);
    }
}
