package org.attune.policy;

import org.attune.error.ConfigException;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.ranks.ServingCollective;
import org.attune.tensor.DType;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// All weights of a decoder as trained parameters, or those with some names: float32 masters, and
/// the decoder's own weights as compute copies.
final class FullParameters implements TrainedParameters, BackwardProgress {
    private final TensorScope scope = TensorScope.detached("weights");
    private final Decoder decoder;
    private final boolean transposed;
    private WholeWeights weights; // others after each draw
    private final FlatParameters flat;
    private final Optional<DrawnBlocks> drawn;
    private Optional<CutWeights> cut = Optional.empty();

    /// @param trains by name; the others stay as they are
    /// @param inTurn whether gradients share memory, as in [Policy#withWeights]
    /// @throws ConfigException if nothing is trained
    FullParameters(Decoder decoder, Predicate<String> trains, boolean inTurn) {
        this.decoder = decoder;
        transposed = decoder.config().names().transposed();
        detachAdapter(decoder);
        drawn = Optional.empty();
        try (var _ = scope.enter()) {
            weights = new WholeWeights(decoder, trains);
            requireSome();
            flat = flat(places(decoder, inTurn));
            weights.bind(flat);
        }
        begin();
    }

    /// All weights, but of the blocks only some at a time.
    ///
    /// @throws ConfigException if blocks can't take each other's place
    FullParameters(Decoder decoder, DrawnBlocks.Plan plan) {
        this.decoder = decoder;
        transposed = decoder.config().names().transposed();
        detachAdapter(decoder);
        var blocks = new DrawnBlocks(decoder, plan);
        drawn = Optional.of(blocks);
        weights = blocks.first();
        flat = flat(places(decoder, false));
        blocks.begin(flat, others -> weights = others);
        begin();
    }

    private FlatParameters flat(GradientPlaces places) {
        return new FlatParameters(scope, decoder.device(), weights.parameters(), places);
    }

    private void begin() {
        try (var _ = TensorScope.open("weights")) {
            weights.computed().forEach((p, weight) -> flat.value(p).copyInPlace(weight));
        }
        flat.onChange(this::refresh);
    }

    private void requireSome() {
        if (weights.parameters().isEmpty()) {
            throw ConfigException.about(
                    "unfrozen_parameters",
                    "matches no weight of the model, such as "
                            + weights.frozen().stream()
                                    .limit(3)
                                    .map(WholeWeights.Frozen::name)
                                    .collect(Collectors.joining(", ")));
        }
    }

    /// An adapter that was trained on these weights before may be closed, and its memory gone. Half
    /// of a backward pass would still go through it.
    private static void detachAdapter(Decoder decoder) {
        decoder.linears().forEach(linear -> linear.attachTrained(List.of()));
        decoder.output().attachTrained(Optional.empty());
        WholeModules.detachTrained(decoder);
    }

    private GradientPlaces places(Decoder decoder, boolean inTurn) {
        if (!inTurn) {
            return GradientPlaces.apart(weights.groups());
        }
        // As the output layer it has a gradient before all blocks, as the embedding after them.
        boolean lasts = decoder.config().tiesOutput();
        return GradientPlaces.inTurn(
                weights.groups(),
                weights.groups(),
                lasts
                        ? weights.embeddingGroup().stream()
                                .boxed()
                                .collect(Collectors.toUnmodifiableSet())
                        : Set.of());
    }

    /// A block that is not here gets its values when it is needed.
    private void refresh(int group) {
        if (flat.keepsValues() || !weights.isBlock(group)) {
            compute(group);
        }
    }

    private boolean isOfTower(String weight) {
        return decoder.config().vision().filter(v -> v.holds(weight)).isPresent();
    }

    private void compute(int group) {
        if (weights.groups().get(group).stream().anyMatch(p -> isOfTower(p.name()))) {
            decoder.forgetSeen(Adapter.OFF);
        }
        try (var _ = TensorScope.open("weights")) {
            weights.groups()
                    .get(group)
                    .forEach(p -> weights.computed().get(p).copyInPlace(flat.view(p)));
        }
    }

    /// Keeps this process's part of the blocks' weights only, from now on. All processes make this
    /// call.
    ///
    /// @param ranks of the run; borrowed
    /// @return bytes that left this process's memory
    ///
    /// @throws ConfigException if some weights stay as they are
    long cut(ServingCollective ranks) {
        if (!weights.frozen().isEmpty()) {
            throw new ConfigException(
                    "zero_stage: 3 with unfrozen_parameters is not supported; accepted: 0 to 2, or"
                            + " all weights");
        }
        List<List<ParameterSpace.Parameter>> blocks =
                IntStream.range(0, decoder.blocks().size())
                        .mapToObj(block -> weights.groups().get(group(block)))
                        .toList();
        var own = new CutWeights(ranks, flat, decoder, blocks, block -> compute(group(block)));
        cut = Optional.of(own);
        flat.comeAndGo(own);
        return own.bytes();
    }

    /// Names of weights that stay as they are.
    Set<String> frozen() {
        return weights.frozen().stream()
                .map(WholeWeights.Frozen::name)
                .collect(Collectors.toUnmodifiableSet());
    }

    private int group(int block) {
        return weights.blockGroup(block).orElseThrow();
    }

    @Override
    public FlatParameters parameters() {
        return flat;
    }

    @Override
    public BackwardProgress progress() {
        return this;
    }

    @Override
    public void headDone() {
        weights.headGroup().ifPresent(flat::complete);
    }

    @Override
    public void blockDone(int block) {
        weights.blockGroup(block).ifPresent(flat::complete);
    }

    @Override
    public void embeddingDone() {
        weights.embeddingGroup().ifPresent(flat::complete);
    }

    /// The masters as tensors to write, in `dtype`.
    List<SafeTensorsWriter.Source> sources(DType dtype) {
        var sources = new ArrayList<SafeTensorsWriter.Source>();
        for (var p : flat.parameters()) {
            sources.add(
                    transposed && weights.isMatrix(p)
                            ? TensorBytes.transposed(
                                    p.name(), dtype, p.shape(), () -> flat.value(p))
                            : TensorBytes.source(p.name(), dtype, p.shape(), () -> flat.value(p)));
        }
        for (WholeWeights.Frozen own : weights.frozen()) {
            long[] shape = own.weight().shape();
            sources.add(
                    transposed && own.isMatrix()
                            ? TensorBytes.transposed(own.name(), dtype, shape, own::weight)
                            : TensorBytes.source(own.name(), dtype, shape, own::weight));
        }
        decoder.blocks().stream()
                .flatMap(block -> block.buffers().stream())
                .forEach(
                        w ->
                                sources.add(
                                        TensorBytes.source(
                                                w.name(),
                                                w.base().dtype(),
                                                w.base().shape(),
                                                w::base)));
        return decoder.stored(sources);
    }

    @Override
    public void close() {
        cut.ifPresent(CutWeights::close);
        drawn.ifPresent(DrawnBlocks::close);
        scope.close();
    }
}
