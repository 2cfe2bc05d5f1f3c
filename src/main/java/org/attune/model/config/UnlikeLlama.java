package org.attune.model.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// What a decoder computes that hand-written passes, or kernels for whole blocks, don't know.
final class UnlikeLlama {
    /// Activations of gates that the kernel for tokens knows.
    private static final Set<Activation> TOKENS = Set.of(Activation.SILU, Activation.GELU_TANH);

    private final DecoderConfig config;
    private final BlockConfig block;

    UnlikeLlama(DecoderConfig config) {
        this.config = config;
        block = config.block();
    }

    /// What hand-written passes don't know, in words; none if they can compute all blocks. Halves
    /// of blocks with such parts run in ordinary operators.
    List<String> unwritten() {
        List<String> found = new ArrayList<>(attention());
        found.addAll(feedForward());
        if (!block.end().equals(BlockConfig.End.NONE)) {
            found.add("changed outputs of blocks");
        }
        if (block.residual().copies().isPresent()) {
            found.add("several copies of the residual stream");
        }
        if (block.residual().rank() > 0) {
            found.add("a learned residual");
        }
        if (block.mixers().layers().stream().anyMatch(p -> !p.mixes() || !p.feedForward())) {
            found.add("blocks of one part");
        }
        if (block.mixers().layers().stream().anyMatch(p -> p.attention() && p.state())) {
            found.add("blocks of two mixers");
        }
        if (block.mixers().state().map(StateConfig::scalesEnds).orElse(false)) {
            found.add("states with scaled inputs");
        }
        return found;
    }

    /// What hand-written attention doesn't know, in words.
    List<String> attention() {
        List<String> found = new ArrayList<>();
        switch (config.positions()) {
            case PositionConfig.Learned _ -> found.add("learned positions");
            case PositionConfig.None _ -> found.add("no positions");
            case RopeConfig _ -> {}
        }
        if (config.attention().clip() > 0) {
            found.add("bounded queries, keys and values");
        }
        if (config.attention().sinks()) {
            found.add("attention with sinks");
        }
        switch (config.attention().qkNorm()) {
            case NONE, HEADS -> {}
            case EACH -> found.add("norms with a weight for each head");
            case ROTATED, ROTATED_BARE -> found.add("norms of rotated heads");
            case TOGETHER -> {
                if (!(block.norm() instanceof NormConfig.Rms)) {
                    found.add("other norms over all heads than RMS norms");
                }
            }
        }
        if (config.names().qkvByHead()) {
            found.add("projections by head");
        }
        if (!config.names().innerNorms().isEmpty()) {
            found.add("a norm inside of attention");
        }
        if (config.attention().latent().isPresent()) {
            found.add("latent attention");
        }
        if (config.variesAttention()) {
            found.add("attention that differs between layers");
        }
        if (config.attention().chunked()) {
            found.add("attention in chunks");
        }
        if (block.mixers().attentionScale() != 1) {
            found.add("scaled attention");
        }
        return found;
    }

    /// What hand-written feed-forward parts don't know, in words.
    List<String> feedForward() {
        List<String> found = new ArrayList<>();
        if (!config.names().innerNorms().isEmpty()) {
            found.add("norms inside of feed-forward parts");
        }
        if (config.activation() == Activation.XIELU) {
            found.add("an activation with weights");
        }
        if (block.feedForward().experts().map(e -> e.router().scalesInput()).orElse(false)) {
            found.add("experts that read weighed inputs");
        }
        if (block.feedForward().experts().map(ExpertsConfig::beside).orElse(false)) {
            found.add("experts beside a dense part");
        }
        if (block.feedForward().closed().stream().anyMatch(share -> share > 0)) {
            found.add("gates that are closed by their distribution");
        }
        if (!block.feedForward().inners().isEmpty()) {
            found.add("feed-forward parts of several widths");
        }
        if (!block.feedForward().factors().equals(FeedForwardConfig.Factors.ONES)) {
            found.add("scaled gates");
        }
        return found;
    }

    /// What the kernel that takes a token through all blocks doesn't know, in words.
    List<String> tokens() {
        List<String> found = new ArrayList<>(unwritten());
        block.mixers()
                .state()
                .filter(state -> !(state instanceof StateConfig.GatedDelta d) || d.byKeyHead())
                .ifPresent(state -> found.add(state.words()));
        block.feedForward().experts().ifPresent(e -> found.addAll(experts(e)));
        if (block.order().isParallel()) {
            found.add("blocks in the order " + block.order());
        }
        switch (block.norm()) {
            case NormConfig.Rms _ -> {}
            case NormConfig.Layer _ -> found.add("LayerNorm");
            case NormConfig.Bare _ -> found.add("norms without weights");
        }
        if (config.positions() instanceof RopeConfig rope && rope.growth().isPresent()) {
            found.add("queries that grow with positions");
        }
        if (config.positions() instanceof RopeConfig rope
                && rope.pairs() != RopeConfig.Pairs.HALVES) {
            found.add(
                    rope.pairs() == RopeConfig.Pairs.NEIGHBOURS
                            ? "rotary embedding of neighbouring features"
                            : "rotary embedding that turns the other way");
        }
        if (config.attention().softcap() > 0) {
            found.add("capped attention scores");
        }
        if (!block.feedForward().gated()) {
            found.add("feed-forward parts without gates");
        }
        if (!TOKENS.contains(config.activation())) {
            found.add(activation());
        }
        return found;
    }

    private static List<String> experts(ExpertsConfig e) {
        List<String> found = new ArrayList<>();
        if (e.clamp().isPresent()) {
            found.add("experts with bounded gates");
        }
        if (e.router().scores() instanceof ExpertsConfig.RouterConfig.Scores.SparseMixer) {
            found.add("a sparse mixer");
        }
        if (e.router().scaled()) {
            found.add("a router with factors");
        }
        return found;
    }

    private String activation() {
        return "activation " + config.activation().configName();
    }

    /// What is computed otherwise than in Llama, in words; none if all is as there, whatever the
    /// sizes. Kernels for whole blocks on GPUs compute what Llama does.
    List<String> kernels() {
        List<String> found = new ArrayList<>(tokens());
        block.mixers()
                .state()
                .filter(state -> !found.contains(state.words()))
                .ifPresent(state -> found.add(state.words()));
        if (block.feedForward().experts().isPresent()) {
            found.add("experts");
        }
        if (config.attention().gated()) {
            found.add("gated attention");
        }
        if (block.order().normsAfter()) {
            found.add("blocks in the order " + block.order());
        }
        if (block.norm() instanceof NormConfig.Rms(double _, double offset) && offset != 0) {
            found.add("RMS norms with an offset");
        }
        if (config.rotates() && !config.rotatesAlike()) {
            found.add("rotary embedding that differs between layers");
        }
        if (config.attention().qkNorm() == QkNorm.TOGETHER) {
            found.add("norms over all heads");
        }
        if (config.ends().embeddingNorm()) {
            found.add("a norm of embeddings");
        }
        if (block.residualScale() != 1) {
            found.add("scaled parts of blocks");
        }
        if (config.activation() == Activation.GELU_TANH) {
            found.add(activation());
        }
        return found;
    }
}
