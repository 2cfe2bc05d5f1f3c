package org.attune.policy;

import org.attune.model.layer.Block;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.Norm;
import org.attune.model.layer.Weight;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Weights of a decoder as parameters in flat order, which is that of checkpoints. Groups are, as a
/// backward pass finishes them: the head, each block from the last to the first, the embedding;
/// those of which nothing is trained are left out.
final class WholeWeights {
    /// Place of the final norm and the output layer, unless that is the embedding, before the
    /// blocks.
    private static final int HEAD = 0;

    private final int layers;
    private final Predicate<String> trains;
    private final IntPredicate rests;
    private final List<Frozen> frozen = new ArrayList<>();
    private final Set<ParameterSpace.Parameter> matrices = new HashSet<>(); // of linear layers
    private final FlatParameters.Plan plan = new FlatParameters.Plan();
    private final List<List<ParameterSpace.Parameter>> places = new ArrayList<>();
    private final List<Consumer<FlatParameters>> bindings = new ArrayList<>();
    private final Map<ParameterSpace.Parameter, Tensor> computed = new LinkedHashMap<>();

    /// A weight that stays as it is.
    ///
    /// @param isMatrix whether it is the matrix of a linear layer in a block
    record Frozen(String name, Tensor weight, boolean isMatrix) {}

    /// Views of the decoder's weights live in the current scope.
    ///
    /// @param trains by name; the others stay as they are
    WholeWeights(Decoder decoder, Predicate<String> trains) {
        this(decoder, trains, _ -> false);
    }

    /// Views of the decoder's weights live in the current scope.
    ///
    /// @param trains by name; the others stay as they are
    /// @param rests whether a block stays as it is for now
    WholeWeights(Decoder decoder, Predicate<String> trains, IntPredicate rests) {
        this.rests = rests;
        layers = decoder.blocks().size();
        // Blocks of the tower behind the output that is read learn nothing.
        this.trains =
                name ->
                        trains.test(name)
                                && decoder.config()
                                        .vision()
                                        .filter(v -> v.isUnread(name))
                                        .isEmpty();
        for (int place = 0; place <= embedding(); place++) {
            places.add(new ArrayList<>());
        }
        plan(decoder);
    }

    List<Frozen> frozen() {
        return frozen;
    }

    List<ParameterSpace.Parameter> parameters() {
        return plan.parameters();
    }

    List<List<ParameterSpace.Parameter>> groups() {
        return places.stream().filter(place -> !place.isEmpty()).toList();
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
        var own = groups().get(group);
        return own != places.get(HEAD) && own != places.get(embedding());
    }

    /// The group of the head, if something of it is trained.
    OptionalInt headGroup() {
        return group(HEAD);
    }

    /// The group of a block, if something of it is trained.
    OptionalInt blockGroup(int block) {
        return group(layers - block);
    }

    /// The group of the embedding, if something of it is trained.
    OptionalInt embeddingGroup() {
        return group(embedding());
    }

    /// Whether a parameter is of a block.
    boolean isOfBlock(ParameterSpace.Parameter parameter) {
        return IntStream.rangeClosed(1, layers)
                .anyMatch(place -> places.get(place).contains(parameter));
    }

    private OptionalInt group(int place) {
        return places.get(place).isEmpty()
                ? OptionalInt.empty()
                : OptionalInt.of(
                        (int) places.stream().limit(place).filter(p -> !p.isEmpty()).count());
    }

    private int embedding() {
        return layers + 1;
    }

    private void plan(Decoder decoder) {
        embedding(decoder);
        for (int i = 0; i < layers; i++) {
            for (FusedLinear linear : decoder.blocks().get(i).linears()) {
                linear(linear, layers - i);
            }
        }
        for (int i = 0; i < layers; i++) {
            Block block = decoder.blocks().get(i);
            for (Norm norm : block.norms()) {
                int place = layers - i;
                norm.weights().forEach(w -> planned(place, false, w));
            }
            for (Weight weight : block.others()) {
                planned(layers - i, !weight.name().contains("bias"), weight);
            }
        }
        seeing(decoder);
        decoder.finalNorm().weights().forEach(w -> planned(HEAD, false, w));
        decoder.input().positions().ifPresent(p -> planned(embedding(), true, p));
    }

    /// What makes rows of pictures is finished with the embedding, before the first block.
    private void seeing(Decoder decoder) {
        decoder.seeingLinears().forEach(linear -> linear(linear, embedding()));
        decoder.seeingNorms().stream()
                .flatMap(norm -> norm.weights().stream())
                .forEach(w -> planned(embedding(), false, w));
        decoder.seeingOthers().forEach(w -> planned(embedding(), !w.name().contains("bias"), w));
    }

    private boolean rest(int place) {
        return place != HEAD && place != embedding() && rests.test(layers - place);
    }

    /// @return null if it isn't trained
    private ParameterSpace.Parameter planned(
            int place, String name, boolean decays, Tensor weight) {
        if (!trains.test(name) || rest(place)) {
            return null;
        }
        var p = plan.add(name, decays, weight.shape());
        places.get(place).add(p);
        computed.put(p, weight);
        return p;
    }

    /// @return null if it isn't trained
    private ParameterSpace.Parameter planned(int place, boolean decays, Weight weight) {
        var p = planned(place, weight.name(), decays, weight.base());
        if (p == null) {
            frozen.add(new Frozen(weight.name(), weight.base(), false));
            weight.trainBase(null);
        } else {
            bindings.add(f -> weight.trainBase(f.gradient(p)));
        }
        return p;
    }

    private void embedding(Decoder decoder) {
        var e = planned(embedding(), true, decoder.embedding());
        Weight output = decoder.output().weight();
        if (decoder.config().tiesOutput()) {
            // One tensor, so one gradient: the sum of both uses.
            bindings.add(f -> output.trainBase(e == null ? null : f.gradient(e)));
        } else {
            planned(HEAD, true, output);
        }
        decoder.output().bias().ifPresent(b -> planned(HEAD, false, b));
    }

    private void linear(FusedLinear linear, int place) {
        int count = linear.parts().size();
        var weights = new ParameterSpace.Parameter[count];
        var biases = new ParameterSpace.Parameter[count];
        for (int i = 0; i < count; i++) {
            String path = linear.parts().get(i).path();
            weights[i] = planned(place, path + ".weight", true, linear.weight(i));
            if (weights[i] == null) {
                frozen.add(new Frozen(path + ".weight", linear.weight(i), true));
            } else {
                matrices.add(weights[i]);
            }
            if (linear.bias(i) != null) {
                biases[i] = planned(place, path + ".bias", false, linear.bias(i));
                if (biases[i] == null) {
                    frozen.add(new Frozen(path + ".bias", linear.bias(i), false));
                }
            }
        }
        if (Stream.of(weights, biases).flatMap(Arrays::stream).allMatch(Objects::isNull)) {
            if (rest(place)) {
                linear.trainBase(new Tensor[count], new Tensor[count]);
            }
            return;
        }
        bindings.add(
                f -> {
                    var w = new Tensor[count];
                    var b = new Tensor[count];
                    for (int i = 0; i < count; i++) {
                        w[i] = weights[i] == null ? null : f.gradient(weights[i]);
                        b[i] = biases[i] == null ? null : f.gradient(biases[i]);
                    }
                    linear.trainBase(w, b);
                });
    }
}
