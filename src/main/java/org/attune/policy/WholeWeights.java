package org.attune.policy;

import org.attune.model.layer.Block;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.Norm;
import org.attune.model.layer.Weight;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/// All weights of a decoder as parameters in flat order, which is that of checkpoints. Groups are,
/// as a backward pass finishes them: the head, each block from the last to the first, the
/// embedding.
final class WholeWeights {
    /// Group of the final norm and the output layer, unless that is the embedding.
    static final int HEAD = 0;

    private final int layers;
    private final Set<ParameterSpace.Parameter> matrices = new HashSet<>(); // of linear layers
    private final FlatParameters.Plan plan = new FlatParameters.Plan();
    private final List<List<ParameterSpace.Parameter>> groups = new ArrayList<>();
    private final List<Consumer<FlatParameters>> bindings = new ArrayList<>();
    private final Map<ParameterSpace.Parameter, Tensor> computed = new LinkedHashMap<>();

    /// Views of the decoder's weights live in the current scope.
    WholeWeights(Decoder decoder) {
        layers = decoder.blocks().size();
        for (int group = 0; group <= embeddingGroup(); group++) {
            groups.add(new ArrayList<>());
        }
        plan(decoder);
    }

    List<ParameterSpace.Parameter> parameters() {
        return plan.parameters();
    }

    List<List<ParameterSpace.Parameter>> groups() {
        return groups;
    }

    /// The decoder's own weights, in the compute dtype.
    Map<ParameterSpace.Parameter, Tensor> computed() {
        return computed;
    }

    /// Whether a parameter is the matrix of a linear layer in a block.
    boolean isMatrix(ParameterSpace.Parameter parameter) {
        return matrices.contains(parameter);
    }

    /// Has the decoder's backward passes add to these gradients.
    void bind(FlatParameters flat) {
        bindings.forEach(b -> b.accept(flat));
    }

    /// Whether a group is of a block.
    boolean isBlock(int group) {
        return group > HEAD && group < embeddingGroup();
    }

    int blockGroup(int block) {
        return layers - block;
    }

    int embeddingGroup() {
        return layers + 1;
    }

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
            for (Weight weight : block.others()) {
                planned(blockGroup(i), !weight.name().contains("bias"), weight);
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
}
