package org.attune.bench;

import org.attune.model.config.DecoderConfig;
import org.attune.trainers.loop.PassWork;
import org.attune.trainers.loop.PhaseClock;

import java.util.LinkedHashMap;
import java.util.Map;

/// Counts floating-point operations of a decoder of the Llama shape with a LoRA adapter on all
/// linear layers. A product of `(n, k)` and `(k, m)` takes `2 n k m`. Norms, softmax, activations
/// and embeddings are left out, and so is everything that a program does beyond the mathematics
/// (masked attention scores, zeros of fused adapter columns).
/// ```
/// forward             = 2 N (W + A) + 4 P Q L + 2 M D V
/// head's gradient     = 2 M D V
/// backward            = 2 N (W + A) + 2 N A + 8 P Q L
/// attention again     = 2 P Q L
/// ```
/// and where all weights are trained, which have a gradient each
/// ```
/// backward            = 4 N W + 8 P Q L + 4 M D V
/// again               = 2 P Q L + 2 M D V
/// ```
/// with `N` rows, `P` pairs of a token and one it sees, `M` targets, `W` numbers in the blocks'
/// matrices, `A` in the adapter's, `Q` columns of all query heads, `L` blocks. Frozen weights have
/// no gradient; a frozen output layer gives its gradient in the forward pass already.
///
/// @param config shape of the decoder
/// @param rank of the adapter; 0: none, and what is trained is all weights
public record ModelFlops(DecoderConfig config, int rank) {

    private boolean trainsAll() {
        return rank == 0;
    }

    /// Numbers that are trained.
    public long trained() {
        return trainsAll() ? allWeights() : adapterWeights();
    }

    /// Columns of all query heads.
    private long queries() {
        return (long) config.heads() * config.headDim();
    }

    /// Columns of all key heads.
    private long keys() {
        return (long) config.kvHeads() * config.headDim();
    }

    /// Numbers in the matrices of all blocks.
    public long blockWeights() {
        long attention = config.hiddenSize() * (2 * queries() + 2 * keys());
        return (long) config.layers()
                * (attention + 3L * config.hiddenSize() * config.intermediateSize());
    }

    /// Numbers in the down projections.
    private long downWeights() {
        return (long) config.layers() * config.hiddenSize() * config.intermediateSize();
    }

    /// Numbers in the adapter.
    public long adapterWeights() {
        long width = config.hiddenSize();
        long ends = 2 * (width + queries()) + 2 * (width + keys()); // q and o; k and v
        ends += 3 * (width + config.intermediateSize());
        return (long) config.layers() * rank * ends;
    }

    /// Numbers in the output layer.
    public long headWeights() {
        return (long) config.hiddenSize() * config.vocabSize();
    }

    /// Numbers in the model, tied embeddings once, norms left out.
    public long allWeights() {
        long tables = config.tieWordEmbeddings() ? 1 : 2;
        return blockWeights() + tables * headWeights();
    }

    private double attention(double attended, int products) {
        return 2.0 * products * attended * queries() * config.layers();
    }

    private double head(double targets) {
        return 2.0 * targets * headWeights();
    }

    /// A pass without gradient.
    ///
    /// @param adapter whether the adapter is on
    public double measure(PassWork work, boolean adapter) {
        return blocks(work, adapter) + head(work.targets());
    }

    private double blocks(PassWork work, boolean adapter) {
        long weights = blockWeights() + (adapter ? adapterWeights() : 0);
        return 2.0 * work.rows() * weights + attention(work.attended(), 2);
    }

    /// A forward pass that is trained on, with the head's gradient.
    public double forward(PassWork work) {
        return measure(work, true) + (trainsAll() ? 0 : head(work.targets()));
    }

    /// The backward pass: through the blocks, and through an output layer that is trained.
    public double backward(PassWork work) {
        if (trainsAll()) {
            return 4.0 * work.rows() * blockWeights()
                    + attention(work.attended(), 4)
                    + 2 * head(work.targets());
        }
        return 2.0 * work.rows() * (blockWeights() + 2 * adapterWeights())
                + attention(work.attended(), 4);
    }

    /// What the backward pass computes a second time: attention's scores, logits of an output layer
    /// that is trained, and the blocks of `again` up to their down projection, of which only the
    /// adapter's columns are needed.
    public double recomputed(PassWork trained, PassWork again) {
        return attention(trained.attended(), 1)
                + (trainsAll() ? head(trained.targets()) : 0)
                + 2.0 * again.rows() * (blockWeights() - downWeights() + adapterWeights())
                + attention(again.attended(), 2);
    }

    /// Reading a prompt: the head sees its last token only.
    public double prefill(int tokens) {
        double attended = 0.5 * tokens * (tokens + 1.0);
        return 2.0 * tokens * (blockWeights() + adapterWeights())
                + attention(attended, 2)
                + head(1);
    }

    /// The tokens that follow a prompt, but for the first, which the prompt's last token gives.
    ///
    /// @param prompt tokens before
    /// @param added tokens sampled, ≥ 1
    public double decode(int prompt, int added) {
        double steps = added - 1.0;
        double attended = steps * prompt + 0.5 * steps * (steps + 1);
        return steps * 2.0 * (blockWeights() + adapterWeights())
                + attention(attended, 2)
                + head(steps);
    }

    /// Operations of a step by phase, those that are computed again left out.
    ///
    /// @param passes by phase, as [org.attune.trainers.loop.PhaseClock] counts them
    /// @param rollout operations of the step's generation
    public Map<String, Double> byPhase(Map<String, PassWork> passes, double rollout) {
        Map<String, Double> flops = new LinkedHashMap<>();
        if (rollout > 0) {
            flops.put("rollout", rollout);
        }
        passes.forEach(
                (phase, work) -> {
                    switch (phase) {
                        case "forward" -> {
                            PassWork reused = passes.getOrDefault(PhaseClock.REUSED, PassWork.NONE);
                            flops.put("forward", forward(work) - measure(reused, true));
                            flops.put("backward", backward(work));
                        }
                        case "reference" -> flops.put(phase, measure(work, false));
                        case "old" -> flops.put(phase, measure(work, true));
                        default -> {} // not part of a step, computed again, or made before
                    }
                });
        return flops;
    }
}
