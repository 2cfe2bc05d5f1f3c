package org.attune.optim;

import org.attune.error.CheckpointException;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.policy.ParameterSpace;
import org.attune.policy.ParameterSpace.Parameter;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.tensor.VectorKernels;
import org.attune.tensor.vector.AdamWKernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// AdamW (Loshchilov and Hutter, arXiv 1711.05101, Alg. 2) over a flat parameter space, with the
/// operations and the order of `torch.optim.AdamW`:
/// ```
/// θ ← θ (1 - γ λ)                                  where weight decay applies
/// m ← β₁ m + (1 - β₁) g        v ← β₂ v + (1 - β₂) g²
/// θ ← θ - γ / (1 - β₁ᵗ) · m / (√v / √(1 - β₂ᵗ) + ε)
/// ```
/// On a processor one pass over the flat tensors does it all; elsewhere they are updated in pieces
/// that fit the cache, so that the dozen passes of the formula cost about as much as one pass over
/// the memory.
public final class AdamW implements Optimizer {
    /// Elements of a piece: 1 MB of each of the tensors.
    private static final long PIECE = 1 << 18;

    private static final String VALUES = "values";
    private static final String FIRST = "exp_avg";
    private static final String SECOND = "exp_avg_sq";
    private static final String STEPS = "steps";

    private final ParameterSpace space;
    private final Settings settings;
    private final boolean inOnePass;
    private final List<List<Piece>> groups;
    private final TensorScope scope;
    private final Tensor first;
    private final Tensor second;
    private long steps;
    private Optional<KeptTensors> kept = Optional.empty();
    private long keptSteps;

    /// @param beta1 decay of the first moment, [0, 1)
    /// @param beta2 decay of the second moment, [0, 1)
    /// @param epsilon added to the root of the second moment; ≥ 0
    /// @param weightDecay decoupled decay λ of the parameters that decay; ≥ 0
    public record Settings(double beta1, double beta2, double epsilon, double weightDecay) {
        public Settings {
            require(beta1 >= 0 && beta1 < 1, "adam_beta1 must be in [0, 1)", beta1);
            require(beta2 >= 0 && beta2 < 1, "adam_beta2 must be in [0, 1)", beta2);
            require(epsilon >= 0 && Double.isFinite(epsilon), "adam_epsilon must be >= 0", epsilon);
            require(
                    weightDecay >= 0 && Double.isFinite(weightDecay),
                    "weight_decay must be >= 0",
                    weightDecay);
        }

        /// PyTorch's defaults, without decay.
        public static Settings defaults() {
            return new Settings(0.9, 0.999, 1e-8, 0);
        }

        private static void require(boolean holds, String what, double value) {
            if (!holds) {
                throw new IllegalArgumentException(what + ", got " + value);
            }
        }
    }

    /// A run of neighbours in a group that all decay or all don't.
    ///
    /// @param start in the values
    /// @param gradient first element in the gradients
    private record Piece(long start, long gradient, long length, boolean decays) {
        boolean continuesWith(Parameter next, boolean nextDecays) {
            return start + length == next.offset() && decays == nextDecays;
        }
    }

    /// @param space the parameters; borrowed
    public AdamW(ParameterSpace space, Settings settings) {
        this(space, settings, VectorKernels.serve(space.values().device(), DType.FLOAT32));
    }

    /// @param inOnePass whether the kernel updates them, else operators do
    AdamW(ParameterSpace space, Settings settings, boolean inOnePass) {
        this.space = space;
        this.settings = settings;
        this.inOnePass = inOnePass;
        groups = space.groups().stream().map(this::pieces).toList();
        scope = TensorScope.detached("adamw");
        long size = space.values().size();
        try (var _ = scope.enter()) {
            first = Tensor.zeros(space.values().device(), DType.FLOAT32, size);
            second = Tensor.zeros(space.values().device(), DType.FLOAT32, size);
        }
        scope.seal();
    }

    private List<Piece> pieces(List<Parameter> group) {
        List<Piece> runs = new ArrayList<>();
        for (Parameter parameter : group) {
            boolean decays = settings.weightDecay() > 0 && parameter.decays();
            Piece last = runs.isEmpty() ? null : runs.getLast();
            long length = parameter.count();
            if (last != null && last.continuesWith(parameter, decays)) {
                runs.removeLast();
                runs.add(new Piece(last.start, last.gradient, last.length + length, decays));
            } else {
                long gradient = space.gradientOffset(parameter);
                runs.add(new Piece(parameter.offset(), gradient, length, decays));
            }
        }
        List<Piece> pieces = new ArrayList<>();
        for (Piece run : runs) {
            for (long done = 0; done < run.length; done += PIECE) {
                long length = Math.min(PIECE, run.length - done);
                pieces.add(new Piece(run.start + done, run.gradient + done, length, run.decays));
            }
        }
        return List.copyOf(pieces);
    }

    @Override
    public double gradientNorm() {
        double sum = 0;
        for (int group = 0; group < groups.size(); group++) {
            sum += gradientSquares(group);
        }
        return Math.sqrt(sum);
    }

    @Override
    public double gradientSquares(int group) {
        double sum = 0;
        for (Piece piece : groups.get(group)) {
            try (var _ = TensorScope.open("adamw.norm")) {
                sum += gradient(piece).square().sum().item();
            }
        }
        return sum;
    }

    @Override
    public void step(double learningRate, double gradientScale) {
        begin();
        groups.forEach(pieces -> update(pieces, learningRate, gradientScale));
        space.valuesChanged();
    }

    @Override
    public void begin() {
        steps++;
    }

    @Override
    public void update(int group, double learningRate) {
        update(groups.get(group), learningRate, 1);
        space.valuesChanged(group);
    }

    private void update(List<Piece> pieces, double learningRate, double gradientScale) {
        double rootScale = 1 / Math.sqrt(1 - Math.pow(settings.beta2, steps));
        double rate = learningRate / (1 - Math.pow(settings.beta1, steps));
        for (Piece piece : pieces) {
            double decay = piece.decays ? 1 - learningRate * settings.weightDecay : 1;
            try (var _ = TensorScope.open("adamw.step")) {
                if (inOnePass) {
                    VectorKernels.adamW(
                            kernel(decay, gradientScale, rootScale, rate),
                            view(space.values(), piece),
                            gradient(piece),
                            view(first, piece),
                            view(second, piece));
                } else {
                    update(piece, decay, gradientScale, rootScale, rate);
                }
            }
        }
    }

    private AdamWKernel kernel(double decay, double gradientScale, double rootScale, double rate) {
        return new AdamWKernel(
                (float) decay,
                (float) gradientScale,
                (float) settings.beta1,
                (float) (1 - settings.beta1),
                (float) settings.beta2,
                (float) (1 - settings.beta2),
                (float) rootScale,
                (float) settings.epsilon,
                (float) rate);
    }

    /// By operators. Their roots differ from the kernel's, which are rounded to the nearest, in the
    /// last bit.
    private void update(
            Piece piece, double decay, double gradientScale, double rootScale, double rate) {
        Tensor values = view(space.values(), piece);
        if (piece.decays) {
            values.mulInPlace(decay);
        }
        Tensor gradient = gradient(piece).mul(gradientScale);
        Tensor m = view(first, piece);
        Tensor v = view(second, piece);
        m.mulInPlace(settings.beta1).addInPlace(gradient.mul(1 - settings.beta1));
        v.mulInPlace(settings.beta2).addInPlace(gradient.square().mul(1 - settings.beta2));
        Tensor root = v.sqrt().mul(rootScale).add(settings.epsilon);
        values.subInPlace(m.div(root).mul(rate));
    }

    @Override
    public void zeroGradients() {
        space.gradients().zeroInPlace();
    }

    @Override
    public void zeroGradients(int group) {
        try (var _ = TensorScope.open("adamw.zero")) {
            groups.get(group).forEach(piece -> gradient(piece).zeroInPlace());
        }
    }

    /// Updates done.
    public long steps() {
        return steps;
    }

    @Override
    public List<Source> state() {
        return List.of(
                source(VALUES, space.values()),
                source(FIRST, first),
                source(SECOND, second),
                new Source(
                        STEPS,
                        DType.INT64,
                        new long[] {1},
                        arena -> arena.allocateFrom(ValueLayout.JAVA_LONG, steps)));
    }

    private static Source source(String name, Tensor tensor) {
        return new Source(name, DType.FLOAT32, tensor.shape(), arena -> copy(tensor, arena));
    }

    private static MemorySegment copy(Tensor tensor, Arena arena) {
        if (tensor.device().equals(Device.cpu())) {
            return tensor.memory();
        }
        MemorySegment copy = arena.allocate(tensor.size() * Float.BYTES, Float.BYTES);
        try (var _ = TensorScope.open("adamw.state")) {
            Tensor host = Tensor.empty(Device.cpu(), DType.FLOAT32, tensor.shape());
            copy.copyFrom(host.copyInPlace(tensor).memory());
        }
        return copy;
    }

    @Override
    public void restore(TensorFile file) {
        load(file, VALUES, space.values());
        load(file, FIRST, first);
        load(file, SECOND, second);
        try (Arena arena = Arena.ofConfined()) {
            steps = file.read(STEPS, arena).get(ValueLayout.JAVA_LONG, 0);
        }
        space.valuesChanged();
    }

    private static void load(TensorFile file, String name, Tensor target) {
        TensorFile.Entry entry = file.entries().get(name);
        if (entry == null
                || entry.dtype() != DType.FLOAT32
                || !Arrays.equals(entry.shape(), target.shape())) {
            String wanted = "float32 tensor \"%s\" of shape %s".formatted(name, shapeOf(target));
            throw new CheckpointException(
                    "the optimizer's state has no %s, but %s; it is of another model or optimizer"
                            .formatted(wanted, describe(entry)));
        }
        try (Arena arena = Arena.ofConfined();
                var _ = TensorScope.open("adamw.restore")) {
            target.copyInPlace(
                    Tensor.ofMemory(
                            Device.cpu(), DType.FLOAT32, file.read(name, arena), target.shape()));
        }
    }

    private static String shapeOf(Tensor tensor) {
        return Arrays.toString(tensor.shape());
    }

    private static String describe(TensorFile.Entry entry) {
        return entry == null ? "none" : entry.dtype() + " " + Arrays.toString(entry.shape());
    }

    @Override
    public void keep() {
        if (kept.isPresent()) {
            kept.get().keep();
        } else {
            kept = Optional.of(new KeptTensors(List.of(space.values(), first, second)));
        }
        keptSteps = steps;
    }

    @Override
    public void goBack() {
        kept.orElseThrow(() -> new IllegalStateException("nothing was kept")).goBack();
        steps = keptSteps;
        space.valuesChanged();
    }

    private Tensor gradient(Piece piece) {
        return space.gradients().narrow(0, piece.gradient, piece.length);
    }

    private static Tensor view(Tensor flat, Piece piece) {
        return flat.narrow(0, piece.start, piece.length);
    }

    @Override
    public void close() {
        kept.ifPresent(KeptTensors::close);
        scope.close();
    }
}
