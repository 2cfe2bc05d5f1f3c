package org.attune.policy;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraInitialisation;
import org.attune.adapter.LoraTarget;
import org.attune.error.ConfigException;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// What the matrices of an adapter began as, where the base is without that: PiSSA
/// ([Meng et al. 2024, Eq. 2 to 4](https://arxiv.org/abs/2404.02948)) and OLoRA
/// ([Büyükakyüz 2024](https://arxiv.org/abs/2406.01775)).
/// ```
/// W' = W_res + s B A,     W_res = W − s B₀ A₀
/// ```
/// The base model's weights stay as they are: a constant second update is `−s B₀ A₀`. So the base
/// serves as a reference, no weight is rounded, and what is written is a plain LoRA of rank 2r:
/// `[B | −B₀]` and `A` over `A₀`, as PEFT converts such adapters.
final class StartingUpdates {
    private static final String STATE = "adapter.start";

    private final FlatParameters flat;
    private final LoraInitialisation initialisation;
    private final int iterations; // 0: exact singular directions
    private final Tensor values; // in the places of the trained ones, float32
    private final Map<ParameterSpace.Parameter, Boolean> matrices = new HashMap<>(); // is it an A

    /// Makes its memory in the current scope.
    ///
    /// @param config whose initialisation takes from the base
    StartingUpdates(FlatParameters flat, LoraConfig config) {
        this.flat = flat;
        initialisation = config.initialisation();
        iterations = config.options().iterations();
        values = Tensor.zeros(flat.values().device(), DType.FLOAT32, flat.values().size(0));
    }

    /// Registers the matrices of a module.
    void add(ParameterSpace.Parameter a, ParameterSpace.Parameter b) {
        matrices.put(a, true);
        matrices.put(b, false);
    }

    /// What a matrix began as, a view in the current scope.
    Tensor of(ParameterSpace.Parameter matrix) {
        return values.narrow(0, matrix.offset(), matrix.count()).reshape(matrix.shape());
    }

    /// Has a module begin, in the current scope.
    ///
    /// @param weight of the base, float32 `(out, in)`
    /// @throws ConfigException if the weight has fewer directions than the rank
    void begin(
            LoraTarget target,
            Tensor weight,
            ParameterSpace.Parameter a,
            ParameterSpace.Parameter b,
            UniformRandomProvider random) {
        int r = target.rank();
        requireDirections(target, weight, initialisation);
        Tensor w = Tensor.empty(Device.cpu(), DType.FLOAT32, weight.shape()).copyInPlace(weight);
        Matrices start =
                initialisation == LoraInitialisation.OLORA
                        ? orthogonal(w, r)
                        : principal(w, r, target.scaling(), iterations, random);
        of(a).copyInPlace(start.a());
        of(b).copyInPlace(start.b());
        flat.value(a).copyInPlace(of(a));
        flat.value(b).copyInPlace(of(b));
    }

    /// @param weight or one of its shape
    /// @throws ConfigException if the weight has fewer directions than the rank needs
    static void requireDirections(
            LoraTarget target, Tensor weight, LoraInitialisation initialisation) {
        long directions = Math.min(weight.size(0), weight.size(1));
        // LoRA-GA's A and B begin with different ones.
        long most = initialisation == LoraInitialisation.LORA_GA ? directions / 2 : directions;
        if (target.rank() > most) {
            throw ConfigException.about(
                    "lora_r",
                    "%d for %s, whose weight has %d directions; accepted with init_lora_weights: %s: at most %d"
                            .formatted(
                                    target.rank(),
                                    target.path(),
                                    directions,
                                    initialisation.name().toLowerCase(Locale.ROOT),
                                    most));
        }
    }

    /// @param a `(r, in)`
    /// @param b `(out, r)`
    record Matrices(Tensor a, Tensor b) {}

    /// The first columns of Q and rows of R.
    private static Matrices orthogonal(Tensor w, int r) {
        Tensor[] qr = w.qr();
        return new Matrices(qr[1].narrow(0, 0, r), qr[0].narrow(1, 0, r));
    }

    /// The largest singular directions, half of each singular value's root on either side. Theirs
    /// are divided by the scaling, so that `s B A` is the best approximation of `W` of rank r.
    ///
    /// @param w on the processor, float32 `(out, in)`
    /// @param iterations 0: exact directions; else so many power iterations
    static Matrices principal(
            Tensor w, int r, double scaling, int iterations, UniformRandomProvider random) {
        Tensor[] usv = iterations == 0 ? w.svd() : SingularDirections.of(w, r, iterations, random);
        Tensor roots = usv[1].narrow(0, 0, r).mul(1 / scaling).sqrt(); // (r)
        return new Matrices(
                usv[2].narrow(1, 0, r).mul(roots).t(), usv[0].narrow(1, 0, r).mul(roots));
    }

    /// Takes the values of another adapter on the same modules.
    void copy(StartingUpdates other) {
        values.copyInPlace(other.values);
    }

    /// What an adapter's file holds of a matrix; empty if it is another parameter.
    ///
    /// @param name in the file
    Optional<Source> source(String name, ParameterSpace.Parameter p) {
        Boolean isA = matrices.get(p);
        if (isA == null) {
            return Optional.empty();
        }
        int axis = isA ? 0 : 1;
        long[] shape = p.shape().clone();
        shape[axis] *= 2;
        return Optional.of(
                TensorBytes.source(
                        name,
                        DType.FLOAT32,
                        shape,
                        () -> Tensor.cat(axis, flat.value(p), isA ? of(p) : of(p).neg())));
    }

    /// The tensors that a checkpoint holds, by name.
    Map<String, Tensor> state() {
        return Map.of(STATE, values);
    }
}
