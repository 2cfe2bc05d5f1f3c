package org.attune.policy;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.error.ConfigException;
import org.attune.model.layer.Decoder;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/// Blocks that learn for some updates, until others are drawn (LISA,
/// [Pan et al. 2024](https://arxiv.org/abs/2403.17919), Alg. 1). What is beside the blocks learns
/// always. Masters and gradients of a block take the place of those of another one, whose weights
/// stay behind in the compute dtype.
final class DrawnBlocks implements AutoCloseable {
    private final Decoder decoder;
    private final Plan plan;
    private FlatParameters flat;
    private Consumer<WholeWeights> listener;
    private WholeWeights weights;
    private TensorScope views = TensorScope.detached("drawn blocks");
    private long turn;

    /// Who learns when: known by the seed and the number of the turn alone.
    ///
    /// @param blocks that learn at a time
    /// @param interval updates of a turn
    /// @param seed of the draws
    record Plan(int blocks, int interval, long seed) {
        /// The blocks of a turn.
        ///
        /// @param layers blocks that there are
        Set<Integer> of(long turn, int layers) {
            UniformRandomProvider random =
                    RandomSource.XO_SHI_RO_256_PP.create(seed * 1_000_003 + turn);
            var left = new ArrayList<>(IntStream.range(0, layers).boxed().toList());
            var drawn = new TreeSet<Integer>();
            while (drawn.size() < blocks) {
                drawn.add(left.remove(/* index */ random.nextInt(left.size())));
            }
            return drawn;
        }
    }

    /// Draws the blocks of the first turn.
    ///
    /// @param decoder borrowed
    /// @throws ConfigException if blocks can't take each other's place
    DrawnBlocks(Decoder decoder, Plan plan) {
        this.decoder = decoder;
        this.plan = plan;
        requireAlike();
        weights = plan();
    }

    private void requireAlike() {
        int layers = decoder.blocks().size();
        if (plan.blocks() > layers) {
            throw ConfigException.about(
                    "lisa_n_layers",
                    "%d; accepted: 1 to %d, the blocks of the model"
                            .formatted(plan.blocks(), layers));
        }
        try (var _ = TensorScope.open("blocks")) {
            var all = new WholeWeights(decoder, _ -> true);
            List<List<String>> shapes =
                    IntStream.range(0, layers)
                            .mapToObj(b -> all.groups().get(all.blockGroup(b).orElseThrow()))
                            .map(g -> g.stream().map(p -> Arrays.toString(p.shape())).toList())
                            .toList();
            for (int block = 1; block < layers; block++) {
                if (!shapes.get(block).equals(shapes.getFirst())) {
                    throw ConfigException.about(
                            "lisa_n_layers",
                            "%d; accepted with models whose blocks have weights of the same shapes, which block %d and block 0 have not; name the weights to train in unfrozen_parameters"
                                    .formatted(plan.blocks(), block));
                }
            }
        }
    }

    private WholeWeights plan() {
        Set<Integer> drawn = plan.of(turn, decoder.blocks().size());
        try (var _ = views.enter()) {
            return new WholeWeights(decoder, _ -> true, block -> !drawn.contains(block));
        }
    }

    /// What learns first.
    WholeWeights first() {
        return weights;
    }

    /// Has parameters take turns.
    ///
    /// @param of what learns first; borrowed
    /// @param drawn is told what learns after each draw
    void begin(FlatParameters of, Consumer<WholeWeights> drawn) {
        flat = of;
        listener = drawn;
        bind();
        flat.takeTurns(this);
    }

    private void bind() {
        try (var _ = views.enter()) {
            weights.bind(flat);
        }
    }

    /// As [ParameterSpace#draw].
    long draw(long updates) {
        long due = updates / plan.interval();
        if (due != turn) {
            turn = due;
            TensorScope before = views;
            views = TensorScope.detached("drawn blocks");
            weights = plan();
            flat.replace(weights.parameters(), GradientPlaces.apart(weights.groups()));
            bind();
            listener.accept(weights);
            before.close();
            try (var _ = TensorScope.open("drawn blocks")) {
                weights.computed().entrySet().stream()
                        .filter(e -> weights.isOfBlock(e.getKey()))
                        .forEach(e -> flat.view(e.getKey()).copyInPlace(e.getValue()));
            }
        }
        return updates % plan.interval();
    }

    boolean isLasting(ParameterSpace.Parameter parameter) {
        return !weights.isOfBlock(parameter);
    }

    /// Weights that rest, by name: those that learned before are in no file of the model's.
    Map<String, Tensor> resting() {
        var resting = new LinkedHashMap<String, Tensor>();
        weights.frozen().forEach(f -> resting.put(f.name(), f.weight()));
        return resting;
    }

    /// As [ParameterSpace#candidates].
    List<ParameterSpace.Parameter> candidates() {
        var all = new ArrayList<>(weights.parameters());
        resting()
                .forEach(
                        (name, w) ->
                                all.add(new ParameterSpace.Parameter(name, w.shape(), 0, true)));
        return all;
    }

    @Override
    public void close() {
        views.close();
    }
}
