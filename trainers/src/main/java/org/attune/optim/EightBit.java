package org.attune.optim;

import org.attune.optim.ElementFormula.Moment;
import org.attune.policy.ParameterSpace.Parameter;
import org.attune.tensor.BlockwiseCodes;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Moments in eight bits ([Dettmers et al. 2021](https://arxiv.org/abs/2110.02861), Sec. 2), as
/// bitsandbytes: blocks of 256 numbers are divided by their largest size and rounded to the nearest
/// of 256 levels that are denser near 0 ([BlockwiseCodes]). The formula computes in float32. In
/// between a moment takes a byte and 1/64. Parameters of fewer than 4096 numbers keep full moments.
///
/// @param formula of the numbers; without numbers that all share
record EightBit(ElementFormula formula) implements OptimizerKind {
    /// Parameters below keep full moments.
    private static final long SMALLEST = 4096;

    /// Tensors of a moment.
    private static final int TENSORS = 3;

    public EightBit {
        Ranges.require(
                formula.shared() == 0, "8-bit moments need a formula without an average", formula);
    }

    private static boolean isSmall(Parameter p) {
        return p.count() < SMALLEST;
    }

    private static long blocks(Parameter p) {
        return Math.ceilDiv(p.count(), BlockwiseCodes.BLOCK);
    }

    @Override
    public List<StateTensor> state(List<Parameter> parameters) {
        long small =
                parameters.stream().filter(EightBit::isSmall).mapToLong(Parameter::count).sum();
        List<Parameter> large = parameters.stream().filter(p -> !isSmall(p)).toList();
        long codes = large.stream().mapToLong(Parameter::count).sum();
        long blocks = large.stream().mapToLong(EightBit::blocks).sum();
        var state = new ArrayList<StateTensor>();
        for (Moment m : formula.moments()) {
            state.add(new StateTensor(m.name(), DType.FLOAT32, small));
            state.add(new StateTensor(m.name() + ".codes", DType.UINT8, codes));
            state.add(new StateTensor(m.name() + ".absmax", DType.FLOAT32, blocks));
        }
        return List.copyOf(state);
    }

    @Override
    public boolean serves(Device device) {
        return !device.isGpu();
    }

    @Override
    public boolean mayCut(Parameter parameter) {
        return true;
    }

    @Override
    public UpdateRule rule(List<Parameter> parameters, List<Tensor> state) {
        Map<Parameter, Place> places = new HashMap<>();
        long small = 0;
        long codes = 0;
        long blocks = 0;
        for (Parameter p : parameters) {
            places.put(p, new Place(isSmall(p) ? small : codes, blocks));
            small += isSmall(p) ? p.count() : 0;
            codes += isSmall(p) ? 0 : p.count();
            blocks += isSmall(p) ? 0 : blocks(p);
        }
        return (piece, values, gradient, step) -> {
            Place place = places.get(piece.parameter());
            long from = piece.start() - piece.parameter().offset();
            if (isSmall(piece.parameter())) {
                List<Tensor> own = views(state, 0, place.number + from, piece.length());
                formula.update(piece, values, gradient, own, step);
            } else {
                List<Tensor> codesOf = views(state, 1, place.number + from, piece.length());
                long block = place.block + from / BlockwiseCodes.BLOCK;
                long count = Math.ceilDiv(piece.length(), BlockwiseCodes.BLOCK);
                var packed = new Packed(codesOf, views(state, 2, block, count));
                List<Tensor> moments = packed.decoded(formula.moments());
                formula.update(piece, values, gradient, moments, step);
                packed.encode(formula.moments(), moments);
            }
        };
    }

    /// A part of one of the three tensors of each moment.
    private static List<Tensor> views(List<Tensor> state, int which, long start, long length) {
        var views = new ArrayList<Tensor>();
        for (int i = which; i < state.size(); i += TENSORS) {
            views.add(state.get(i).narrow(0, start, length));
        }
        return views;
    }

    /// Where a parameter's state begins.
    ///
    /// @param number in the codes, or in the moments of small parameters
    /// @param block in the blocks' sizes
    private record Place(long number, long block) {}

    /// The moments of a piece.
    ///
    /// @param codes uint8 `(n)` each
    /// @param sizes of their blocks
    private record Packed(List<Tensor> codes, List<Tensor> sizes) {
        List<Tensor> decoded(List<Moment> moments) {
            var decoded = new ArrayList<Tensor>();
            for (int i = 0; i < codes.size(); i++) {
                decoded.add(
                        BlockwiseCodes.decode(codes.get(i), sizes.get(i), moments.get(i).signed()));
            }
            return decoded;
        }

        void encode(List<Moment> moments, List<Tensor> numbers) {
            for (int i = 0; i < codes.size(); i++) {
                boolean signed = moments.get(i).signed();
                BlockwiseCodes.encode(numbers.get(i), signed, codes.get(i), sizes.get(i));
            }
        }
    }
}
