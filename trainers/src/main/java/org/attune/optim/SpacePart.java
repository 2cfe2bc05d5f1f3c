package org.attune.optim;

import org.attune.policy.ParameterSpace;
import org.attune.ranks.RankParts;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// A rank's part of a space as a space: of a parameter it has none, all or several stretches, each
/// of which is a parameter of its name. Offsets count the numbers of the part. Values stay where
/// they are in the whole space; who changes them tells it.
///
/// @param ownValues views
/// @param valueOffsets of each parameter in the whole space
/// @param wholeGradients whether gradients stand where they do in the whole space, instead of one
///     behind the other
record SpacePart(
        Tensor values,
        Tensor gradients,
        List<Parameter> parameters,
        List<List<Parameter>> groups,
        List<Tensor> ownValues,
        Map<Parameter, Long> valueOffsets,
        boolean wholeGradients)
        implements ParameterSpace {
    /// @param scope of the views
    /// @param gradients of the part, `(own)`; empty if they stand in the whole space
    static SpacePart of(
            TensorScope scope, ParameterSpace whole, RankParts parts, Optional<Tensor> gradients) {
        Map<Parameter, Long> offsets = new HashMap<>();
        List<Parameter> all = new ArrayList<>();
        Map<Parameter, List<Parameter>> stretches = new HashMap<>();
        for (Parameter p : whole.parameters()) {
            List<Parameter> own = new ArrayList<>();
            long end = p.offset() + p.count();
            for (RankParts.Run run : parts.runs(parts.ranks().rank(), p.offset(), end)) {
                long[] shape = shape(p, run.length());
                var stretch = new Parameter(p.name(), shape, run.part(), p.decays());
                offsets.put(stretch, run.row());
                own.add(stretch);
            }
            stretches.put(p, own);
            all.addAll(own);
        }
        List<List<Parameter>> groups =
                whole.groups().stream()
                        .map(group -> group.stream().flatMap(p -> stretches.get(p).stream()))
                        .map(Stream::toList)
                        .toList();
        try (var _ = scope.enter()) {
            List<Tensor> values =
                    parts.runs().stream()
                            .map(run -> whole.values().narrow(0, run.row(), run.length()))
                            .toList();
            return new SpacePart(
                    whole.values(),
                    gradients.orElseGet(whole::gradients),
                    all,
                    groups,
                    values,
                    offsets,
                    gradients.isEmpty());
        }
    }

    /// The shape of `count` of a parameter's numbers, as a vector or a matrix as before.
    private static long[] shape(Parameter whole, long count) {
        if (count == whole.count()) {
            return whole.shape();
        }
        long[] shape = new long[whole.shape().length];
        Arrays.fill(shape, 1);
        shape[0] = count;
        return shape;
    }

    @Override
    public long valueOffset(Parameter parameter) {
        return valueOffsets.get(parameter);
    }

    @Override
    public long gradientOffset(Parameter parameter) {
        return wholeGradients ? valueOffset(parameter) : parameter.offset();
    }

    @Override
    public void valuesChanged() {}
}
