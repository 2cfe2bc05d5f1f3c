package org.attune.optim;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.policy.ParameterSpace;
import org.attune.policy.ParameterSpace.Parameter;
import org.attune.ranks.RankParts;
import org.attune.tensor.Device;
import org.attune.tensor.DeviceKernels;
import org.attune.tensor.LaterNumbers;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// An optimizer of any kind over a flat parameter space. On a processor the numbers are updated in
/// pieces that fit the cache, so that the dozen passes of a formula cost about as much as one pass
/// over the memory. On a GPU a call costs as much as a pass over a million numbers, so pieces are
/// as large as their temporaries may be, and a norm is one number that is waited for.
@Api(EXPERIMENTAL)
public final class FlatOptimizer implements Optimizer {
    /// Numbers of a piece on a GPU: 256 MB.
    private static final long GPU_PIECE = 1 << 26;

    private final ParameterSpace space;
    private OptimizerKind kind;
    private final long most; // numbers of a piece
    private List<List<Piece>> groups;
    private final TensorScope scope;
    private final OptimizerState state;
    private UpdateRule rule;
    private final Optional<LaterNumbers> clipping; // norm and factor
    private ParameterGroups settings;
    private Step step;
    private long turnUpdates; // of parameters that take turns
    private Optional<KeptTensors> kept = Optional.empty();
    private Step keptStep;
    private Optional<KeptTensors> trained = Optional.empty(); // while the result is shown

    /// Why parameters that take turns can't have some kinds, and what to use.
    public static final String ONE_BY_ONE =
            "an optim that keeps moments of single numbers, as adamw_torch or lion_32bit, with"
                    + " lisa_n_layers, where moments of some blocks begin anew";

    /// @param space the parameters; borrowed
    /// @param kind formula and settings
    /// @param settings weight decay and learning rates by name
    /// @throws ConfigException if the optimizer can't be computed where the parameters are
    public FlatOptimizer(ParameterSpace space, OptimizerKind kind, ParameterGroups settings) {
        this(space, kind, settings, RankParts.piece(space.count()));
    }

    /// @param piece numbers that are updated at once on a processor: up to 1 MB of each tensor
    FlatOptimizer(ParameterSpace space, OptimizerKind kind, ParameterGroups settings, long piece) {
        Device device = space.values().device();
        if (!kind.serves(device)) {
            throw new ConfigException(
                    "optimizers with 8-bit state are computed on a processor, not on %s; use one"
                                    .formatted(device)
                            + " without 8bit in its name, or device: cpu");
        }
        if (space.takesTurns() && (!kind.mayPart() || kind.shared() > 0)) {
            throw ConfigException.about("optim", ONE_BY_ONE);
        }
        this.space = space;
        this.kind = kind;
        this.settings = settings;
        most = device.isGpu() ? GPU_PIECE : piece;
        groups = pieces();
        scope = TensorScope.detached("optimizer");
        state = new OptimizerState(scope, space, kind.state(space.parameters()));
        rule = kind.rule(space.parameters(), state.tensors());
        try (var _ = scope.enter()) {
            clipping =
                    kind.clipsThere(device)
                            ? Optional.of(LaterNumbers.on(device, 2))
                            : Optional.empty();
        }
        scope.seal();
        step = new Step(0, 0, 1, new double[kind.shared()]);
    }

    private List<List<Piece>> pieces() {
        return space.groups().stream().map(this::pieces).toList();
    }

    private List<Piece> pieces(List<Parameter> group) {
        List<Piece> runs = new ArrayList<>();
        for (Parameter parameter : group) {
            Piece next = piece(parameter, settings.of(parameter));
            Piece last = runs.isEmpty() ? null : runs.getLast();
            if (kind.mayJoin() && last != null && last.continuesWith(next)) {
                runs.set(runs.size() - 1, last.with(next));
            } else {
                runs.add(next);
            }
        }
        List<Piece> pieces = new ArrayList<>();
        for (Piece run : runs) {
            long size = kind.mayCut(run.parameter()) ? most : run.length();
            // Where numbers stand in the space says where pieces end, so that a part of the space
            // has the same ones; but blocks of 8-bit state begin with their parameter.
            long first = kind.mayJoin() ? size - run.start() % size : size;
            long length;
            for (long done = 0; done < run.length(); done += length) {
                length = Math.min(done == 0 ? first : size, run.length() - done);
                pieces.add(run.part(done, length));
            }
        }
        return List.copyOf(pieces);
    }

    private Piece piece(Parameter whole, ParameterSetting setting) {
        long value = space.valueOffset(whole);
        long gradient = space.gradientOffset(whole);
        return new Piece(whole, whole.offset(), value, gradient, whole.count(), setting);
    }

    @Override
    public double gradientNorm(NormType type) {
        double norm = 0;
        if (space.values().device().isGpu()) {
            return type.together(partOnGpu(groups.stream().flatMap(List::stream).toList(), type));
        }
        for (int group = 0; group < groups.size(); group++) {
            norm = type.join(norm, part(group, type));
        }
        return type.together(norm);
    }

    /// Told what a piece has of a norm.
    interface PieceNorms {
        /// @param group number in [ParameterSpace#groups]
        /// @param value first number of the piece in the values
        void add(int group, long value, double part);
    }

    /// What the pieces of all groups have of a norm, to be [joined][NormType#join] in the order of
    /// the values.
    void norms(NormType type, PieceNorms to) {
        for (int group = 0; group < groups.size(); group++) {
            for (Piece piece : groups.get(group)) {
                to.add(group, piece.value(), part(piece, type));
            }
        }
    }

    private double part(Piece piece, NormType type) {
        try (var _ = TensorScope.open("optimizer.norm")) {
            return type.part(gradient(piece));
        }
    }

    @Override
    public double gradientSquares(int group) {
        return part(group, NormType.L2);
    }

    private double part(int group, NormType type) {
        double part = 0;
        if (space.values().device().isGpu()) {
            return partOnGpu(groups.get(group), type);
        }
        for (Piece piece : groups.get(group)) {
            part = type.join(part, part(piece, type));
        }
        return part;
    }

    /// The part that pieces have of a norm; those of all pieces come to the host together.
    private double partOnGpu(List<Piece> pieces, NormType type) {
        try (var _ = TensorScope.open("optimizer.norm")) {
            return Arrays.stream(partsThere(pieces, type).toDoubles()).reduce(0, type::join);
        }
    }

    /// `(pieces)`, on the GPU.
    private Tensor partsThere(List<Piece> pieces, NormType type) {
        Tensor[] parts = new Tensor[pieces.size()];
        for (int i = 0; i < parts.length; i++) {
            parts[i] = type.partOnGpu(gradient(pieces.get(i))).reshape(1);
        }
        return parts.length == 1 ? parts[0] : Tensor.cat(0, parts);
    }

    @Override
    public void step(double learningRate, double gradientScale) {
        begin(learningRate, gradientScale, Optional.empty());
        updateAll();
    }

    @Override
    public Optional<LaterNumbers> stepClipped(double learningRate, double largest) {
        if (clipping.isPresent()) {
            try (var _ = TensorScope.open("optimizer.norm")) {
                List<Piece> all = groups.stream().flatMap(List::stream).toList();
                Tensor parts = partsThere(all, NormType.L2);
                DeviceKernels.clip(parts, clipping.get().there(), largest);
            }
            clipping.get().send();
            begin(learningRate, 1, clipping.map(LaterNumbers::there));
            updateAll();
        }
        return clipping;
    }

    private void updateAll() {
        groups.forEach(this::update);
        space.valuesChanged();
        if (space.takesTurns()) {
            turnUpdates = space.draw(step.number());
            if (turnUpdates == 0) {
                beginTurn();
            }
        }
    }

    /// Parameters that have just come have no moments.
    private void beginTurn() {
        groups = pieces();
        for (Piece piece : groups.stream().flatMap(List::stream).toList()) {
            if (!space.isLasting(piece.parameter())) {
                try (var _ = TensorScope.open("optimizer.turn")) {
                    state.tensors().forEach(moment -> piece.of(moment).zeroInPlace());
                }
            }
        }
    }

    @Override
    public void begin(double learningRate) {
        begin(learningRate, 1, Optional.empty());
    }

    private void begin(double learningRate, double gradientScale, Optional<Tensor> clippingThere) {
        if (trained.isPresent()) {
            throw new IllegalStateException("an update while the result is shown");
        }
        step =
                new Step(
                        step.number() + 1,
                        learningRate,
                        gradientScale,
                        clippingThere,
                        step.shared().clone());
        kind.begin(step, step.shared());
    }

    @Override
    public void update(int group) {
        update(groups.get(group));
        space.valuesChanged(group);
    }

    private void update(List<Piece> pieces) {
        for (Piece piece : pieces) {
            boolean lasting = space.isLasting(piece.parameter());
            Step own = lasting ? step : step.withNumber(turnUpdates + 1);
            try (var _ = TensorScope.open("optimizer.step")) {
                rule.update(piece, piece.values(space.values()), gradient(piece), own);
            }
        }
    }

    @Override
    public void zeroGradients() {
        space.gradients().zeroInPlace();
    }

    @Override
    public void zeroGradients(int group) {
        try (var _ = TensorScope.open("optimizer.zero")) {
            groups.get(group).forEach(piece -> gradient(piece).zeroInPlace());
        }
    }

    /// Whether other values are shown than those that are trained.
    boolean showsResult() {
        return trained.isPresent();
    }

    /// Makes later updates follow other settings; moments and the number of updates stay.
    ///
    /// @throws IllegalArgumentException if the optimizer keeps another state than AdamW of these
    ///     settings
    public void change(AdamW other, ParameterGroups settings) {
        List<StateTensor> needed = other.state(space.parameters());
        if (!needed.equals(kind.state(space.parameters()))) {
            throw new IllegalArgumentException("the optimizer keeps another state than " + needed);
        }
        kind = other;
        this.settings = settings;
        groups = pieces();
        rule = kind.rule(space.parameters(), state.tensors());
    }

    /// Updates done.
    public long steps() {
        return step.number();
    }

    /// The tensors of state, for tests.
    List<Tensor> moments() {
        return state.tensors();
    }

    @Override
    public void showResult() {
        if (!kind.averages() || step.number() == 0 || trained.isPresent()) {
            return;
        }
        trained = Optional.of(new KeptTensors(space.ownValues()));
        for (List<Piece> pieces : groups) {
            for (Piece piece : pieces) {
                try (var _ = TensorScope.open("optimizer.result")) {
                    rule.showResult(piece, piece.values(space.values()));
                }
            }
        }
        space.valuesChanged();
    }

    @Override
    public void showTrained() {
        if (trained.isPresent()) {
            trained.get().goBack();
            trained.get().close();
            trained = Optional.empty();
            space.valuesChanged();
        }
    }

    @Override
    public List<Source> state() {
        List<Tensor> values = trained.map(KeptTensors::copies).orElse(space.ownValues());
        return state.sources(values, step.number(), step.shared());
    }

    @Override
    public void restore(TensorFile file) {
        OptimizerState.Counters counters = state.restore(file, step.shared().length);
        step = new Step(counters.steps(), 0, 1, counters.shared());
        turnUpdates = space.draw(counters.steps());
        groups = pieces();
        space.valuesChanged();
    }

    @Override
    public void keep() {
        if (space.takesTurns()) {
            throw new IllegalStateException("parameters that take turns can't be kept");
        }
        if (kept.isPresent()) {
            kept.get().keep();
        } else {
            var all = new ArrayList<Tensor>(space.ownValues());
            all.addAll(state.tensors());
            kept = Optional.of(new KeptTensors(all));
        }
        keptStep = step;
    }

    @Override
    public void goBack() {
        kept.orElseThrow(() -> new IllegalStateException("nothing was kept")).goBack();
        step = keptStep;
        space.valuesChanged();
    }

    private Tensor gradient(Piece piece) {
        return piece.gradients(space.gradients());
    }

    @Override
    public void close() {
        kept.ifPresent(KeptTensors::close);
        trained.ifPresent(KeptTensors::close);
        scope.close();
    }
}
