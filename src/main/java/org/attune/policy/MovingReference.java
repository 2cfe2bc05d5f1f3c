package org.attune.policy;

import org.attune.error.CheckpointException;
import org.attune.error.ConfigException;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/// A reference that follows its policy when it is told to: the soft update of TR-DPO,
/// [Gorbatovski et al. 2024](https://arxiv.org/abs/2404.09656), Eq. 3; with a share of 1 the hard
/// one, Eq. 4.
///
/// Of an adapter it is the adapter's own matrices that are mixed, not their products. Its numbers
/// are float32, as the policy's are.
public final class MovingReference implements Scorer, AutoCloseable {
    private static final StateTensors FILE = new StateTensors("the reference", "model or adapter");

    private final TensorScope scope;
    private final Scorer scorer;
    private final FlatParameters policy;
    private final List<ParameterSpace.Parameter> parameters;
    private final Function<ParameterSpace.Parameter, Tensor> master;
    private final Runnable changed;

    /// @param scope of what only the reference has; closed with it
    /// @param scorer computes with the reference's weights
    /// @param policy values to follow
    /// @param parameters the reference's, the same as the policy's
    /// @param master the reference's value of a parameter, float32, in the current scope
    /// @param changed brings what the scorer computes with up to date
    private MovingReference(
            TensorScope scope,
            Scorer scorer,
            FlatParameters policy,
            List<ParameterSpace.Parameter> parameters,
            Function<ParameterSpace.Parameter, Tensor> master,
            Runnable changed) {
        this.scope = scope;
        this.scorer = scorer;
        this.policy = policy;
        this.parameters = List.copyOf(parameters);
        this.master = master;
        this.changed = changed;
        requireAlike();
    }

    /// @param adapter the reference's own copy, which scores; borrowed
    static MovingReference ofAdapter(
            Scorer scorer, FlatParameters policy, AdapterParameters adapter) {
        FlatParameters values = adapter.parameters();
        return new MovingReference(
                TensorScope.detached("reference"),
                scorer,
                policy,
                values.parameters(),
                values::value,
                values::valuesChanged);
    }

    /// Weights in float32 are moved where they are; others have float32 numbers beside them, so
    /// that small steps aren't lost in rounding.
    ///
    /// @param frozen names of weights that the policy doesn't train
    /// @param decoder scores; borrowed
    static MovingReference ofModel(
            Scorer scorer, FlatParameters policy, Set<String> frozen, Decoder decoder) {
        if (policy.takesTurns()) {
            throw ConfigException.about(
                    "lisa_n_layers",
                    "accepted with a reference that stays as it is (sync_ref_model: false), since"
                            + " one that follows the policy needs the float32 numbers of all"
                            + " blocks; or unfrozen_parameters");
        }
        decoder.keepPlain();
        TensorScope scope = TensorScope.detached("reference");
        try (var _ = scope.enter()) {
            Map<ParameterSpace.Parameter, Tensor> weights =
                    new WholeWeights(decoder, name -> !frozen.contains(name)).computed();
            List<ParameterSpace.Parameter> parameters = List.copyOf(weights.keySet());
            if (decoder.dtype() == DType.FLOAT32) {
                return new MovingReference(
                        scope,
                        scorer,
                        policy,
                        parameters,
                        weights::get,
                        () -> decoder.forgetSeen(Adapter.OFF));
            }
            var masters = new FlatParameters(scope, decoder.device(), parameters, false);
            try (var _ = TensorScope.open("weights")) {
                weights.forEach((p, weight) -> masters.value(p).copyInPlace(weight));
            }
            return new MovingReference(
                    scope,
                    scorer,
                    policy,
                    parameters,
                    masters::value,
                    () -> refresh(decoder, weights, masters));
        } catch (RuntimeException e) {
            scope.close();
            throw e;
        }
    }

    private static void refresh(
            Decoder decoder,
            Map<ParameterSpace.Parameter, Tensor> weights,
            FlatParameters masters) {
        try (var _ = TensorScope.open("reference.refresh")) {
            weights.forEach((p, weight) -> weight.copyInPlace(masters.value(p)));
        }
        decoder.forgetSeen(Adapter.OFF);
    }

    private void requireAlike() {
        Map<String, String> own = shapes(parameters);
        Map<String, String> followed = shapes(policy.parameters());
        if (!own.equals(followed)) {
            String name =
                    followed.keySet().stream()
                            .filter(n -> !followed.get(n).equals(own.get(n)))
                            .findFirst()
                            .orElseGet(() -> own.keySet().iterator().next());
            throw new IllegalArgumentException(
                    ("a reference that follows the policy needs its weights: \"%s\" has shape %s"
                                    + " there, %s in the reference")
                            .formatted(
                                    name,
                                    followed.getOrDefault(name, "none"),
                                    own.getOrDefault(name, "none")));
        }
    }

    private static Map<String, String> shapes(List<ParameterSpace.Parameter> parameters) {
        Map<String, String> shapes = new LinkedHashMap<>();
        parameters.forEach(p -> shapes.put(p.name(), Arrays.toString(p.shape())));
        return shapes;
    }

    /// Moves towards the policy as it is now:
    /// ```
    /// θ_ref ← α θ + (1 − α) θ_ref
    /// ```
    ///
    /// @param share α, in `[0, 1]`
    public void move(double share) {
        for (int i = 0; i < parameters.size(); i++) {
            try (var _ = TensorScope.open("reference.move")) {
                Tensor towards = policy.value(policy.parameters().get(i)).mul(share);
                master.apply(parameters.get(i)).mulInPlace(1 - share).addInPlace(towards);
            }
        }
        changed.run();
    }

    @Override
    public Measurement measure(TokenForest forest, HeadRequest request) {
        return scorer.measure(forest, request);
    }

    @Override
    public Teacher read(TokenForest forest) {
        return scorer.read(forest);
    }

    @Override
    public Start start() {
        return scorer.start();
    }

    @Override
    public void close() {
        scope.close();
    }

    /// The reference's values, to write.
    public List<SafeTensorsWriter.Source> state() {
        return parameters.stream()
                .map(
                        p ->
                                TensorBytes.source(
                                        p.name(), DType.FLOAT32, p.shape(), () -> master.apply(p)))
                .toList();
    }

    /// Restores what [#state] gave.
    ///
    /// @throws CheckpointException if it is of other weights
    public void restore(TensorFile file) {
        try (var _ = TensorScope.open("reference.restore")) {
            parameters.forEach(p -> FILE.load(file, p.name(), master.apply(p)));
        }
        changed.run();
    }
}
