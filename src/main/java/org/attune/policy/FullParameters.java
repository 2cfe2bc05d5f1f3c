package org.attune.policy;

import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.layer.Block;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.Norm;
import org.attune.model.layer.Weight;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/// All weights of a decoder as trained parameters: float32 masters, and the decoder's own weights
/// as compute copies. Groups are, as a backward pass finishes them: the head, each block from the
/// last to the first, the embedding.
final class FullParameters implements TrainedParameters, BackwardProgress {
    /// Group of the final norm and the output layer, unless that is the embedding.
    private static final int HEAD = 0;

    private final TensorScope scope = TensorScope.detached("weights");
    private final int layers;
    private final boolean transposed;
    private final Set<ParameterSpace.Parameter> matrices = new HashSet<>(); // of linear layers
    private final FlatParameters.Plan plan = new FlatParameters.Plan();
    private final List<List<ParameterSpace.Parameter>> groups = new ArrayList<>();
    private final List<Consumer<FlatParameters>> bindings = new ArrayList<>();
    private final FlatParameters flat;
    private final Map<ParameterSpace.Parameter, Tensor> computed = new LinkedHashMap<>();

    /// @param inTurn whether gradients share memory, as in [Policy#withAllWeightsInTurn]
    FullParameters(Decoder decoder, boolean inTurn) {
        layers = decoder.blocks().size();
        transposed = decoder.config().names().transposed();
        for (int group = 0; group <= embeddingGroup(); group++) {
            groups.add(new ArrayList<>());
        }
        try (var _ = scope.enter()) {
            plan(decoder);
            flat =
                    new FlatParameters(
                            scope, decoder.device(), plan.parameters(), places(decoder, inTurn));
            bindings.forEach(b -> b.accept(flat));
            try (var _ = TensorScope.open("weights")) {
                computed.forEach((p, weight) -> flat.value(p).copyInPlace(weight));
            }
        }
        flat.onChange(this::refresh);
    }

    private GradientPlaces places(Decoder decoder, boolean inTurn) {
        if (!inTurn) {
            return GradientPlaces.apart(groups);
        }
        // As the output layer it has a gradient before all blocks, as the embedding after them.
        boolean lasts = decoder.config().tiesOutput();
        return GradientPlaces.inTurn(groups, lasts ? Set.of(embeddingGroup()) : Set.of());
    }

    private int blockGroup(int block) {
        return layers - block;
    }

    private int embeddingGroup() {
        return layers + 1;
    }

    /// The flat order is that of checkpoints.
    private void plan(Decoder decoder) {
        embedding(decoder);
        for (int i = 0; i < layers; i++) {
            for (FusedLinear linear : decoder.blocks().get(i).linears()) {
                linear(linear, blockGroup(i));
            }
        }
        for (int i = 0; i < layers; i++) {
            Block block = decoder.blocks().get(i);
            for (Norm norm : block.norms()) {
                int group = blockGroup(i);
                norm.weights().forEach(w -> planned(group, false, w));
            }
        }
        decoder.finalNorm().weights().forEach(w -> planned(HEAD, false, w));
        decoder.input().positions().ifPresent(p -> planned(embeddingGroup(), true, p));
    }

    private ParameterSpace.Parameter planned(
            int group, String name, boolean decays, Tensor weight) {
        var p = plan.add(name, decays, weight.shape());
        groups.get(group).add(p);
        computed.put(p, weight);
        return p;
    }

    private ParameterSpace.Parameter planned(int group, boolean decays, Weight weight) {
        var p = planned(group, weight.name(), decays, weight.base());
        bindings.add(f -> weight.trainBase(f.gradient(p)));
        return p;
    }

    private void embedding(Decoder decoder) {
        var e = planned(embeddingGroup(), true, decoder.embedding());
        Weight output = decoder.output().weight();
        if (decoder.config().tiesOutput()) {
            // One tensor, so one gradient: the sum of both uses.
            bindings.add(f -> output.trainBase(f.gradient(e)));
        } else {
            planned(HEAD, true, output);
        }
        decoder.output().bias().ifPresent(b -> planned(HEAD, false, b));
    }

    private void linear(FusedLinear linear, int group) {
        int count = linear.parts().size();
        var weights = new ParameterSpace.Parameter[count];
        var biases = new ParameterSpace.Parameter[count];
        for (int i = 0; i < count; i++) {
            String path = linear.parts().get(i).path();
            weights[i] = planned(group, path + ".weight", true, linear.weight(i));
            matrices.add(weights[i]);
            if (linear.bias(i) != null) {
                biases[i] = planned(group, path + ".bias", false, linear.bias(i));
            }
        }
        bindings.add(
                f -> {
                    var w = new Tensor[count];
                    var b = new Tensor[count];
                    for (int i = 0; i < count; i++) {
                        w[i] = f.gradient(weights[i]);
                        b[i] = biases[i] == null ? null : f.gradient(biases[i]);
                    }
                    linear.trainBase(w, b);
                });
    }

    private void refresh(int group) {
        try (var _ = TensorScope.open("weights")) {
            groups.get(group).forEach(p -> computed.get(p).copyInPlace(flat.value(p)));
        }
    }

    @Override
    public FlatParameters parameters() {
        return flat;
    }

    @Override
    public void headDone() {
        flat.complete(HEAD);
    }

    @Override
    public void blockDone(int block) {
        flat.complete(blockGroup(block));
    }

    @Override
    public void embeddingDone() {
        flat.complete(embeddingGroup());
    }

    /// The masters as tensors to write, in `dtype`.
    List<SafeTensorsWriter.Source> sources(DType dtype) {
        var sources = new ArrayList<SafeTensorsWriter.Source>();
        for (var p : flat.parameters()) {
            sources.add(
                    transposed && matrices.contains(p)
                            ? TensorBytes.transposed(
                                    p.name(), dtype, p.shape(), () -> flat.value(p))
                            : TensorBytes.source(p.name(), dtype, p.shape(), () -> flat.value(p)));
        }
        return sources;
    }

    @Override
    public void close() {
        scope.close();
    }
}
