package org.attune.model.config;

import java.util.Arrays;
import java.util.Optional;

/// Factors of Falcon-H1, which GGUF files have in the weights: of embeddings, keys, what parts of a
/// block read and give, and logits.
///
/// @param config of a model with factors
public record WeightFactors(DecoderConfig config) {
    /// Of a model whose files have its factors in the weights.
    public static Optional<WeightFactors> of(DecoderConfig config) {
        boolean folds =
                GgufFamilies.toWrite(config.modelType())
                        .filter(row -> row.parts().contains(GgufFamily.Part.MAMBA_BESIDE))
                        .isPresent();
        return folds ? Optional.of(new WeightFactors(config)) : Optional.empty();
    }

    /// The model when its factors are in its weights: embedding and output layer then differ.
    public DecoderConfig folded() {
        BlockConfig b = config.block();
        StateConfig.Mamba2 m = mamba();
        var state =
                new StateConfig.Mamba2(
                        m.heads(),
                        m.headDim(),
                        m.groups(),
                        m.stateDim(),
                        m.taps(),
                        m.convolutionBias(),
                        m.projectionBias(),
                        m.step(),
                        m.gate(),
                        StateConfig.Mamba2.Factors.ONES);
        var block =
                new BlockConfig(
                        b.order(),
                        b.norm(),
                        b.attention().withScale(1 / Math.sqrt(config.headDim())),
                        b.feedForward().withFactors(FeedForwardConfig.Factors.ONES),
                        b.residual(),
                        new MixersConfig(b.mixers().layers(), Optional.of(state)),
                        b.end());
        EndsConfig e = config.ends();
        var ends =
                new EndsConfig(
                        1, e.softcap(), e.dropout(), 1, e.outputBias(), e.embeddingNorm(), false);
        return config.with(block, ends).withSeparateOutputLayer();
    }

    private StateConfig.Mamba2 mamba() {
        return (StateConfig.Mamba2) config.block().mixers().state().orElseThrow();
    }

    /// Factors of a weight's rows.
    ///
    /// @param name of the weight
    /// @return one for each row, or one for all; empty: none
    public float[] ofRows(String name) {
        TensorNames n = config.names();
        boolean bias = name.endsWith(".bias");
        String module = name.replaceFirst("\\.(weight|bias)$", "");
        if (module.equals(n.embeddingPath())) {
            return all(config.ends().embeddingScale());
        }
        if (module.equals(n.head())) {
            return all(config.ends().logitScale());
        }
        String blocks = n.trunk() + "." + n.layers() + ".";
        if (!module.startsWith(blocks)) {
            return new float[0];
        }
        String part = module.substring(module.indexOf('.', blocks.length()) + 1);
        FeedForwardConfig.Factors feed = config.block().feedForward().factors();
        TensorNames.State state = n.state().orElseThrow();
        if (part.equals(n.qkv().get(1))) {
            return all(config.attention().scale() * Math.sqrt(config.headDim()));
        }
        if (part.equals(n.output())) {
            return all(config.block().mixers().attentionScale());
        }
        if (part.equals(n.up().getFirst())) {
            return all(feed.gate());
        }
        if (part.equals(n.down())) {
            return all(feed.out());
        }
        if (part.equals(state.path() + "." + state.in().getFirst())) {
            return projected(bias);
        }
        return part.equals(state.path() + "." + state.out())
                ? all(mamba().factors().out())
                : new float[0];
    }

    private static float[] all(double factor) {
        return factor == 1 ? new float[0] : new float[] {(float) factor};
    }

    /// Rows of the projection into the state space: gate, `x`, `B`, `C` and step.
    private float[] projected(boolean bias) {
        StateConfig.Mamba2 m = mamba();
        StateConfig.Mamba2.Factors f = m.factors();
        double in = bias ? 1 : f.in();
        int group = m.groups() * m.stateDim();
        int[] counts = {m.inner(), m.inner(), group, group, m.heads()};
        double[] each = {f.gate(), f.x(), f.b(), f.c(), f.step()};
        float[] rows = new float[Arrays.stream(counts).sum()];
        for (int i = 0, at = 0; i < counts.length; at += counts[i++]) {
            Arrays.fill(rows, at, at + counts[i], (float) (in * each[i]));
        }
        return rows;
    }
}
