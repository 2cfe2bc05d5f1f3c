package org.attune.optim;

import org.attune.error.ConfigException;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.policy.GradientParts;
import org.attune.policy.ParameterSpace;
import org.attune.policy.StateTensors;
import org.attune.ranks.Collective;
import org.attune.ranks.RankParts;
import org.attune.tensor.DType;
import org.attune.tensor.TensorScope;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// An optimizer whose state is cut over ranks, as ZeRO does
/// ([Rajbhandari et al. 2020](https://arxiv.org/abs/1910.02054), Sec. 5.1 and 5.2). Each rank has
/// the state of its part of the numbers, updates them, and gets the others' values. Bits and files
/// are those of [FlatOptimizer] on one rank: formulas of single numbers don't know what is beside
/// them, and a norm is added up by pieces that no cut goes through.
///
/// All ranks make the same calls. Gradients are kept whole, and hold in this rank's part the sum
/// over ranks ([RankParts#sum]) before an update; what else they hold isn't read. Or each rank
/// keeps its part of them only ([GradientParts]).
public final class PartedOptimizer implements Optimizer {
    private final ParameterSpace space;
    private final OptimizerKind kind;
    private final RankParts parts;
    private final Optional<GradientParts> gradients;
    private final TensorScope scope = TensorScope.detached("part of an optimizer");
    private final FlatOptimizer own;
    private final List<String> moments;

    /// An optimizer over gradients that are kept whole.
    ///
    /// @param space the parameters, whole; borrowed
    /// @param kind formula of single numbers
    /// @param settings weight decay and learning rates by name
    /// @param ranks borrowed
    /// @throws ConfigException if the formula needs whole parameters
    public PartedOptimizer(
            ParameterSpace space, OptimizerKind kind, ParameterGroups settings, Collective ranks) {
        this(space, kind, settings, new RankParts(ranks, space.count()), Optional.empty());
    }

    /// An optimizer over gradients that are kept in parts.
    ///
    /// @param gradients of the space; borrowed
    /// @throws ConfigException if the formula needs whole parameters
    public PartedOptimizer(
            ParameterSpace space,
            OptimizerKind kind,
            ParameterGroups settings,
            GradientParts gradients) {
        this(space, kind, settings, gradients.parts(), Optional.of(gradients));
    }

    private PartedOptimizer(
            ParameterSpace space,
            OptimizerKind kind,
            ParameterGroups settings,
            RankParts parts,
            Optional<GradientParts> gradients) {
        if (!kind.mayPart()) {
            throw ConfigException.about("zero_stage", whyWhole());
        }
        this.space = space;
        this.kind = kind;
        this.parts = parts;
        this.gradients = gradients;
        var part = SpacePart.of(scope, space, parts, gradients.map(GradientParts::sum));
        own = new FlatOptimizer(part, kind, settings, RankParts.piece(space.count()));
        moments = kind.state(space.parameters()).stream().map(StateTensor::name).toList();
    }

    /// Why some kinds can't be cut, and what to use.
    public static String whyWhole() {
        return "0 with this optim, whose state is of whole matrices or of blocks of 256 numbers of"
                + " one, which parts of ranks would cut; or an optim that keeps moments of single"
                + " numbers, as adamw_torch or lion_32bit";
    }

    @Override
    public double gradientNorm(NormType type) {
        double norm = 0;
        for (double group : groups(type)) {
            norm = type.join(norm, group);
        }
        return type.together(norm);
    }

    @Override
    public double gradientSquares(int group) {
        return groups(NormType.L2)[group];
    }

    /// What a piece has of a norm.
    ///
    /// @param value its first number
    private record PieceNorm(int group, long value, double part) {}

    /// The norm of each group, added up over all ranks' pieces in the order of their numbers.
    private double[] groups(NormType type) {
        List<Double> mine = new ArrayList<>();
        own.norms(
                type,
                (group, value, part) -> mine.addAll(List.of((double) group, (double) value, part)));
        double[] sent = mine.stream().mapToDouble(Double::doubleValue).toArray();
        List<PieceNorm> all = new ArrayList<>();
        for (double[] theirs : parts.ranks().allGather("norm of gradients", sent)) {
            for (int at = 0; at < theirs.length; at += 3) {
                all.add(new PieceNorm((int) theirs[at], (long) theirs[at + 1], theirs[at + 2]));
            }
        }
        all.sort(Comparator.comparingLong(PieceNorm::value));
        double[] sums = new double[space.groups().size()];
        for (PieceNorm piece : all) {
            sums[piece.group()] = type.join(sums[piece.group()], piece.part());
        }
        return sums;
    }

    @Override
    public void step(double learningRate, double gradientScale) {
        own.step(learningRate, gradientScale);
        spread();
    }

    private void spread() {
        space.gatherValues(parts);
    }

    @Override
    public void begin(double learningRate) {
        throw new UnsupportedOperationException("groups that are updated one by one, in parts");
    }

    @Override
    public void update(int group) {
        throw new UnsupportedOperationException("groups that are updated one by one, in parts");
    }

    @Override
    public void zeroGradients() {
        gradients.ifPresentOrElse(GradientParts::begin, () -> space.gradients().zeroInPlace());
    }

    @Override
    public void zeroGradients(int group) {
        throw new UnsupportedOperationException("groups that are updated one by one, in parts");
    }

    @Override
    public void showResult() {
        if (kind.averages()) {
            own.showResult();
            spread();
        }
    }

    @Override
    public void showTrained() {
        if (kind.averages()) {
            own.showTrained();
            spread();
        }
    }

    /// The parts of other ranks come while the file is written: they call [#giveState] meanwhile.
    @Override
    public List<Source> state() {
        Set<String> parted = parted();
        List<Source> sources = new ArrayList<>();
        for (Source source : own.state()) {
            if (parted.contains(source.name())) {
                sources.add(whole(source));
            } else {
                boolean values = source.name().equals(OptimizerState.VALUES);
                sources.add(values ? StateTensors.source(source.name(), space.values()) : source);
            }
        }
        return sources;
    }

    /// What of the state a rank has its part of. It has all trained values, but where others are
    /// shown, or where it keeps its part of them.
    private Set<String> parted() {
        Set<String> parted = new HashSet<>(moments);
        if (own.showsResult() || !space.keepsValues()) {
            parted.add(OptimizerState.VALUES);
        }
        return parted;
    }

    private Source whole(Source part) {
        return new Source(
                part.name(),
                DType.FLOAT32,
                new long[] {parts.count()},
                arena -> whole(part, arena));
    }

    private MemorySegment whole(Source part, Arena arena) {
        MemorySegment row = arena.allocate(parts.count() * Float.BYTES, Long.BYTES);
        parts.collect("the optimizer's state", part.data().apply(arena), row);
        return row;
    }

    @Override
    public void giveState() {
        Set<String> parted = parted();
        for (Source source : own.state()) {
            if (parted.contains(source.name())) {
                try (Arena arena = Arena.ofConfined()) {
                    MemorySegment part = source.data().apply(arena);
                    parts.collect("the optimizer's state", part, MemorySegment.NULL);
                }
            }
        }
    }

    @Override
    public void restore(TensorFile file) {
        var state = new StateTensors("the optimizer", "model or optimizer");
        for (String name : moments) {
            state.require(file, name, DType.FLOAT32, parts.count());
        }
        space.replaceValues(() -> own.restore(new FilePart(file, Set.copyOf(moments), parts)));
    }

    @Override
    public void keep() {
        own.keep();
    }

    @Override
    public void goBack() {
        own.goBack();
        spread();
    }

    @Override
    public void close() {
        own.close();
        scope.close();
    }
}
