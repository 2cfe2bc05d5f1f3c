package org.attune.optim;

import org.attune.error.ConfigException;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.policy.ParameterSpace;
import org.attune.policy.StateTensors;
import org.attune.ranks.RankParts;
import org.attune.tensor.DType;
import org.attune.tensor.TensorScope;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// An optimizer whose state is cut over ranks: the first stage of ZeRO
/// ([Rajbhandari et al. 2020](https://arxiv.org/abs/1910.02054), Sec. 5.1). Each rank has the state
/// of its part of the numbers, updates them, and gets the others' values. Bits and files are those
/// of [FlatOptimizer] on one rank: formulas of single numbers don't know what is beside them, and a
/// norm is added up by pieces that no cut goes through.
///
/// All ranks make the same calls. Before an update, gradients hold the sum over ranks in this
/// rank's part ([RankParts#sum]); what else they hold isn't read.
public final class PartedOptimizer implements Optimizer {
    private static final String VALUES = "updated values";

    private final ParameterSpace space;
    private final OptimizerKind kind;
    private final RankParts parts;
    private final TensorScope scope = TensorScope.detached("part of an optimizer");
    private final FlatOptimizer own;
    private final Set<String> parted = new HashSet<>();

    /// @param space the parameters, whole; borrowed
    /// @param kind formula of single numbers
    /// @param settings weight decay and learning rates by name
    /// @param parts of the numbers
    /// @throws ConfigException if the formula needs whole parameters
    public PartedOptimizer(
            ParameterSpace space, OptimizerKind kind, ParameterGroups settings, RankParts parts) {
        if (!kind.mayPart()) {
            throw ConfigException.about("zero_stage", whyWhole());
        }
        this.space = space;
        this.kind = kind;
        this.parts = parts;
        var part = SpacePart.of(scope, space, parts.start(), parts.own());
        own = new FlatOptimizer(part, kind, settings, RankParts.piece(space.count()));
        parted.add(OptimizerState.VALUES);
        kind.state(space.parameters()).forEach(tensor -> parted.add(tensor.name()));
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

    /// Of each group, added up over all ranks' pieces in their order.
    private double[] groups(NormType type) {
        double[][] mine = own.normParts(type);
        List<Double> sent = new ArrayList<>();
        for (double[] group : mine) {
            sent.add((double) group.length);
            for (double piece : group) {
                sent.add(piece);
            }
        }
        double[][] all =
                parts.ranks()
                        .allGather(
                                "norm of gradients",
                                sent.stream().mapToDouble(Double::doubleValue).toArray());
        double[] sums = new double[mine.length];
        for (double[] theirs : all) {
            int at = 0;
            for (int group = 0; group < sums.length; group++) {
                int end = at + 1 + (int) theirs[at];
                for (at++; at < end; at++) {
                    sums[group] = type.join(sums[group], theirs[at]);
                }
            }
        }
        return sums;
    }

    @Override
    public void step(double learningRate, double gradientScale) {
        own.step(learningRate, gradientScale);
        spread();
    }

    private void spread() {
        parts.gather(VALUES, space.values());
        space.valuesChanged();
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
        space.gradients().zeroInPlace();
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
        return own.state().stream()
                .map(source -> parted.contains(source.name()) ? whole(source) : source)
                .toList();
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
        for (String name : parted) {
            state.require(file, name, DType.FLOAT32, parts.count());
        }
        own.restore(new FilePart(file, parted, parts.start(), parts.own()));
        spread();
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
