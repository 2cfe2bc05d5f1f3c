package org.attune.policy;

import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.config.TensorNames;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.Weight;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.Arrays;

/// A linear layer on a policy's trunk that estimates how much reward is still to come:
/// `V = norm(x) Sᵀ`. Its weight `S (1, D)` is trained beside the policy's parameters, and its
/// gradient goes on into the trunk. On the engine thread; owns its tensors.
public final class ValueHead implements AutoCloseable {
    private static final int VALUE = 0; // the one label

    private final TensorScope scope = TensorScope.detached("value");
    private final Decoder scorer;
    private final FlatParameters flat;
    private final ParameterSpace.Parameter weight;

    /// @param trunk the policy's decoder; borrowed
    /// @param start holds the values to start from as `score.weight`; borrowed
    public ValueHead(Decoder trunk, TensorFile start) {
        scorer = Decoder.scorerOn(trunk, trunk.config().withLabels(1), start);
        Weight layer = scorer.output().weight();
        var plan = new FlatParameters.Plan();
        weight = plan.add(layer.name(), true, layer.base().shape());
        flat = new FlatParameters(scope, trunk.device(), plan.parameters(), true);
        try (var _ = scope.enter()) {
            // With an adapter or without: the head is the same.
            layer.trainBase(flat.gradient(weight));
            layer.attachTrained(layer.base(), flat.gradient(weight));
            try (var _ = TensorScope.open("value")) {
                flat.value(weight).copyInPlace(layer.base());
            }
        }
        flat.onChange(_ -> refresh());
    }

    private void refresh() {
        try (var _ = TensorScope.open("value")) {
            scorer.output().weight().base().copyInPlace(flat.value(weight));
        }
    }

    /// What is trained.
    public ParameterSpace parameters() {
        return flat;
    }

    /// Configuration and output layer of trunk and head as a model that scores.
    Decoder scorer() {
        return scorer;
    }

    /// Puts the head on what a pass has computed.
    Head join(OutputHead tokens, Tensor hidden, TokenForest forest, OutputHead.Use use) {
        int[] labels = new int[forest.targetCount()]; // all VALUE
        Arrays.fill(labels, VALUE);
        return new JointHead(tokens, new ScoreHead(scorer, hidden, forest, use, labels));
    }

    /// The weight as a tensor to write.
    ///
    /// @param name in the file
    public SafeTensorsWriter.Source source(String name) {
        return TensorBytes.source(name, DType.FLOAT32, weight.shape(), () -> flat.value(weight));
    }

    /// The weight's name in a model's own file.
    public static String modelName() {
        return TensorNames.SCORE + ".weight";
    }

    @Override
    public void close() {
        scorer.close();
        scope.close();
    }
}
